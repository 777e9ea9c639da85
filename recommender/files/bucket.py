"""The attached files in a bucket of a service that speaks S3, by the client of MinIO. No other module imports it.

The address is `s3://BUCKET/PREFIX`, with `?endpoint=https://HOST:PORT` for another service than Amazon's and
`&region=NAME`. The keys are those of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for other programs, or those that
the machine itself has. An object is stored in one step, or not at all.
"""

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from recommender.errors import FilesUnavailable, SettingsError
from recommender.files import DIGEST, checked, digest_of

_AMAZON = "https://s3.amazonaws.com"
_SECONDS = 10.0  # to connect, and between two parts of an answer: a judgement
_TRIES = 2
_OWNER = "kollega-installation"  # the object that says which installation has this prefix
_MISSING = ("NoSuchKey", "NoSuchObject")
Made = TypeVar("Made")


class Bucket:
    """Files in a bucket, which must exist."""

    shared = True

    def __init__(self, address: str) -> None:
        self.where = address
        parts = urlsplit(address)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        self._client = _client(options.get("endpoint", _AMAZON), options.get("region"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing: whoever shares the bucket takes a lock of the database (`knowledge/file_store.py`)."""
        yield

    def write(self, content: bytes) -> str:
        """As in the protocol."""
        digest = digest_of(content)
        self._put(self._prefix + digest, content)
        return digest

    def read(self, digest: str) -> bytes:
        """As in the protocol."""
        return self._get(self._prefix + checked(digest))

    @contextmanager
    def local(self, digest: str) -> Iterator[Path]:
        """As in the protocol: a copy that only this account can read, removed afterwards."""
        content = self.read(digest)
        with tempfile.TemporaryDirectory(prefix="kollega-") as folder:  # mode 0700
            path = Path(folder) / digest
            path.write_bytes(content)
            yield path

    def has(self, digest: str) -> bool:
        """As in the protocol."""
        name = self._prefix + checked(digest)
        try:
            self._do(lambda: self._client.stat_object(self._bucket, name))
        except FileNotFoundError:
            return False
        return True

    def names(self) -> Iterator[str]:
        """As in the protocol."""
        found = self._do(lambda: list(self._client.list_objects(self._bucket, prefix=self._prefix)))
        names = (str(each.object_name)[len(self._prefix) :] for each in found if not each.is_dir)
        yield from (name for name in names if DIGEST.fullmatch(name))

    def owner(self) -> str | None:
        """As in the protocol."""
        try:
            return self._get(self._prefix + _OWNER).decode("ascii", "replace")
        except FileNotFoundError:
            return None

    def set_owner(self, name: str) -> None:
        """As in the protocol."""
        self._put(self._prefix + _OWNER, name.encode("ascii"))

    def delete(self, name: str) -> None:
        """As in the protocol."""
        self._do(lambda: self._client.remove_object(self._bucket, self._prefix + checked(name)))

    def _put(self, name: str, content: bytes) -> None:
        self._do(lambda: self._client.put_object(self._bucket, name, io.BytesIO(content), len(content)))

    def _get(self, name: str) -> bytes:
        def get() -> bytes:
            answer = self._client.get_object(self._bucket, name)
            try:
                return bytes(answer.read())
            finally:
                answer.close()
                answer.release_conn()

        return self._do(get)

    def _do(self, work: Callable[[], Made]) -> Made:
        """What `work` gives, with the errors of the protocol."""
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        try:
            return work()
        except S3Error as error:
            if error.code in _MISSING:
                raise FileNotFoundError(str(error.code)) from error
            raise self._unavailable(str(error.code)) from error
        except (MinioException, HTTPError, OSError, ValueError) as error:
            raise self._unavailable(type(error).__name__) from error

    def _unavailable(self, reason: str) -> FilesUnavailable:
        return FilesUnavailable(
            f"The attached files in {self.where} cannot be reached ({reason}). Check that the service runs, that the "
            "bucket exists, KOLLEGA_FILES, and the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )


def _client(endpoint: str, region: str | None) -> Any:
    try:
        import urllib3
        from minio import Minio
        from minio.credentials.providers import AWSConfigProvider, ChainedProvider, EnvAWSProvider, IamAwsProvider
    except ImportError as error:
        raise SettingsError("KOLLEGA_FILES with s3:// needs another package. Run: pip install kollega[s3]") from error
    parts = urlsplit(endpoint)
    keys = ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()])
    timeout, retries = urllib3.Timeout(_SECONDS), urllib3.Retry(_TRIES, backoff_factor=0.2)
    pool = urllib3.PoolManager(timeout=timeout, retries=retries)
    return Minio(
        parts.netloc, credentials=keys, secure=parts.scheme != "http", region=region or "us-east-1", http_client=pool
    )
