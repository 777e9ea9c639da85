"""web/scim: an identity provider manages people and teams by SCIM 2.0, tried with a client and a tester of that
protocol."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import ScimProvider
from scim2_tester import Status, check_server
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from recommender import accounts
from recommender.database.account_tables import Account
from recommender.database.audit_table import AuditEntry
from recommender.database.provisioning_tables import ProvisionedPerson
from recommender.database.tables import HelpRequest, Person, Team, utc_now
from recommender.membership import people
from recommender.provisioning import people as provisioning
from tests.chromium import served

Sessions = sessionmaker[Session]
AT = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
KEPT = ("check_remove_attribute", "PATCH modify() did not remove attribute 'active'")
"""What is on purpose: Kollega always says whether somebody may sign in."""
Call = Callable[..., Any]


def _token(sessions: Sessions, *scopes: str) -> str:
    with sessions.begin() as session:
        person = session.scalars(select(Person).where(Person.handle == "entra")).first()
        if person is None:
            person = Person(handle="entra", name="Identity provider", languages=[], stated_kind="service")
            session.add(person)
            session.flush()
        return accounts.make_token(session, person, "provisioning", scopes or ("scim",))


@pytest.fixture
def client(open_client: Callable[[], FlaskClient]) -> FlaskClient:
    return open_client()


@pytest.fixture
def call(client: FlaskClient, sessions: Sessions) -> Call:
    """Makes a call and returns the JSON of its answer; fails when it has another status."""
    headers = {"Authorization": f"Bearer {_token(sessions)}"}

    def made(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        kind = "application/scim+json"
        answer = client.open(AT + path, method=method, json=body, headers=headers, content_type=kind)
        assert answer.status_code == status, answer.text
        assert answer.content_type == kind or status == 204
        return answer.json if answer.data else None

    return made


def _user(user_name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": user_name, "displayName": user_name.capitalize(), "active": True, **more}


def _patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def _person(sessions: Sessions, handle: str) -> tuple[Person, Account | None]:
    with sessions() as session:
        person = session.scalars(select(Person).where(Person.handle == handle)).one()
        return person, session.get(Account, person.id)


@pytest.fixture
def scim_client(client: FlaskClient, sessions: Sessions) -> Iterator[SyncSCIMClient]:
    """A client of another maker, which validates each answer, over the network."""
    headers = {"Authorization": f"Bearer {_token(sessions)}"}
    with served(client.application) as at, Client(base_url=at + AT, headers=headers) as http:
        yield SyncSCIMClient(http, provider=ScimProvider())


def test_a_tester_of_the_protocol_finds_no_fault(scim_client: SyncSCIMClient) -> None:
    results = check_server(scim_client)
    done = [result for result in results if result.status == Status.SUCCESS]
    assert len(done) > 30
    allowed = (Status.SUCCESS, Status.SKIPPED)
    faults = [(result.title, result.reason) for result in results if result.status not in allowed]
    assert faults == [KEPT]


def test_a_client_discovers_the_service_and_manages_a_person(scim_client: SyncSCIMClient, sessions: Sessions) -> None:
    scim_client.discover()
    user_model: Any = scim_client.get_resource_model("User")
    made: Any = scim_client.create(user_model(user_name="aino", display_name="Aino Virtanen", external_id="e-1"))
    found: Any = scim_client.query(user_model, query_parameters={"filter": 'externalId eq "e-1"'})
    assert [user.id for user in found.resources] == [made.id]
    made.active = False
    replaced: Any = scim_client.replace(made)
    assert replaced.active is False
    account = _person(sessions, "aino")[1]
    assert account is not None and account.disabled
    scim_client.delete(user_model, made.id)


def test_only_a_token_with_the_scope_may_call(client: FlaskClient, sessions: Sessions) -> None:
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer kollega_wrong"}, 401),
        ({"Authorization": f"Bearer {_token(sessions, 'read', 'write', 'load')}"}, 403),
    ):
        for path in ("/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes"):
            answer = client.get(AT + path, headers=headers)
            assert answer.status_code == status
            assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
            assert answer.json["status"] == str(status)
    other = {"Authorization": f"Bearer {_token(sessions)}"}
    assert client.get("/api/v1/requests/1", headers=other).status_code == 403  # and it opens nothing else


def test_people_are_found_by_user_name_and_by_their_id_at_the_provider(
    call: Call, add_person: Callable[..., int]
) -> None:
    number = add_person("aino", "agent", "it")
    assert [user["id"] for user in call("GET", '/Users?filter=userName eq "AINO"')["Resources"]] == [str(number)]
    call("PATCH", f"/Users/{number}", _patch({"op": "add", "path": "externalId", "value": "e-1"}))
    for filter in ('externalId eq "e-1"', 'externalId eq "e-1" and active eq true', f'id eq "{number}"'):
        assert call("GET", f"/Users?filter={filter}")["totalResults"] == 1, filter
    for filter in ('externalId eq "E-1"', 'userName eq "nobody"', 'userName eq "aino" and active eq false'):
        assert call("GET", f"/Users?filter={filter}")["totalResults"] == 0, filter
    assert call("GET", '/Users?filter=displayName sw "Ai"')["totalResults"] == 1
    assert call("GET", "/Users?filter=userName like x", status=400)["scimType"] == "invalidFilter"
    only = call("GET", f"/Users/{number}?attributes=userName")
    assert only["userName"] == "aino" and "displayName" not in only


def test_long_lists_come_in_pages(call: Call, add_person: Callable[..., int]) -> None:
    for number in range(5):
        add_person(f"p{number}")
    first, second = call("GET", "/Users?startIndex=1&count=4"), call("GET", "/Users?startIndex=5&count=4")
    assert (first["totalResults"], first["itemsPerPage"], second["itemsPerPage"]) == (6, 4, 2)
    ids = [user["id"] for page in (first, second) for user in page["Resources"]]
    assert len(set(ids)) == 6
    assert call("GET", "/Users?count=0")["totalResults"] == 6
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": 'userName eq "p1"'}
    assert call("POST", "/Users/.search", body)["totalResults"] == 1


def test_a_new_person_can_sign_in_by_the_provider_and_is_audited(call: Call, sessions: Sessions) -> None:
    made = call("POST", "/Users", _user(
        "aino@example.org", externalId="e-1", name={"givenName": "Aino", "familyName": "Virtanen"}, displayName=None,
        emails=[{"value": "Aino@example.org", "type": "work", "primary": True}], title="Expert",
        **{ENTERPRISE: {"department": "IT"}},
    ), 201)  # fmt: skip
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}") and "title" not in made
    person, account = _person(sessions, "aino@example.org")
    assert (person.name, person.role) == ("Aino Virtanen", "staff")
    assert account is not None and (account.email, account.disabled, account.password_hash) == (
        "aino@example.org", False, None,
    )  # fmt: skip
    again = call("POST", "/Users", _user("AINO@example.org"), 409)
    assert (again["scimType"], again["status"]) == ("uniqueness", "409")
    with sessions() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"person:{person.id}")).all()
        assert {"person.added", "person.provisioned"} <= {entry.action for entry in entries}
        assert {entry.via for entry in entries} == {"api"} and all(entry.actor_id for entry in entries)


@pytest.mark.parametrize(
    ("operation", "active"),
    [
        ({"op": "Replace", "path": "active", "value": "False"}, False),  # Entra ID, as it sends it by default
        ({"op": "replace", "path": "active", "value": False}, False),
        ({"op": "replace", "value": {"active": False}}, False),  # Okta
        ({"op": "Replace", "value": {"active": True}}, True),
    ],
)
def test_a_person_is_disabled_by_the_forms_of_entra_and_okta(
    call: Call, sessions: Sessions, operation: dict[str, Any], active: bool
) -> None:
    made = call("POST", "/Users", _user("aino"), 201)
    assert call("PATCH", f"/Users/{made['id']}", _patch(operation))["active"] is active
    account = _person(sessions, "aino")[1]
    assert account is not None and account.disabled is not active


def test_entra_changes_names_and_addresses_by_paths(call: Call, sessions: Sessions) -> None:
    made = call("POST", "/Users", _user("aino"), 201)
    call("PATCH", f"/Users/{made['id']}", _patch(
        {"op": "Replace", "path": "displayName", "value": "Aino Lahti"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "aino.lahti@example.org"},
        {"op": "Replace", "path": "name.familyName", "value": "Lahti"},
        {"op": "Replace", "path": "userName", "value": "aino.lahti"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "IT"},
    ))  # fmt: skip
    person, account = _person(sessions, "aino.lahti")
    assert person.name == "Aino Lahti" and account is not None and account.email == "aino.lahti@example.org"
    changed = call("GET", f"/Users/{made['id']}")
    assert changed["emails"] == [{"value": "aino.lahti@example.org", "type": "work"}]
    assert changed["name"]["familyName"] == "Lahti"


def test_who_is_deleted_is_disabled_and_their_writing_stays(
    call: Call, sessions: Sessions, add_request: Callable[..., int]
) -> None:
    number = add_request("VPN", by="aino", asked_by="aino", team="it")
    person, _ = _person(sessions, "aino")
    call("DELETE", f"/Users/{person.id}", status=204)
    call("GET", f"/Users/{person.id}", status=404)
    assert call("GET", '/Users?filter=userName eq "aino"')["totalResults"] == 0
    with sessions() as session:
        request, account = session.get_one(HelpRequest, number), session.get_one(Account, person.id)
        assert request.asked_by_id == person.id and request.replies[0].author_id == person.id and account.disabled
        assert session.get_one(ProvisionedPerson, person.id).said == {"endedByProvider": True}  # no name, no address
    back = call("POST", "/Users", _user("aino"), 201)
    assert back["id"] == str(person.id) and back["active"] is True


def test_the_last_admin_is_neither_disabled_nor_deleted(call: Call, add_person: Callable[..., int],
                                                        sessions: Sessions) -> None:  # fmt: skip
    number = add_person("boss", "admin")
    with sessions.begin() as session:
        accounts.open_account(session, session.get_one(Person, number))
    off = _patch({"op": "replace", "path": "active", "value": False})
    assert "only admin" in call("PATCH", f"/Users/{number}", off, 403)["detail"]
    assert "only admin" in call("DELETE", f"/Users/{number}", status=403)["detail"]
    assert call("GET", f"/Users/{number}")["active"] is True


def test_an_admin_keeps_user_name_and_address_and_can_be_disabled(
    call: Call, sessions: Sessions, add_person: Callable[..., int]
) -> None:
    """With another address, "forgot password" would open an admin's account to whoever has the token."""
    number = add_person("boss", "admin")
    other = add_person("chief", "admin")
    with sessions.begin() as session:
        accounts.set_email(session, session.get_one(Person, number), "boss@example.org")
        accounts.set_email(session, session.get_one(Person, other), "chief@example.org")
    at, evil = f"/Users/{number}", [{"value": "me@evil.example", "primary": True}]
    patches = ({"path": "emails", "value": evil}, {"path": "userName", "value": "mallory"})
    for patch in patches:
        refused = call("PATCH", at, _patch({"op": "replace", **patch}), 403)
        assert "is an admin" in refused["detail"]
    call("PUT", at, _user("boss", emails=evil), 403)
    _boss, account = _person(sessions, "boss")
    assert account is not None and account.email == "boss@example.org"
    call("PATCH", at, _patch({"op": "replace", "path": "displayName", "value": "The Boss"}))
    off = call("PUT", at, _user("boss", active=False, emails=evil))  # whoever leaves is stopped all the same
    _boss, account = _person(sessions, "boss")
    assert not off["active"] and account is not None and account.email == "boss@example.org"


