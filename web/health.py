"""`/health`, for those who watch over the server."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from recommender.recommender import Recommender

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> ResponseReturnValue:
    """200 when questions can be answered, 503 when there is no index."""
    recommender: Recommender = current_app.extensions["kollega_recommender"]
    recommender.refresh()
    ready = recommender.index is not None
    return jsonify(ready=ready), 200 if ready else 503
