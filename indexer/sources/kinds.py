"""Which kinds of sources there are, and the module of each. A module is loaded when its kind is used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

    def options(self) -> "type[Options]":
        """The class of its options."""
        found: type[Options] = self._module().OPTIONS
        return found

    def open(self, name: str, options: "Options") -> "Source":
        """The source of this name, with the options that all sources have applied to what it yields. Raises SourceError
        when it cannot be used."""
        from indexer.sources.mapping import MappedSource

        source: Source = self._module().open_source(name, options)
        return MappedSource(source, options)

    def guess(self) -> "Callable[[Options], Iterator[str]] | None":
        """What writes a mapping, and yields what was guessed and why; None when the kind needs no mapping."""
        found: Callable[[Options], Iterator[str]] | None = getattr(self._module(), "guess_mapping", None)
        return found

    def client(self, name: str, options: "Options") -> Any:
        """A client for the system's interface, as its module's `client_of` makes it."""
        return self._module().client_of(name, options)

    def _module(self) -> Any:
        return import_module(f"indexer.sources.{self.module}")


KINDS: dict[str, Kind] = {
    "confluence": Kind(
        "confluence",
        "Read the pages of Confluence: an ADDRESS, or the XML export of spaces (a ZIP, its folder, entities.xml).\n\n"
        "docs/sources/confluence.md says how to get a token or an export.",
        "ADDRESS_OR_FILE",
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
    "discourse": Kind(
        "discourse",
        "Read topics of a Discourse forum: an ADDRESS, or saved answers (JSON).\n\n"
        "docs/sources/discourse.md says how to get a key.",
        "ADDRESS_OR_FILE",
    ),
    "freshdesk": Kind(
        "freshdesk",
        "Read tickets and solution articles of Freshdesk: an ADDRESS, an export (XML) or saved answers (JSON).\n\n"
        "docs/sources/freshdesk.md says how to get a key or an export.",
        "ADDRESS_OR_FILE",
    ),
    "github": Kind(
        "github",
        "Read issues of GitHub: an ADDRESS such as https://github.com/owner/name, or saved answers (JSON).\n\n"
        "docs/sources/github.md says how to get a token.",
        "ADDRESS_OR_FILE",
    ),
    "gitlab": Kind(
        "gitlab",
        "Read issues of GitLab: an ADDRESS, or saved answers (JSON).\n\n"
        "docs/sources/gitlab.md says how to get a token.",
        "ADDRESS_OR_FILE",
    ),
    "jira": Kind(
        "jira",
        "Read issues of Jira or Jira Service Management: an ADDRESS, or an export of a search (CSV or XML).\n\n"
        "docs/sources/jira.md says how to get a token or an export.",
        "ADDRESS_OR_FILE",
    ),
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
    "mediawiki": Kind(
        "mediawiki",
        "Read the pages of MediaWiki: the ADDRESS of its api.php, or its XML export, compressed or not.\n\n"
        "docs/sources/mediawiki.md says how to get a token or an export.",
        "ADDRESS_OR_FILE",
    ),
    "notion": Kind(
        "notion",
        "Read the pages and tables of a Notion export: the ZIP that Notion has sent, or its folder.\n\n"
        "docs/sources/notion.md says how to get it.",
        "FILE_OR_FOLDER",
    ),
    "redmine": Kind(
        "redmine",
        "Read issues of Redmine: an ADDRESS, or saved answers (JSON).\n\n"
        "docs/sources/redmine.md says how to get a key.",
        "ADDRESS_OR_FILE",
    ),
    "servicenow": Kind(
        "servicenow",
        "Read incidents and knowledge articles of ServiceNow: an ADDRESS, saved answers (JSON) or tables (CSV).\n\n"
        "docs/sources/servicenow.md says what the account needs.",
        "ADDRESS_OR_FILE",
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
    "stackexchange-api": Kind(
        "stackexchange_api",
        "Read questions of a Stack Exchange site or of Stack Overflow for Teams: the ADDRESS of the API, or saved "
        "answers (JSON).\n\ndocs/sources/stackexchange.md says how.",
        "ADDRESS_OR_FILE",
    ),
    "teams": Kind(
        "teams",
        "Load messages of Microsoft Teams as Microsoft Graph gives them: a .json file, a folder or a ZIP file of them. "
        "A thread whose first message asks becomes a request.",
        "EXPORT",
    ),
    "zammad": Kind(
        "zammad",
        "Read tickets and knowledge base answers of Zammad: an ADDRESS, or saved answers (JSON).\n\n"
        "docs/sources/zammad.md says how to get a token.",
        "ADDRESS_OR_FILE",
    ),
    "zendesk": Kind(
        "zendesk",
        "Read tickets and help center articles of Zendesk: an ADDRESS, or exported files.\n\n"
        "docs/sources/zendesk.md says how to get a token or an export.",
        "ADDRESS_OR_FILE",
    ),
}
"""By the name that `kollega import` and sources.toml use."""
