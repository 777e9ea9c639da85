"""Who is looking. Until people can sign in, everyone is anyone: only what everyone may read is shown."""

from recommender.access import ANYONE, Reader


def current_reader() -> Reader:
    """The reader of this request."""
    return ANYONE
