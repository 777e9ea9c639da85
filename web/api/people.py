"""People as JSON."""

from typing import Any

from web.api import answers, blueprint, schemas, spec
from web.reading import get_profile


@blueprint.get("/people/<handle>")
@spec.validate(resp=answers(HTTP_200=schemas.PersonShown), tags=("people",))
def person_json(handle: str) -> Any:
    """One person, with the requests they have solved and the guides they own."""
    profile = get_profile(handle)
    person = profile.person
    return {
        "handle": person.handle,
        "name": person.name,
        "teams": [team.handle for team in person.teams],
        "languages": person.languages,
        "left": profile.left,
        "away_until": person.away_until.isoformat() if profile.away and person.away_until else None,
        "resolved": [{"id": row.id, "title": row.title} for row in profile.resolved],
        "documents": [{"id": row.id, "title": row.title} for row in profile.documents],
    }
