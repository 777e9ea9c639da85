"""The systems that are connected on a page: those that are read over the network. Files are uploaded, read by a
command, or named in sources.toml; the page says how."""

from dataclasses import dataclass

from recommender.monitoring.source_states import OPEN_KINDS


@dataclass(frozen=True)
class SystemKind:
    """A kind of source: its name in sources.toml, how the system is called, what an address looks like; whether the
    account of the token is named (`user`: never, sometimes or always), the option that says which part is read (empty
    for none), whether it may have several values, and whether it has to be said."""

    kind: str
    name: str
    example: str
    user: str = "never"
    part: str = ""
    has_several_parts: bool = True
    needs_part: bool = False

    @property
    def open(self) -> bool:
        """True when it can often be read without a token."""
        return self.kind in OPEN_KINDS

    @property
    def scheme(self) -> str:
        """How its addresses begin."""
        return "imaps://" if self.kind == "mail" else "https://"

    @property
    def secret(self) -> str:
        """What the secret is: a token or a password, as the names of variables and options have it."""
        return "password" if self.kind == "mail" else "token"

    @property
    def page(self) -> str:
        """The page of the documentation that says how to get a token."""
        return f"docs/sources/{self.kind.removesuffix('-api')}.md"


SYSTEMS = (
    SystemKind("confluence", "Confluence", "https://example.atlassian.net/wiki", "sometimes", "spaces"),
    SystemKind("discourse", "Discourse", "https://forum.example.org"),
    SystemKind("freshdesk", "Freshdesk", "https://example.freshdesk.com"),
    SystemKind("github", "GitHub", "https://github.com/example/helpdesk"),
    SystemKind("gitlab", "GitLab", "https://gitlab.com", part="projects", needs_part=True),
    SystemKind("jira", "Jira", "https://example.atlassian.net", "sometimes", "projects"),
    SystemKind("mail", "IMAP", "imaps://mail.example.org", "always", "folder"),
    SystemKind("mediawiki", "MediaWiki", "https://wiki.example.org/w/api.php"),
    SystemKind("redmine", "Redmine", "https://redmine.example.org", part="projects"),
    SystemKind("servicenow", "ServiceNow", "https://example.service-now.com", "sometimes"),
    SystemKind("stackexchange-api", "Stack Exchange", "https://api.stackexchange.com/2.3", "never", "site", False),
    SystemKind("zammad", "Zammad", "https://zammad.example.org"),
    SystemKind("zendesk", "Zendesk", "https://example.zendesk.com", "sometimes"),
)
COMMANDS = (
    ("documents", "kollega import documents FOLDER --team TEAM"),
    ("csv", "kollega import csv FILE --guess"),
    ("excel", "kollega import excel FILE --guess"),
    ("jsonl", "kollega import jsonl FILE"),
    ("notion", "kollega import notion EXPORT --team TEAM"),
    ("slack", "kollega import slack EXPORT --team TEAM"),
    ("teams", "kollega import teams EXPORT --team TEAM"),
    ("stackexchange", "kollega import stackexchange FOLDER --team TEAM"),
)
"""The kinds of sources that have no address, and the command that reads each of them on the server."""
BY_KIND = {system.kind: system for system in SYSTEMS}