@pytest.mark.parametrize("by_provider", [True, False])
def test_the_provider_enables_only_whom_it_has_disabled(call: Call, sessions: Sessions, by_provider: bool) -> None:
    number = call("POST", "/Users", _user("aino"), 201)["id"]
    off, on = (_patch({"op": "replace", "path": "active", "value": value}) for value in (False, True))
    if by_provider:
        call("PATCH", f"/Users/{number}", off)
    else:
        with sessions.begin() as session:
            accounts.disable(session, session.get_one(Person, int(number)))
        call("PATCH", f"/Users/{number}", off)  # it is told too, and that changes nothing
    assert call("PATCH", f"/Users/{number}", on)["active"] is by_provider
    assert call("PUT", f"/Users/{number}", _user("aino"))["active"] is by_provider
    call("DELETE", f"/Users/{number}", status=204)
    assert call("POST", "/Users", _user("aino"), 201)["active"] is by_provider


def test_who_has_left_is_not_brought_back_by_the_provider(call: Call, sessions: Sessions) -> None:
    number = call("POST", "/Users", _user("aino"), 201)["id"]
    with sessions.begin() as session:
        people.set_left(session, session.get_one(Person, int(number)), utc_now().date())
    assert call("PUT", f"/Users/{number}", _user("aino"))["active"] is False


