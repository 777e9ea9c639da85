"""A folder of documents: Markdown, HTML, text, PDF, Word, PowerPoint and Excel. See docs/sources/documents.md."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field

from indexer.sources.documents.folder import PRIVATE, DocumentsSource
from indexer.sources.documents.walking import Patterns
from indexer.sources.protocol import Options


class DocumentsOptions(Options):
    """Options of a folder of documents."""

    include: tuple[str, ...] = Field((), description="Only files that fit such a pattern, as 'guides/**' or '*.md'.")
    exclude: tuple[str, ...] = Field((), description="Not the files and folders that fit such a pattern.")
    address: str | None = Field(None, description="Address at which the folder is published, for links to its files.")
    team_only: bool = Field(False, description="Files that do not say who may read them are for the team only.")
    without_git: bool = Field(False, description="Take times from the files, and no owners, even in a Git checkout.")


OPTIONS = DocumentsOptions


def open_source(name: str, options: DocumentsOptions) -> DocumentsSource:
    """The folder at `options.place`. Raises SourceError when it is none."""
    return DocumentsSource(
        name,
        Path(options.place),
        Patterns(options.include, options.exclude),
        ZoneInfo(options.timezone),
        options.address or "",
        not options.without_git,
        PRIVATE if options.team_only else None,
    )
