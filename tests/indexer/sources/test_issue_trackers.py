"""What is special about GitHub, GitLab and Redmine: pull requests, bots, confidential issues, journals, saved files."""

import json
from pathlib import Path
from typing import Any

import pytest

from recommender.errors import SourceError
from tests.indexer.sources.reading import read
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.github import REPOSITORY, GitHubServer
from tests.indexer.sources.servers.gitlab import PROJECT, GitLabServer
from tests.indexer.sources.servers.redmine import RedmineServer
from tests.indexer.sources.servers.server import TOKEN, serving


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB", "GITLAB", "REDMINE"):
        monkeypatch.setenv(f"KOLLEGA_{name}_TOKEN", TOKEN)


def save(folder: Path, **files: Any) -> Path:
    """Write values as JSON files."""
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def test_github_gives_no_pull_requests_and_says_where_an_issue_is() -> None:
    desk = Desk(20)
    desk.end(4, "merged", into=1)
    with serving(GitHubServer(desk)) as server:
        found = read("github", server.url, repositories=(REPOSITORY,))
    assert len(found.requests) == 20
    first = found.requests["501"]
    assert (first.group, first.url) == (REPOSITORY, f"https://github.com/{REPOSITORY}/issues/1")
    assert first.tags == ("tulostus",) and first.replies[1].score == 2 and "\r" not in first.body
    assert found.requests["504"].status == "closed"  # a duplicate is no answer


@pytest.mark.parametrize("kind", ["github", "gitlab", "redmine"])
def test_what_was_public_and_is_private_now_is_read_again_as_a_whole(kind: str) -> None:
    desk = Desk(12)
    if kind == "github":
        public: Any = GitHubServer(desk, private=False)
        private: Any = GitHubServer(desk)
        options: dict[str, Any] = {"repositories": (REPOSITORY,)}
    elif kind == "gitlab":
        public, private, options = GitLabServer(desk, visibility="public"), GitLabServer(desk), {"projects": (PROJECT,)}
    else:
        public, private, options = RedmineServer(desk, public=True), RedmineServer(desk), {}
    with serving(public) as server:
        before = read(kind, server.url, **options)
    with serving(private) as server:
        after = read(kind, server.url, before.mark, **options)
        again = read(kind, server.url, after.mark, **options)
    wide = ("public projects",) if kind == "redmine" else ("public",)
    assert {record.readers_there for record in before.requests.values()} == {wide}
    assert len(after.requests) == 12
    assert wide not in {record.readers_there for record in after.requests.values()}
    assert len(again.requests) < 12