def test_a_page_after_the_last_one_is_empty(call: Call) -> None:
    call("POST", "/Users", _user("aino"), 201)
    for start in ("3", "99999999999999999999"):
        for filter in ("", '&filter=userName eq "aino"'):
            answer = call("GET", f"/Users?startIndex={start}{filter}")
            assert not answer.get("Resources") and answer["totalResults"] in (1, 2)


def test_a_person_is_found_by_each_of_their_addresses(call: Call) -> None:
    emails = [{"value": "aino@example.org", "primary": True}, {"value": "A.Virtanen@example.org"}]
    call("POST", "/Users", _user("aino", emails=emails), 201)
    for address, found in (("aino@example.org", 1), ("a.virtanen@example.org", 1), ("virtanen@example.org", 0)):
        assert call("GET", f'/Users?filter=emails.value eq "{address}"')["totalResults"] == found, address


def test_two_that_make_the_same_one_at_once_are_told_so(
    call: Call, monkeypatch: pytest.MonkeyPatch, add_person: Callable[..., int]
) -> None:
    add_person("aino")
    monkeypatch.setattr(people, "person_named", lambda *_: None)
    monkeypatch.setattr(provisioning, "by_user_name", lambda _name: Person.id == -1)
    assert call("POST", "/Users", _user("aino"), 409)["scimType"] == "uniqueness"


