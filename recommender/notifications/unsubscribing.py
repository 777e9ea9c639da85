"""Links with which mail is turned off without signing in. They can do nothing else: a link names a person by their
number and the kinds of notifications, and is signed with the key of the installation."""

from collections.abc import Collection

from itsdangerous import BadSignature, URLSafeSerializer

from recommender.notifications.kinds import KINDS

_SALT = "kollega-unsubscribe"  # so that nothing else that is signed with the key is accepted here


def make_token(key: str, person_id: int, kinds: Collection[str]) -> str:
    """The part of the link that says for whom and of which kinds no more mail is wanted."""
    return str(URLSafeSerializer(key, salt=_SALT).dumps([person_id, *sorted(kinds)]))


def read_token(key: str, token: str) -> tuple[int, list[str]] | None:
    """(id of the person, kinds) of a link; None when it was not made here."""
    try:
        person_id, *kinds = URLSafeSerializer(key, salt=_SALT).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return person_id, [kind for kind in kinds if kind in KINDS]
