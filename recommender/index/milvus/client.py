"""The connection to Milvus: a server or cluster by its address, or the library form by a file. No other module imports
pymilvus, which takes a second to load: it is imported when a connection is made.

Every call has a time limit, since pymilvus itself would try again for minutes. What goes wrong becomes IndexUnavailable
or IndexDamaged, without what was sent.
"""

import contextlib
import logging
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

from recommender.errors import IndexDamaged, IndexRefused, IndexUnavailable, SettingsError

ANSWER_SECONDS, WRITE_SECONDS = 5.0, 120.0  # that one call may take while answering, and while writing: judgements
FILE_ENDING = ".db"
_NO_SUCH_COLLECTION, _NOT_UNDERSTOOD = 100, 1100
_NO_ROOM = (3, 7, 9)  # the memory is used up, the disk is, or an admin's limit for it forbids to write
_MOST_FOUND = 16_384  # rows that one search of Milvus can give
_AT_ONCE = 2000  # rows that are read at once: a judgement
_FLOAT, _SPARSE = "FLOAT_VECTOR", "SPARSE_FLOAT_VECTOR"
Result = TypeVar("Result")
Row = dict[str, Any]
Fields = Mapping[str, Mapping[str, Any]]
"""The type of each field of a collection with its parameters; the first one is the key."""


