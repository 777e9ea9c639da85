"""Which kinds of sources there are, and the module of each. A module is loaded when its kind is used."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from indexer.sources.protocol import Options, Source


@dataclass(frozen=True)
class Kind:
    """A kind of source; `summary` is the help of its command.

    Its module has `OPTIONS`, a subclass of Options, and `open_source(name, options)`.
    """

    module: str
    summary: str
    place: str = "PLACE"

    def options(self) -> type[Options]:
        """The class of its options."""
        found: type[Options] = self._module().OPTIONS
        return found

    def open(self, name: str, options: Options) -> Source:
        """The source of this name. Raises SourceError when it cannot be used."""
        source: Source = self._module().open_source(name, options)
        return source

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
    "mail": Kind(
        "mail",
        "Load mail: an mbox or .eml file, a folder of them, a maildir, a ZIP file of one of these, or an IMAP server "
        "(imaps://mail.example.org). A thread becomes a request, with its replies.",
    ),
    "slack": Kind(
        "slack",
        "Load the export of a Slack workspace: a ZIP file, or the folder that it was unpacked to. A thread whose first "
        "message asks becomes a request.",
        "EXPORT",
    ),
    "stackexchange": Kind(
        "stackexchange",
        "Load a Stack Exchange dump: a FOLDER with Posts.xml, Users.xml and, if there is one, PostLinks.xml.",
        "FOLDER",
    ),
    "teams": Kind(
        "teams",
        "Load messages of Microsoft Teams as Microsoft Graph gives them: a .json file, a folder or a ZIP file of them. "
        "A thread whose first message asks becomes a request.",
        "EXPORT",
    ),
}
"""By the name that `kollega import` and sources.toml use."""