@pytest.mark.parametrize(("kind", "words"), [("github", "owner/name"), ("gitlab", "group/name")])
def test_what_to_read_must_be_named(kind: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(kind, "https://git.example.org")


def test_a_bot_or_the_asker_gives_no_answer_on_github(tmp_path: Path) -> None:
    server = GitHubServer(Desk(2))
    issues = [server.issue(ticket) for ticket in server.desk.tickets.values()]
    comments = [server.comment(ticket, note) for ticket in server.desk.tickets.values() for note in ticket.notes]
    comments[0]["user"] = None  # deleted
    comments[1]["user"] = {"login": "stale[bot]", "type": "Bot"}
    comments[3]["user"] = issues[1]["user"]
    found = read("github", save(tmp_path, issues=issues, comments=comments))
    assert found.problems == []
    assert [each[1] for each in found.replies("501")] == [False, False] and found.requests["501"].status == "closed"
    assert [each[1] for each in found.replies("502")] == [True, False]
    assert found.people["github-stale[bot]"].kind == "service" and found.requests["501"].replies[0].author is None


def test_gitlab_leaves_out_what_the_system_notes_and_respects_confidential_issues() -> None:
    desk = Desk(4)
    desk.hide(2)
    desk.end(4, "merged", into=1)
    with serving(GitLabServer(desk, visibility="internal")) as server:
        found = read("gitlab", server.url, projects=(PROJECT,))
        asked = [path for path in server.requests if "/notes" in path]
    assert len(asked) == 3  # the third issue has no notes
    assert [text for text, _accepted, _internal in found.replies("501")] == [
        "Sisäinen huomio 1",
        "Käynnistä palvelu 1 uudelleen.",
    ]
    assert found.requests["501"].readers_there == ("internal",)
    assert found.requests["502"].readers_there == (f"{PROJECT} (confidential)",)
    assert found.requests["504"].merged_into == "501"


def test_issues_of_a_public_project_of_gitlab_that_are_for_members_only_are_so_here() -> None:
    with serving(GitLabServer(Desk(1), visibility="public", issues="private")) as server:
        found = read("gitlab", server.url, projects=(PROJECT,))
    assert found.requests["501"].readers_there == (PROJECT,)


def test_saved_answers_of_gitlab_are_read(tmp_path: Path) -> None:
    server = GitLabServer(Desk(2))
    issues = [server.issue(ticket) for ticket in server.desk.tickets.values()]
    other = {**issues[0], "id": 901, "project_id": 37, "web_url": "https://gitlab.example/muu/-/issues/1"}
    notes = [server.note(ticket, note) for ticket in server.desk.tickets.values() for note in ticket.notes]
    found = read("gitlab", save(tmp_path, issues=[*issues, other], notes=notes))
    assert set(found.requests) == {"501", "502", "901"} and found.problems == []
    assert found.replies("501")[1] == ("Käynnistä palvelu 1 uudelleen.", True, False) and found.replies("901") == []


def test_redmine_leaves_out_changes_without_a_note_and_respects_private_issues() -> None:
    desk = Desk(3)
    desk.hide(2)
    with serving(RedmineServer(desk, public=True)) as server:
        found = read("redmine", server.url)
    assert found.replies("1") == [
        ("Sisäinen huomio 1", False, True),
        ("Käynnistä palvelu 1 uudelleen.", True, False),
    ]
    first = found.requests["1"]
    assert (first.status, first.group, first.readers_there) == ("resolved", "Neuvonta", ("public projects",))
    assert found.requests["2"].readers_there == ("Neuvonta (private issues)",)
    assert found.requests["3"].status == "open" and first.url == f"{server.url}/issues/1"


def test_issues_of_redmine_that_do_not_say_whether_they_are_private_are_so_here(tmp_path: Path) -> None:
    server = RedmineServer(Desk(1))
    issue = server.issue(server.desk.tickets[1], True)
    del issue["is_private"]
    project = {"project": {"id": 4, "name": "Neuvonta", "is_public": True}}
    found = read("redmine", save(tmp_path, issue={"issue": issue}, project=project))
    assert found.requests["1"].readers_there == ("Neuvonta (private issues)",)


def test_projects_of_redmine_are_read_one_after_the_other_and_all_are_known() -> None:
    desk, options = Desk(3), {"projects": ("neuvonta", "muu1")}
    system = RedmineServer(desk, public=True)
    system.projects = 130
    with serving(system) as server:
        found = read("redmine", server.url, **options)
        desk.change(2, "Uusi")
        later = read("redmine", server.url, found.mark, **options)
        with pytest.raises(SourceError, match="404"):
            read("redmine", server.url, projects=("neuvnota",))
    assert {record.readers_there for record in found.requests.values()} == {("public projects",)}
    assert set(found.requests) == {"1", "2", "3"} and "2" in later.requests


def test_redmine_texts_in_textile_become_markdown(tmp_path: Path) -> None:
    server = RedmineServer(Desk(1))
    issue = server.issue(server.desk.tickets[1], True)
    issue["description"] = "h2. Vika\n\n* tulostin\n* näyttö\n\n<pre>\nlpq -a\n</pre>"
    found = read("redmine", save(tmp_path, issue={"issue": issue}), markup="textile")
    assert found.requests["1"].body == "## Vika\n\n- tulostin\n- näyttö\n\n```\nlpq -a\n```"


def test_without_the_states_of_redmine_an_issue_is_closed_unless_its_state_changed_since(tmp_path: Path) -> None:
    server = RedmineServer(Desk(2))
    listed = server.issue(server.desk.tickets[2], False)
    full = server.issue(server.desk.tickets[1], True)
    again = {"id": 77, "user": {"id": 2, "name": "Kai"}, "notes": "", "created_on": "2027-01-01T00:00:00Z"}
    full["journals"].append({**again, "details": [{"property": "attr", "name": "status_id", "new_value": "1"}]})
    short = {name: value for name, value in full.items() if name != "journals"}
    found = read("redmine", save(tmp_path, list={"issues": [listed, short]}, one={"issue": full}))
    assert found.requests["2"].status == "closed" and found.requests["1"].status == "open"
    assert len(found.requests["1"].replies) == 2
