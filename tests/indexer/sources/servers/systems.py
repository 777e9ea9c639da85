"""All local servers in one table, with what a test must know to read each: its options, and how it names a ticket."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.commands.source_options import checked_options
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Source
from tests.indexer.sources.servers.desk import Desk
from tests.indexer.sources.servers.freshdesk import FreshdeskServer
from tests.indexer.sources.servers.github import REPOSITORY, GitHubServer
from tests.indexer.sources.servers.gitlab import PROJECT, GitLabServer
from tests.indexer.sources.servers.jira import USER, JiraServer
from tests.indexer.sources.servers.redmine import RedmineServer
from tests.indexer.sources.servers.server import System
from tests.indexer.sources.servers.servicenow import USER as SERVICENOW_USER
from tests.indexer.sources.servers.servicenow import ServiceNowServer, identifier
from tests.indexer.sources.servers.zammad import ZammadServer
from tests.indexer.sources.servers.zendesk import ZendeskServer


@dataclass(frozen=True)
class Known:
    """How to serve and read a system, and whether it says that a ticket was deleted (`tells_deletions`) or merged into
    another one (`tells_merged`), and has notes and tickets that not everybody may read (`has_private`)."""

    kind: str
    serve: Callable[[Desk], System]
    options: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    name: Callable[[int], str] = str
    tells_deletions: bool = False
    tells_merged: bool = True
    has_private: bool = True

    def open(self, url: str, **more: Any) -> Source:
        """The source at a server."""
        values = {"place": url + self.path, **self.options, **more}
        return KINDS[self.kind].open("desk", checked_options(self.kind, "desk", values))

    def table(self, url: str, token_file: Path | None = None) -> str:
        """The table of sources.toml."""
        values = {"kind": self.kind, "place": url + self.path, **self.options}
        if token_file:
            values["token_file"] = str(token_file)
        lines = [f"{name} = {toml(value)}" for name, value in values.items()]
        return "\n".join(["[desk]", *lines, ""])


def toml(value: Any) -> str:
    """A value of sources.toml."""
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, tuple | list) else f'"{value}"'


SYSTEMS = {
    "jira cloud": Known("jira", JiraServer, {"user": USER}, name=lambda number: str(10_000 + number)),
    "jira data center": Known(
        "jira", lambda desk: JiraServer(desk, cloud=False), name=lambda number: str(10_000 + number)
    ),
    "zendesk": Known("zendesk", ZendeskServer, {"user": USER}, tells_deletions=True),
    "zammad": Known("zammad", ZammadServer, tells_deletions=True),
    "freshdesk": Known("freshdesk", FreshdeskServer, tells_deletions=True, tells_merged=False),
    "servicenow": Known(
        "servicenow",
        ServiceNowServer,
        {"user": SERVICENOW_USER},
        name=identifier,
        tells_deletions=True,
        tells_merged=False,
    ),
    "github": Known(
        "github",
        GitHubServer,
        {"repositories": (REPOSITORY,)},
        name=lambda number: str(500 + number),
        tells_merged=False,
        has_private=False,
    ),
    "gitlab": Known("gitlab", GitLabServer, {"projects": (PROJECT,)}, name=lambda number: str(500 + number)),
    "redmine": Known("redmine", RedmineServer, tells_merged=False),
}