def test_groups_are_teams(call: Call, sessions: Sessions) -> None:
    aino, olli = (call("POST", "/Users", _user(name), 201)["id"] for name in ("aino", "olli"))
    made = call("POST", "/Groups", {
        "schemas": [GROUP], "displayName": "Human Resources", "externalId": "g-1", "members": [{"value": aino}],
    }, 201)  # fmt: skip
    at = f"/Groups/{made['id']}"
    assert [member["value"] for member in made["members"]] == [aino]
    call("PATCH", at, _patch({"op": "Add", "path": "members", "value": [{"value": olli}]}))
    call("PATCH", at, _patch({"op": "Remove", "path": "members", "value": [{"value": aino}]}))  # Entra ID
    assert [group["value"] for group in call("GET", f"/Users/{olli}")["groups"]] == [made["id"]]
    call("PATCH", at, _patch({"op": "remove", "path": f'members[value eq "{olli}"]'}))  # Okta
    assert "members" not in call("GET", at)
    call("PATCH", at, _patch({"op": "replace", "value": {"id": made["id"], "displayName": "HR"}}))  # Okta
    put = {"schemas": [GROUP], "displayName": "HR", "members": [{"value": aino}, {"value": olli}]}
    assert len(call("PUT", at, put)["members"]) == 2
    assert "members" not in call("GET", f"{at}?excludedAttributes=members")
    assert call("GET", '/Groups?filter=displayName eq "hr"')["totalResults"] == 1
    with sessions() as session:
        row = session.scalars(select(Team)).one()
        assert (row.handle, row.name) == ("human-resources", "HR")
        assert {person.handle for person in row.members} == {"aino", "olli"}
    assert call("POST", "/Groups", {"schemas": [GROUP], "displayName": "hr"}, 409)["scimType"] == "uniqueness"
    unknown = _patch({"op": "add", "path": "members", "value": [{"value": "999"}]})
    assert call("PATCH", at, unknown, 400)["scimType"] == "invalidValue"
    assert len(call("GET", at)["members"]) == 2


