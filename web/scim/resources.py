"""The resources that Kollega knows in SCIM, with those attributes only that it stores, and what it says of itself."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Meta,
    Mutability,
    Name,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from recommender.database.provisioning_tables import LONGEST_EXTERNAL_ID
from recommender.database.tables import Team
from recommender.provisioning.people import Known, Provided
from recommender.provisioning.teams import ProvidedGroup

MOST_RESULTS = 200
Address = Callable[[str, int], str]
"""Gives the address of a resource: of ("Users", 12) or ("Groups", 3)."""
_READ_ONLY = Mutability.read_only


class Email(ComplexAttribute):
    """An e-mail address. The primary one, else the first, is where Kollega writes to."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class GroupOfUser(ComplexAttribute):
    """A team of a person."""

    value: Annotated[str | None, _READ_ONLY, CaseExact.true] = None
    ref: Annotated[Reference["Group"] | None, _READ_ONLY] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, _READ_ONLY] = None


class Member(ComplexAttribute):
    """A member of a team: the id of a person."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )


class User(Resource[Any]):
    """A person: the user name, a name, addresses, and whether they may sign in."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None
    groups: Annotated[list[GroupOfUser] | None, _READ_ONLY] = None


class Group(Resource[Any]):
    """A team: its name and members."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[Member] | None = None


POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,  # providers send job titles, managers and extensions of their own
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,  # as Entra ID takes members out
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,  # as Entra ID sets the first address
)
"""Where Kollega takes more than the RFCs ask for: they are the forms of Entra ID."""


def provider() -> ScimProvider:
    """What this service is and can do."""
    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=False),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="A token with the scope scim, in the header Authorization.",
                primary=True,
            )
        ],
    )
    return ScimProvider(models=[User, Group], config=config, policy=POLICY)


def user_of(known: Known, address: Address) -> User:
    """A person as a resource; `address` says where users and groups are."""
    person, said = known.person, known.said or {}
    own = [{"value": known.email, "primary": True}] if known.email else []
    emails = said.get("emails", own)
    groups = [
        GroupOfUser(value=str(team.id), ref=Reference(address("Groups", team.id)), display=team.name)
        for team in person.teams
    ]
    return User(
        id=str(person.id),
        external_id=known.external_id,
        user_name=person.handle,
        name=Name.model_validate(said["name"]) if said.get("name") else None,
        display_name=said.get("displayName") if known.said else person.name,
        active=known.active,
        emails=[Email.model_validate(email) for email in emails] if emails else None,
        groups=groups or None,
        meta=Meta(resource_type="User", location=address("Users", person.id), last_modified=person.updated_at),
    )


def provided_by(user: User, *, active: bool) -> Provided:
    """What a resource says of a person; `active` holds when it does not say."""
    name, emails = user.name, [email for email in user.emails or [] if email.value]
    parts = " ".join(filter(None, (name.given_name, name.family_name))) if name else ""
    shown = user.display_name or (name and name.formatted) or parts or user.user_name or ""
    first = next((email for email in emails if email.primary), emails[0] if emails else None)
    said = user.model_dump(include={"name", "display_name", "emails"}, mode="json")
    said.pop("schemas", None)
    return Provided(
        user_name=(user.user_name or "").strip(),
        name=shown,
        email=(first.value or "") if first else "",
        active=active if user.active is None else user.active,
        external_id=_checked(user.external_id),
        said={"displayName": None, **said},
    )


def group_of(team: Team, external_id: str | None, address: Address) -> Group:
    """A team as a resource."""
    people = sorted(team.members, key=lambda person: person.id)
    members = [Member(value=str(person.id), ref=Reference(address("Users", person.id))) for person in people]
    meta = Meta(resource_type="Group", location=address("Groups", team.id))
    return Group(id=str(team.id), external_id=external_id, display_name=team.name, members=members or None, meta=meta)


def provided_group(group: Group) -> ProvidedGroup:
    """What a resource says of a team. Raises ValueError for a member that is no id of a person."""
    values = [member.value or "" for member in group.members or []]
    for value in values:
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise ValueError(f"members: there is no user {value!r}")
    name = " ".join((group.display_name or "").split())
    return ProvidedGroup(name, _checked(group.external_id), frozenset(map(int, values)))


def _checked(external_id: str | None) -> str | None:
    if external_id and len(external_id) > LONGEST_EXTERNAL_ID:
        raise ValueError(f"externalId has at most {LONGEST_EXTERNAL_ID} characters")
    return external_id or None
