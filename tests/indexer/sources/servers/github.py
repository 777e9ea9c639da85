"""The REST interface of GitHub: issues of a repository with pull requests among them, and their comments."""

from datetime import datetime
from typing import Any

from tests.indexer.sources.servers.desk import Desk, Note, Person, Ticket
from tests.indexer.sources.servers.server import TOKEN, Reply, iso, number_in

REPOSITORY = "kallio/neuvonta"


class GitHubServer:
    """Issues of one repository; the id of number 7 is 507. Every tenth issue has a pull request beside it."""

    def __init__(self, desk: Desk, most: int = 30, private: bool = True) -> None:
        self.desk, self.address, self.most, self.private = desk, "", most, private

    def allows(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {TOKEN}"

    def answer(self, path: str, params: dict[str, str]) -> Reply | None:
        if path == f"/repos/{REPOSITORY}":
            return Reply({"full_name": REPOSITORY, "private": self.private})
        if path == f"/repos/{REPOSITORY}/issues":
            found: list[dict[str, Any]] = []
            for ticket in self.desk.ascending(datetime.fromisoformat(params["since"])):
                found.append(self.issue(ticket))
                if ticket.id % 10 == 0:
                    found.append(
                        {**self.issue(ticket), "id": 9000 + ticket.id, "number": 9000 + ticket.id, "pull_request": {}}
                    )
                    found[-1]["pull_request"] = {"url": "x"}
            return self._page(found, params, path)
        if (number := number_in(path, f"/repos/{REPOSITORY}/issues/{{}}/comments")) is not None:
            ticket = self.desk.tickets[number]
            return self._page([self.comment(ticket, note) for note in ticket.notes], params, path)
        return None

    def _page(self, rows: list[Any], params: dict[str, str], path: str) -> Reply:
        page, most = int(params.get("page", "1")), min(self.most, int(params["per_page"]))
        asked = "&".join(f"{name}={value}" for name, value in params.items() if name != "page")
        after = f'<{self.address}{path}?{asked}&page={page + 1}>; rel="next"'
        headers = {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": "1790000000"}
        more = {"Link": after} if len(rows) > page * most else {}
        return Reply(rows[(page - 1) * most : page * most], 200, {**headers, **more})

    def issue(self, ticket: Ticket) -> dict[str, Any]:
        """An issue as a list has it."""
        reason = {"solved": "completed", "unanswered": "not_planned", "merged": "duplicate"}.get(ticket.state)
        return {
            "id": 500 + ticket.id,
            "number": ticket.id,
            "url": f"https://api.github.com/repos/{REPOSITORY}/issues/{ticket.id}",
            "html_url": f"https://github.com/{REPOSITORY}/issues/{ticket.id}",
            "title": ticket.title,
            "body": ticket.text.replace("\n", "\r\n"),
            "user": _user(ticket.asker),
            "labels": [{"name": "tulostus"}],
            "state": "open" if ticket.state == "open" else "closed",
            "state_reason": reason,
            "comments": len(ticket.notes),
            "created_at": iso(ticket.at),
            "updated_at": iso(ticket.changed),
            "closed_at": iso(ticket.solved) if ticket.state != "open" else None,
        }

    def comment(self, ticket: Ticket, note: Note) -> dict[str, Any]:
        """A comment of an issue."""
        return {
            "id": note.id,
            "issue_url": f"https://api.github.com/repos/{REPOSITORY}/issues/{ticket.id}",
            "user": _user(note.author),
            "body": note.text,
            "created_at": iso(note.at),
            "updated_at": iso(note.at),
            "reactions": {"+1": 2},
        }


def _user(person: Person) -> dict[str, Any]:
    return {"login": f"user{person.id}", "id": person.id, "type": "User", "name": person.name}
