"""Which kinds of sources there are, and the module of each. A module is loaded when its kind is used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from indexer.sources.protocol import Options, Source


@dataclass(frozen=True)
class Kind:
    """A kind of source; `summary` is the help of its command.

    Its module has `OPTIONS`, a subclass of Options, and `open_source(name, options)`. One whose source needs a mapping
    of its fields may also have `guess_mapping(options)`, which writes it and yields lines that say what was guessed.
    """

    module: str
    summary: str
    place: str = "PLACE"

    def options(self) -> type[Options]:
        """The class of its options."""
        found: type[Options] = self._module().OPTIONS
        return found

    def open(self, name: str, options: Options) -> Source:
        """The source of this name, with the options that all sources have applied to what it yields. Raises SourceError
        when it cannot be used."""
        from indexer.sources.mapping import MappedSource

        source: Source = self._module().open_source(name, options)
        return MappedSource(source, options)

    def guess(self) -> Callable[[Options], Iterator[str]] | None:
        """What writes a mapping, and yields what was guessed and why; None when the kind needs no mapping."""
        found: Callable[[Options], Iterator[str]] | None = getattr(self._module(), "guess_mapping", None)
        return found

    def _module(self) -> Any:
        return import_module(f"indexer.sources.{self.module}")


KINDS: dict[str, Kind] = {
    "jsonl": Kind(
        "jsonl",
        "Load a FILE with one JSON object a line, or one JSON list of objects, compressed with gzip or not.\n\n"
        "docs/import-format.md describes the format. What `kollega export` has written is loaded as a whole, into an "
        "empty home.",
        "FILE",
    ),
    "csv": Kind(
        "csv",
        "Load a CSV FILE, of which a mapping file says what each column is.\n\n"
        "`--guess` writes that mapping. docs/sources/csv.md describes it.",
        "FILE",
    ),
    "documents": Kind(
        "documents",
        "Load a FOLDER of documents: Markdown, HTML, text, PDF, Word, PowerPoint and Excel.\n\n"
        "docs/sources/documents.md says what is read of them.",
        "FOLDER",
    ),
    "excel": Kind(
        "excel",
        "Load a sheet of an Excel FILE (.xlsx, .xls, .ods), of which a mapping file says what each column is.\n\n"
        "`--guess` writes that mapping. docs/sources/csv.md describes it.",
        "FILE",
    ),
    "stackexchange": Kind(
        "stackexchange",
        "Load a Stack Exchange dump: a FOLDER with Posts.xml, Users.xml and, if there is one, PostLinks.xml.",
        "FOLDER",
    ),
}
"""By the name that `kollega import` and sources.toml use."""