class Milvus:
    """A connection. Threads may share it. What is asked while answering is asked once more on a new connection when it
    fails: one call may fail though the server is well. The old one stays open, since others may be using it."""

    def __init__(self, client: Any, where: str, is_file: bool, renew: Callable[[], Any] | None = None) -> None:
        self._client, self._renew = client, renew
        self._renewing = threading.Lock()
        self.where = where
        self.is_file = is_file

    @classmethod
    def connect(cls, address: str, home: Path) -> "Milvus":
        """Connect to `http://USER:PASSWORD@HOST:PORT/DATABASE`, or open a file, which is in `home` unless its path is
        absolute; one process at a time can have it open. Raises SettingsError for what is neither, IndexUnavailable
        when nobody answers."""
        given = address or f"milvus{FILE_ENDING}"
        is_file = given.endswith(FILE_ENDING) and "://" not in given
        options = _file(home / given) if is_file else _server(given)
        where = str(home / given) if is_file else options["uri"]
        with _reported(where, is_file):
            return cls(_opened(options), where, is_file, lambda: _opened({**options, "dedicated": True}))

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(Exception):
            self._client.close()

    def create(self, name: str, fields: Fields, indexes: Mapping[str, Mapping[str, Any]]) -> None:
        """Make a collection."""
        from pymilvus import DataType, MilvusClient

        with self._reported():
            schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
            for place, (field, given) in enumerate(fields.items()):
                options = {key: value for key, value in given.items() if key != "type"}
                if "element_type" in options:
                    options["element_type"] = DataType[options["element_type"]]
                schema.add_field(field, DataType[given["type"]], is_primary=place == 0, **options)
            made = MilvusClient.prepare_index_params()
            for field, wanted in indexes.items():
                made.add_index(field, **wanted)
            self._client.create_collection(name, schema=schema, consistency_level="Strong", timeout=WRITE_SECONDS)
            self._client.create_index(name, made, sync=False, timeout=WRITE_SECONDS)  # waiting would take half a second
            self._client.load_collection(name, timeout=WRITE_SECONDS)

    def collections(self, prefix: str) -> list[str]:
        """The names of the collections that begin with `prefix`."""
        with self._reported():
            return sorted(n for n in self._client.list_collections(timeout=ANSWER_SECONDS) if n.startswith(prefix))

    def drop(self, name: str) -> None:
        """Remove a collection, if there is one."""
        with self._reported():
            self._client.drop_collection(name, timeout=WRITE_SECONDS)

    def load(self, name: str) -> None:
        """Make a collection ready to be searched."""
        self._asked(lambda client: client.load_collection(name, timeout=WRITE_SECONDS))

    def dimension(self, name: str, field: str) -> int:
        """The dimension of a field with vectors; 0 when there is no such field."""
        with self._reported():
            fields = self._client.describe_collection(name, timeout=ANSWER_SECONDS)["fields"]
        return next((int(each["params"].get("dim", 0)) for each in fields if each["name"] == field), 0)

    def add(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows, whose keys are new."""
        if rows:
            with self._reported():
                self._client.insert(name, list(rows), timeout=WRITE_SECONDS)

    def put(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows; one with a key that is there already takes its place."""
        if rows:
            with self._reported():
                self._client.upsert(name, list(rows), timeout=WRITE_SECONDS)

    def delete(self, name: str, condition: str) -> None:
        """Remove the rows that a condition names."""
        with self._reported():
            self._client.delete(name, filter=condition, timeout=WRITE_SECONDS)

    def flush(self, name: str) -> None:
        """Store what was written."""
        with self._reported():
            self._client.flush(name, timeout=WRITE_SECONDS)

    def count(self, name: str, condition: str) -> int:
        """The number of rows that fulfil a condition."""
        rows = self._asked(
            lambda client: client.query(name, filter=condition, output_fields=["count(*)"], timeout=ANSWER_SECONDS)
        )
        return int(rows[0]["count(*)"])

    def rows(self, name: str, condition: str, fields: Sequence[str]) -> list[Row]:
        """Those rows, at most some thousands, in any order."""
        found = self._asked(
            lambda client: client.query(name, filter=condition, output_fields=list(fields), timeout=ANSWER_SECONDS)
        )
        return [dict(row) for row in found]

    def few_rows(
        self, name: str, condition: str, most: int, fields: Sequence[str], beside: tuple[str, int] | None
    ) -> list[Row]:
        """Those rows, of which there are at most `most`, some thousands, in any order. `beside` is a field of the
        collection with dense vectors, and their dimension; None when it has none.

        To read rows, the library form goes through all that there are, in the order of their keys. To search, it goes
        through those alone that fulfil the condition: so that is what it is asked for, with any vector."""
        if most == 0:
            return []
        if beside is None or not self.is_file or most > _MOST_FOUND:
            return self.rows(name, condition, fields)
        field, dimension = beside
        (hits,) = self.search(name, field, [[1.0] * dimension], condition, most, fields)
        return [row for _score, row in hits]

    def all_rows(self, name: str, condition: str, fields: Sequence[str]) -> Iterator[Row]:
        """All of those rows, in any order, some thousands at a time."""
        found = self._asked(
            lambda client: client.query_iterator(
                name, batch_size=_AT_ONCE, filter=condition, output_fields=list(fields), timeout=WRITE_SECONDS
            )
        )
        try:
            while True:
                with self._reported():
                    batch = found.next()
                if not batch:
                    return
                yield from (dict(row) for row in batch)
        finally:
            with contextlib.suppress(Exception):
                found.close()

    def search(
        self, name: str, field: str, vectors: Sequence[Any], condition: str, top_k: int, fields: Sequence[str],
        depth: int = 0,
    ) -> list[list[tuple[float, Row]]]:  # fmt: skip
        """For each vector, at least one, (inner product, row) of the `top_k` nearest rows that fulfil a condition, best
        first. `depth` is `ef` of an approximate search; 0 means none."""
        parameters = {"ef": depth} if depth else {"drop_ratio_search": 0.0} if isinstance(vectors[0], dict) else {}
        found = self._asked(
            lambda client: client.search(
                name,
                list(vectors),
                filter=condition,
                limit=top_k,
                anns_field=field,
                output_fields=list(fields),
                search_params={"metric_type": "IP", "params": parameters},
                timeout=ANSWER_SECONDS,
            )
        )
        return [[(float(hit["distance"]), dict(hit["entity"])) for hit in hits] for hits in found]

    def _asked(self, work: Callable[[Any], Result]) -> Result:
        """What `work` makes of the connection, or else of a new one."""
        client = self._client
        try:
            with self._reported():
                return work(client)
        except IndexUnavailable:
            if self._renew is None or not self._renewing.acquire(timeout=ANSWER_SECONDS):
                raise
        try:
            with self._reported():
                if self._client is client:
                    self._client = self._renew()
        finally:
            self._renewing.release()
        with self._reported():
            return work(self._client)

    def _reported(self) -> contextlib.AbstractContextManager[None]:
        return _reported(self.where, self.is_file)


def _opened(options: Mapping[str, Any]) -> Any:
    """A client of pymilvus."""
    with without_pkg_resources():
        from pymilvus import MilvusClient

        _silence()
        return MilvusClient(timeout=ANSWER_SECONDS, **options)


def _file(path: Path) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return {"uri": str(path)}


def _server(address: str) -> dict[str, Any]:
    """What pymilvus takes: the address without name and password, the two as a token, and the database."""
    wrong = SettingsError(
        "KOLLEGA_MILVUS must be an address such as http://HOST:19530, or a file whose name ends with .db."
    )
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise wrong
    except ValueError:
        raise wrong from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    bare = urlunsplit(SplitResult(parts.scheme, f"{host}:{parts.port or 19530}", "", "", ""))
    token = f"{parts.username}:{parts.password or ''}" if parts.username else ""
    return {"uri": bare, "token": token, "db_name": parts.path.strip("/")}


@contextlib.contextmanager
def _reported(where: str, is_file: bool) -> Iterator[None]:
    """Turns what pymilvus raises into errors of ours. It raises errors of its own, of gRPC, and others."""
    try:
        yield
    except (IndexUnavailable, IndexDamaged, IndexRefused, SettingsError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        if getattr(error, "code", None) == _NO_SUCH_COLLECTION:
            raise IndexDamaged(f"Milvus at {where} has lost the index. Run: kollega reindex --full") from None
        if getattr(error, "code", None) == _NOT_UNDERSTOOD or "cannot parse expression" in str(error):
            raise IndexRefused(f"Milvus at {where} does not understand this question. Ask in other words.") from None
        raise IndexUnavailable(_sentence(error, where, is_file)) from None


def _sentence(error: Exception, where: str, is_file: bool) -> str:
    if "milvus-lite is required" in str(error):
        return "The library form of Milvus is not installed. Run: pip install milvus-lite==2.5.1"
    if is_file and "Open local milvus failed" in str(error):
        return (
            f"Milvus cannot open {where}: another process has it open, or it is damaged. A file is for one process at "
            "a time; several need a server (KOLLEGA_MILVUS=http://HOST:19530)."
        )
    code = getattr(error, "code", None)
    if code in _NO_ROOM:
        return (
            f"Milvus at {where} has no memory or disk left (code {code}). Give it more; Kollega then goes on by itself."
        )
    kind = f"code {code}" if isinstance(code, int) else type(error).__name__.strip("_")
    return f"Milvus at {where} does not answer as it should ({kind}). Start it, or correct KOLLEGA_MILVUS."


def _silence() -> None:
    """Have pymilvus log nothing: its lines have what was sent. Each of its loggers has a level of its own."""
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "pymilvus"]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def without_pkg_resources() -> Iterator[None]:
    """milvus-lite 2.5.1 asks pkg_resources for its own version, and newer releases of setuptools have none."""
    name = "pkg_resources"
    if name in sys.modules:
        yield
        return
    stand_in = types.ModuleType(name)
    vars(stand_in).update(DistributionNotFound=LookupError, get_distribution=_no_distribution)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        sys.modules.pop(name, None)


def _no_distribution(_name: str) -> None:
    raise LookupError
