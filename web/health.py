"""`/health`, for monitoring."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from recommender.database.readiness import readable
from web import current

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """200 when questions can be answered, 503 when there is no index or the database cannot be read."""
    ready = current.recommender().index is not None and readable(current.session())
    return jsonify(ready=ready), 200 if ready else 503
