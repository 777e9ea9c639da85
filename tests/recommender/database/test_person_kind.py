"""database/person_kind.py: people are told from programs, desks and shared mailboxes."""

import pytest

from recommender.database.person_kind import PERSON, SERVICE, guess_kind


@pytest.mark.parametrize(
    ("handle", "name"),
    [
        ("jira", "Automation for Jira"),
        ("noreply@example.org", "noreply@example.org"),
        ("no-reply", "No Reply"),
        ("helpdesk@example.org", "helpdesk@example.org"),
        ("x17", "ServiceDesk Bot"),
        ("x18", "Service Desk"),
        ("x19", "IT-tuki"),
        ("x20", "IT Support"),
        ("x21", "Lähituki"),
        ("x22", "GitHubBot"),
        ("info@example.org", "Example Oy"),
        ("ilmoitusrobotti", "Ilmoitus Robotti"),
        ("system", "System"),
        ("jira-bot", "jira-bot"),
    ],
)
def test_programs_desks_and_shared_mailboxes_are_services(handle: str, name: str) -> None:
    assert guess_kind(handle, name) == SERVICE


@pytest.mark.parametrize(
    ("handle", "name"),
    [
        ("aino", "Aino Virtanen"),
        ("aino.virtanen@example.org", "Aino Virtanen"),
        ("it", "Ilkka Tuominen"),  # initials
        ("bot", "Botond Szabó"),
        ("rservice", "Robert Service"),
        ("desk", "Anna Desk"),
        ("user1234", "user1234"),
        ("tapani.help@example.org", "Tapani Help"),
        ("abbott", "Abbott"),
        ("hr", "Hanna Räty"),
        ("团队", "王芳"),
        ("5b10ac8d82e05b22cc7d4ef5", "Mika"),
        ("", ""),
    ],
)
def test_people_are_not_services_whatever_their_initials(handle: str, name: str) -> None:
    assert guess_kind(handle, name) == PERSON
