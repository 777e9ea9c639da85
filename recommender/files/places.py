"""Which of the stores of attached files the settings name."""

from functools import lru_cache

from recommender.files import FileStore
from recommender.files.bucket import Bucket
from recommender.files.folder import Folder
from recommender.settings import Settings


def store_of(settings: Settings) -> FileStore:
    """The store of attached files. Raises SettingsError when a package is missing."""
    return _bucket(settings.files) if settings.files else Folder(settings.attachments_dir)


@lru_cache(maxsize=4)
def _bucket(address: str) -> Bucket:
    """A bucket with its connections, which threads share."""
    return Bucket(address)