def test_a_team_to_which_something_belongs_stays_without_members_when_its_group_is_deleted(
    call: Call, sessions: Sessions, add_request: Callable[..., int], add_person: Callable[..., int]
) -> None:
    add_person("aino", "agent", "it")
    add_request("VPN", team="it", by="aino")
    add_person("olli", "agent", "empty")
    groups = {each["displayName"]: each["id"] for each in call("GET", "/Groups")["Resources"]}
    for number in groups.values():
        call("DELETE", f"/Groups/{number}", status=204)
        call("GET", f"/Groups/{number}", status=404)
    with sessions() as session:
        row = session.scalars(select(Team)).one()
        assert (row.handle, row.members) == ("it", [])
    assert call("POST", "/Groups", {"schemas": [GROUP], "displayName": row.name}, 201)["id"] == str(row.id)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/Users", {"schemas": [USER]}),
        ("POST", "/Users", _user("a b")),
        ("POST", "/Users", _user("x" * 121)),
        ("POST", "/Users", _user("aino", emails=[{"value": "no address"}])),
        ("POST", "/Users", _user("aino", externalId="x" * 201)),
        ("POST", "/Groups", {"schemas": [GROUP], "displayName": " "}),
        ("POST", "/Groups", {"schemas": [GROUP], "displayName": "x" * 201}),
        ("POST", "/Groups", {"schemas": [GROUP], "displayName": "IT", "members": [{"value": "aino"}]}),
        ("POST", "/Users", [1]),
        ("PUT", "/Users/1", {"schemas": [USER], "userName": ""}),
        ("PATCH", "/Users/1", {"schemas": [PATCH], "Operations": [{"op": "explode"}]}),
        ("PATCH", "/Users/1", {"schemas": [PATCH]}),
        ("PATCH", "/Users/1", _patch({"op": "remove", "path": "userName"})),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(
    call: Call, sessions: Sessions, method: str, path: str, body: Any
) -> None:
    with sessions() as session:
        number = session.scalars(select(Person.id)).one()
    refused = call(method, path.replace("/1", f"/{number}"), body, 400)
    assert refused["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"] and refused["detail"]
    with sessions() as session:
        assert session.scalars(select(Person.handle)).all() == ["entra"]
        assert session.scalars(select(Team)).all() == []


def test_what_is_not_offered_says_so(call: Call) -> None:
    call("POST", "/Bulk", {}, 501)
    call("GET", "/Me", status=501)
    call("POST", "/.search", {}, 501)
    config = call("GET", "/ServiceProviderConfig")
    assert [config[name]["supported"] for name in ("bulk", "etag", "sort", "changePassword")] == [False] * 4
    for path in ("/Users/0", "/Users/x", "/Groups/9", "/Schemas/x", "/Nothing"):
        assert call("GET", path, status=404)["status"] == "404"
