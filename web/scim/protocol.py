"""What the calls of SCIM do: read a message, change people or teams by it, and answer in SCIM's form."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ForbiddenException,
    InvalidValueException,
    ListResponse,
    NotFoundException,
    PatchOp,
    ResponseParameters,
    SCIMException,
    SearchRequest,
    UniquenessException,
)
from scim2_models.path.expressions import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import IntegrityError

from recommender.database.tables import Person, Team
from recommender.errors import AccountError
from recommender.provisioning import people, teams
from web import current
from web.addresses import absolute
from web.scim import resources
from web.scim.resources import MOST_RESULTS, POLICY, Group, User
from web.sign_in.session import signed_in

_LAST_INDEX = 2**31 - 1  # nothing is after it, and databases know no larger number to begin at
_TAKEN = ("handle_taken", "email_taken", "taken")
_Columns = dict[str, Callable[[str], ColumnElement[bool]]]
_PEOPLE: _Columns = {
    "username": people.by_user_name,
    "externalid": people.by_external_id,
    "emails.value": people.by_email,
    "id": lambda value: Person.id == _number(value),
}
_TEAMS: _Columns = {
    "displayname": teams.by_name,
    "externalid": teams.by_external_id,
    "id": lambda value: Team.id == _number(value),
}
"""By which attributes the database narrows down what a filter could match; the filter itself then decides."""


def answered(work: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    """The answer of a call, or an error in SCIM's form; what it has begun is then taken back."""
    try:
        with POLICY:
            return work()
    except (SCIMException, ValidationError, AccountError, ValueError, IntegrityError) as error:
        current.session().rollback()
        return _as_response(_as_error(error))


def list_of(kind: str, sent: dict[str, Any] | None = None) -> ResponseReturnValue:
    """A page of "Users" or "Groups", by the query string or by the body of a search."""
    of_people, model = kind == "Users", User if kind == "Users" else Group
    asked = SearchRequest[model].model_validate(sent or _query(), scim_ctx=Context.SEARCH_REQUEST)  # type: ignore[valid-type]
    start = min(max(asked.start_index or 1, 1), _LAST_INDEX)
    count = MOST_RESULTS if asked.count is None else min(asked.count, MOST_RESULTS)
    if asked.filter is None:
        query: Select[Any] = people.visible() if of_people else teams.visible()
        total = current.session().scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
        shown = _resources(kind, current.session().scalars(query.offset(start - 1).limit(count)).all())
    else:
        conditions = list(_narrowing(asked.filter.ast, _PEOPLE if of_people else _TEAMS))
        query = (people.visible() if of_people else teams.visible()).where(*conditions)
        found = _resources(kind, current.session().scalars(query).all())
        matching = [each for each in found if asked.filter.match(each)]
        total, shown = len(matching), matching[start - 1 : start - 1 + count]
    answer = ListResponse[model](total_results=total, start_index=start, items_per_page=len(shown), resources=shown)  # type: ignore[valid-type]
    return _as_response(answer, Context.RESOURCE_QUERY_RESPONSE, asked)


def one(kind: str, number: str) -> ResponseReturnValue:
    """One user or group."""
    return _shown(_resource(kind, _row(kind, number)))


