"""`/health`, for monitoring."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from web import current

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """200 when questions can be answered, 503 when there is no index."""
    ready = current.recommender().index is not None
    return jsonify(ready=ready), 200 if ready else 503