def create(kind: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Add a person or make a team; 409 when there is one."""
    database, by = current.session(), signed_in().id
    row: Person | Team
    if kind == "Users":
        user = User.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        row = people.create(database, resources.provided_by(user, active=True), by, _tell())
    else:
        group = Group.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        row = teams.create(database, resources.provided_group(group), by)
    database.commit()
    made = _resource(kind, row)
    answer = _as_response(made, Context.RESOURCE_CREATION_RESPONSE, _parameters(kind), 201)
    answer.headers["Location"] = str(made.meta.location if made.meta else "")
    return answer


def replace(kind: str, number: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Make a person or team what the body says."""
    row, model = _row(kind, number), User if kind == "Users" else Group
    sent: Any = model.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    before = _resource(kind, row)
    sent.replace(before)
    _change(row, sent, before)
    return _shown(_resource(kind, row), Context.RESOURCE_REPLACEMENT_RESPONSE)


def patch(kind: str, number: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Change a person or team by the operations of the body."""
    row, model = _row(kind, number), User if kind == "Users" else Group
    operations = PatchOp[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)  # type: ignore[valid-type]
    before, after = _resource(kind, row), _resource(kind, row)
    operations.patch(after)
    _change(row, after, before)
    return _shown(_resource(kind, row), Context.RESOURCE_PATCH_RESPONSE)


def remove(kind: str, number: str) -> ResponseReturnValue:
    """Disable a person, or remove a team."""
    row, database, by = _row(kind, number), current.session(), signed_in().id
    if isinstance(row, Person):
        people.remove(database, row, by)
    else:
        teams.remove(database, row, by)
    database.commit()
    return Response(status=204)


def described(what: str, name: str = "") -> ResponseReturnValue:
    """What this service is and can do: its "ServiceProviderConfig", its "ResourceTypes" or its "Schemas"."""
    service = resources.provider()
    if what == "ServiceProviderConfig":
        return _as_response(service.config, Context.RESOURCE_QUERY_RESPONSE)
    every: Iterable[Any] = service.resource_types if what == "ResourceTypes" else service.schemas
    if name:
        found = next((each for each in every if str(each.id) == name), None)
        if found is None:
            raise NotFoundException(detail=f"There is no {name}.")
        return _as_response(found, Context.RESOURCE_QUERY_RESPONSE)
    if "filter" in request.args:
        raise ForbiddenException(detail="These lists take no filter.")
    shown = list(every)
    model = type(shown[0])
    answer = ListResponse[model](  # type: ignore[valid-type]
        total_results=len(shown), start_index=1, items_per_page=len(shown), resources=shown
    )
    return _as_response(answer, Context.RESOURCE_QUERY_RESPONSE)


def _change(row: Person | Team, after: Any, before: Any) -> None:
    database, by = current.session(), signed_in().id
    if isinstance(row, Person):
        people.change(database, row, resources.provided_by(after, active=bool(before.active)), by, _tell())
    else:
        teams.change(database, row, resources.provided_group(after), by)
    database.commit()


def _tell() -> str | None:
    return current.settings().language_of_mail


def _row(kind: str, number: str) -> Person | Team:
    """The row with this id; 404 when there is none that the provider sees."""
    wanted = _number(number)
    query: Select[Any] = people.visible().where(Person.id == wanted)
    if kind == "Groups":
        query = teams.visible().where(Team.id == wanted)
    found: Person | Team | None = current.session().scalar(query)
    if found is None:
        raise NotFoundException(detail=f"There is nothing with the id {number} in {kind}.")
    return found


def _resources(kind: str, rows: Iterable[Any]) -> list[Any]:
    found = list(rows)
    if kind == "Users":
        known = people.known(current.session(), found)
        return [resources.user_of(each, _address) for each in known]
    ids = teams.external_ids(current.session())
    return [resources.group_of(team, ids.get(team.id), _address) for team in found]


def _resource(kind: str, row: Person | Team) -> Any:
    return _resources(kind, [row])[0]


def _address(kind: str, number: int) -> str:
    return absolute(url_for("scim.one", kind=kind, number=str(number)))


def _narrowing(
    node: FilterNode, columns: dict[str, Callable[[str], ColumnElement[bool]]]
) -> Iterable[ColumnElement[bool]]:
    """Conditions that everything fulfils which a filter matches."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        for term in node.terms:
            yield from _narrowing(term, columns)
    if isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str):
        name = ".".join(filter(None, (node.attr_path.attr, node.attr_path.sub_attr))).lower()
        if name in columns:
            yield columns[name](node.value)


def _query() -> dict[str, Any]:
    known = ("filter", "startIndex", "count", "attributes", "excludedAttributes")
    return {name: request.args[name] for name in known if name in request.args}


def _parameters(kind: str) -> Any:
    chosen = {name: value for name, value in _query().items() if name in ("attributes", "excludedAttributes")}
    model = User if kind == "Users" else Group
    return ResponseParameters[model].model_validate(chosen)  # type: ignore[valid-type]


def _shown(resource: Any, context: Context = Context.RESOURCE_QUERY_RESPONSE) -> Response:
    return _as_response(resource, context, _parameters("Users" if isinstance(resource, User) else "Groups"))


def _as_response(message: Any, context: Context | None = None, parameters: Any = None, status: int = 200) -> Response:
    if isinstance(message, Error):
        status, text = message.status or 400, message.model_dump_json()
    else:
        text = message.model_dump_json(scim_ctx=context, response_parameters=parameters)
    return Response(text, status=status, content_type="application/scim+json")


def _as_error(error: Exception) -> Error:
    if isinstance(error, SCIMException):
        return error.to_error()
    if isinstance(error, ValidationError):
        return Error.from_validation_error(error.errors()[0])
    if isinstance(error, IntegrityError):  # two that came at once
        return UniquenessException(detail="Somebody has made the same one just now.").to_error()
    if isinstance(error, AccountError) and error.reason in _TAKEN:
        return UniquenessException(detail=str(error)).to_error()
    if isinstance(error, AccountError) and error.reason in ("last_admin", "admin"):
        return ForbiddenException(detail=str(error)).to_error()
    return InvalidValueException(detail=str(error)).to_error()


def _number(text: str) -> int:
    """The id that a text is; 0, which no row has, for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
