"""All settings in one table, with name, default and help. They are read from environment variables that start with
`KOLLEGA_`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recommender.errors import SettingsError
from recommender.setting_values import (
    ATTACHMENT_TYPES,
    INDEXES,
    MASKABLE,
    PAGE_LANGUAGES,
    Networks,
    Places,
    is_bucket,
    is_mail_server,
    networks,
    zone_of,
)

PREFIX = "KOLLEGA_"
BUILT_IN_RERANKERS = ("features", "none")
"""Values of the setting `reranker` that name no cross-encoder."""
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings(Places):
    """All settings. Every file that Kollega writes is under `home`, never in the folder of the code.

    Raises SettingsError, which names the variable, for a value that cannot be used.
    """

    home: Path = _setting(Path("var"), "directory that contains the database, the index and the models")
    database: str = _setting(
        "", "database, as postgresql+psycopg://USER@HOST/NAME; empty: SQLite in the home directory"
    )
    model: str = _setting(
        "",
        "embedding model: multilingual-e5-small, all-MiniLM-L6-v2 (needs the extra minilm), or any Sentence "
        "Transformers name or folder; empty: that of the index (`kollega model use`), at first multilingual-e5-small",
    )
    backend: str = _setting("auto", "what runs the model: auto, openvino or torch; auto falls back to torch")
    threads: int = _setting(0, "processor threads for the model; 0 means all")
    passage_tokens: int = _setting(256, "longest passage in model tokens")
    max_passages: int = _setting(200, "most passages indexed of one item; after a change run `kollega reindex --full`")
    hnsw_from: int = _setting(
        20_000, "number of passages from which dense search is approximate (HNSW) instead of exact"
    )
    index: str = _setting(INDEXES[0], "where the index is: local (files in the home directory) or milvus")
    milvus: str = _setting(
        "", "Milvus, as http://HOST:19530 or http://USER:PASSWORD@HOST:19530/DATABASE, or a file that ends with .db"
    )
    dense_weight: float = _setting(0.7, "share of the dense score in the fused score, 0 to 1")
    reranker: str = _setting(
        "features",
        "what puts the first results in order: features (built in), none, or a cross-encoder by the name or "
        "folder that Sentence Transformers loads",
    )
    answer_from: float = _setting(
        0.75, "lowest probability that the first suggestion answers with which the verdict is 'answer'"
    )
    maybe_from: float = _setting(0.2, "lowest probability that an answer exists with which the verdict is 'maybe'")
    old_after_months: int = _setting(
        18,
        "months after which a suggested answer is marked as old; a document counts from when it was last verified; "
        "0 means never",
    )
    review_days: int = _setting(
        365, "days after which a new document is due for a review, unless its writer chooses otherwise; 0 means never"
    )
    half_life_days: float = _setting(365.0, "days after which an answer counts half as evidence of expertise")
    yearly_leaving: float = _setting(
        0.13,
        "chance, 0 to 1, that somebody leaves within a year of whom nothing is known; the default is the turnover "
        "of salaried employees in Finnish industry in a year (Confederation of Finnish Industries EK, 2020-2021)",
    )
    language: str = _setting("en", "language of pages when the browser states no preference: en, fi or sv")
    host: str = _setting("127.0.0.1", "address the server listens on")
    port: int = _setting(8080, "port the server listens on")
    server_threads: int = _setting(4, "pages the server answers at once, and as many questions that are being typed")
    server_processes: int = _setting(1, "processes that answer beside each other, each with the index in memory")
    watch_seconds: float = _setting(2.0, "pause between two looks at the database in `kollega watch`")
    insights_minutes: float = _setting(
        60.0, "least minutes between two times that `kollega watch` brings the topics up to date with the index"
    )
    anonymous_reading: bool = _setting(
        False, "let people who have not signed in search and read what everyone may read: 0 or 1"
    )
    public_url: str = _setting("", "address that people use; with https:// cookies are sent over HTTPS only")
    proxy_header: str = _setting(
        "", "header in which a trusted proxy sends the handle of the person who has signed in; empty means none"
    )
    trusted_proxies: str = _setting(
        "127.0.0.1",
        "addresses or networks such as 10.0.0.0/8 of the proxies in front of Kollega, separated by commas; only they "
        "are believed who has signed in, and which address a request comes from (X-Forwarded-For)",
    )
    secret_key: str = _setting(
        "",
        "key that signs sign-ins and links, the same on all machines, at least 32 characters; empty means one that is "
        "made in the home directory",
    )
    session_days: float = _setting(14.0, "days after which people have to sign in again")
    session_idle_days: float = _setting(7.0, "days without use after which people have to sign in again")
    second_factor_for: str = _setting(
        "none",
        "who must have a second factor when they sign in with a password: none, admins, agents (with leads and "
        "admins) or everybody",
    )
    mail_server: str = _setting(
        "",
        "mail server, as smtp://HOST:PORT (encrypted when the server offers it) or smtps://USER:PASSWORD@HOST:PORT; "
        "empty means that no mail is sent",
    )
    mail_from: str = _setting("", "address from which mail is sent, such as kollega@example.org")
    time_zone: str = _setting(
        "UTC",
        "time zone, such as Europe/Helsinki, of days (absences, weeks, reviews), times on pages, and hours for mail",
    )
    oidc_issuer: str = _setting(
        "", "issuer address of the OpenID provider that people may sign in with; empty means none"
    )
    oidc_client_id: str = _setting("", "client id that the OpenID provider has given to Kollega")
    oidc_client_secret: str = _setting("", "secret of the client id")
    oidc_name: str = _setting("OpenID Connect", "what the sign-in page calls the OpenID provider")
    oidc_claim: str = _setting(
        "preferred_username", "claim from which a person's handle is taken at their first sign-in"
    )
    api_rate: str = _setting(
        "300 per minute", "how often a person with their tokens, or an address without a token, may call the API"
    )
    search_rate: str = _setting(
        "20 per second; 600 per minute", "how often a person who has signed in may search, also while typing"
    )
    visitor_search_rate: str = _setting(
        "50 per second",
        "how often an address may search from which nobody has signed in, also in the suggestion box of other pages; "
        "many people may share it",
    )
    embed_origins: str = _setting(
        "", "origins whose pages may show the suggestion box, separated by commas; empty means none"
    )
    sources: str = _setting(
        "", "file that names the sources of `kollega sync`; empty means sources.toml in the home directory"
    )
    log_format: str = _setting("text", "how log lines look: text, or json with one object a line")
    metrics_token: str = _setting(
        "", "token with which Prometheus may read /metrics, at least 16 characters; empty means that nobody may"
    )
    stop_seconds: float = _setting(
        20.0, "seconds that `kollega serve` and `kollega watch` may take to finish what they are at when stopped"
    )
    audit_days: int = _setting(
        1095, "days for which entries of the audit log are kept; `kollega watch` deletes older ones; 0 means forever"
    )
    attachment_mb: int = _setting(10, "largest file that can be attached, in megabytes; 0 means that no files can be")
    attachment_form_mb: int = _setting(25, "most that the files of one form may have together, in megabytes")
    attachment_count: int = _setting(10, "most files on one request, reply or document")
    attachment_day_mb: int = _setting(200, "most that one person may upload in 24 hours, in megabytes")
    files: str = _setting(
        "",
        "where attached files are: s3://BUCKET/PREFIX?endpoint=https://HOST:PORT, with the keys of AWS_ACCESS_KEY_ID "
        "and AWS_SECRET_ACCESS_KEY; empty means in the home directory",
    )
    attachment_types: str = _setting(
        "png, jpg, gif, webp, pdf, docx, xlsx, pptx, odt, ods, odp, txt",
        "types of files that can be attached, of: png, jpg, gif, webp, pdf, docx, xlsx, pptx, odt, ods, odp, txt, zip",
    )
    attachment_scan: str = _setting(
        "",
        "command that checks each attached file, such as `clamdscan --no-summary --fdpass`, without a shell; the path "
        "of the file is added at its end; exit status 0 lets the file be opened, 1 refuses it; empty means no check",
    )
    attachment_scan_seconds: float = _setting(60.0, "seconds that the check of one file may take")
    slack_signing_secret: str = _setting("", "signing secret of the Slack app; empty means that Slack cannot ask")
    teams_app_id: str = _setting("", "id of the Teams app; empty means that Teams cannot ask")
    teams_keys: str = _setting(
        "https://login.botframework.com/v1/.well-known/keys", "address of the keys with which calls of Teams are signed"
    )
    mcp_token: str = _setting("", "token of the person as whom `kollega mcp` asks on standard input and output")
    mask: str = _setting(
        "identity-codes, account-numbers, card-numbers, passwords",
        "personal data that imports replace in all texts, separated by commas: identity-codes (Finnish, by their check "
        "character), account-numbers (IBAN) and card-numbers (both by their check digits), passwords (such as in "
        "`salasana: ...`), phone-numbers; none means nothing",
    )
    export_download: bool = _setting(False, "let admins download exports, which hold everything, on a page: 0 or 1")
    demo: bool = _setting(False, "offer the demo organisation's sign-ins on the page: 0 or 1; `kollega demo` sets it")

    def __post_init__(self) -> None:
        _require(0.0 <= self.dense_weight <= 1.0, "dense_weight", "a number from 0 to 1")
        _require(self.backend in ("auto", "openvino", "torch"), "backend", "auto, openvino or torch")
        _require(self.index in INDEXES, "index", " or ".join(INDEXES))
        _require(self.language in PAGE_LANGUAGES, "language", "en, fi or sv")
        _require(self.passage_tokens >= 16, "passage_tokens", "at least 16")
        _require(self.max_passages >= 2, "max_passages", "at least 2")
        _require(0 <= self.old_after_months <= 1_200, "old_after_months", "from 0 to 1200")
        _require(0 <= self.review_days <= 36_500, "review_days", "from 0 to 36500")
        _require(self.audit_days == 0 or 30 <= self.audit_days <= 36_500, "audit_days", "0, or from 30 to 36500")
        _require(0 < self.half_life_days <= 36_500, "half_life_days", "more than 0 and at most 36500")
        _require(0.0 <= self.yearly_leaving <= 1.0, "yearly_leaving", "a number from 0 to 1")
        _require(0.0 <= self.answer_from <= 1.0, "answer_from", "a number from 0 to 1")
        _require(0.0 <= self.maybe_from <= self.answer_from, "maybe_from", "between 0 and answer_from")
        _require(bool(self.reranker.strip()), "reranker", "features, none, or the name of a cross-encoder")
        _require(0 < self.port < 65536, "port", "a port number")
        _require(self.server_threads >= 1, "server_threads", "at least 1")
        _require(1 <= self.server_processes <= 64, "server_processes", "from 1 to 64")
        _require(0 < self.watch_seconds <= 3_600, "watch_seconds", "more than 0 and at most 3600")
        _require(0 <= self.insights_minutes <= 100_000, "insights_minutes", "from 0 to 100000")
        _require(self.log_format in ("text", "json"), "log_format", "text or json")
        _require(not self.metrics_token or len(self.metrics_token) >= 16, "metrics_token", "at least 16 characters")
        _require(0 <= self.stop_seconds <= 3_600, "stop_seconds", "from 0 to 3600")
        _require(self.oidc_name.isprintable(), "oidc_name", "one line of text")
        _require(not self.oidc_issuer or bool(self.oidc_client_id), "oidc_client_id", "set when there is an issuer")
        _require(not self.secret_key or len(self.secret_key) >= 32, "secret_key", "at least 32 characters")
        _require(0.1 <= self.session_days <= 3_650, "session_days", "from 0.1 to 3650")
        _require(0.1 <= self.session_idle_days <= 3_650, "session_idle_days", "from 0.1 to 3650")
        _require(0 <= self.attachment_mb <= self.attachment_form_mb, "attachment_mb", "0 to KOLLEGA_ATTACHMENT_FORM_MB")
        _require(self.attachment_count >= 1, "attachment_count", "at least 1")
        _require(self.attachment_day_mb >= self.attachment_mb, "attachment_day_mb", "at least KOLLEGA_ATTACHMENT_MB")
        _require(self.allowed_types <= set(ATTACHMENT_TYPES), "attachment_types", ", ".join(ATTACHMENT_TYPES))
        _require(is_bucket(self.files), "files", "like s3://BUCKET/PREFIX?endpoint=https://HOST:PORT, without keys")
        _require(0 < self.attachment_scan_seconds <= 3_600, "attachment_scan_seconds", "more than 0 and at most 3600")
        _require(self.masked <= set(MASKABLE), "mask", f"none, or of: {', '.join(MASKABLE)}")
        required_for = ("none", "admins", "agents", "everybody")
        _require(self.second_factor_for in required_for, "second_factor_for", ", ".join(required_for))
        _require(networks(self.trusted_proxies) is not None, "trusted_proxies", "addresses or networks")
        _require(not self.mail_server or is_mail_server(self.mail_server), "mail_server", "like smtp://HOST:PORT")
        _require(not self.mail_server or "@" in self.mail_from, "mail_from", "an address when there is a mail server")
        _require(not self.mail_server or bool(self.public_url), "public_url", "set when there is a mail server")
        _require(zone_of(self.time_zone) is not None, "time_zone", "the name of a time zone such as Europe/Helsinki")
        _require(not self.public_url or "://" in self.public_url, "public_url", "an address that starts with https://")

    @property
    def trusted_networks(self) -> Networks:
        """The networks of `trusted_proxies`; an address is a network of one."""
        return networks(self.trusted_proxies) or ()

    @property
    def zone(self) -> tzinfo:
        """The time zone of `time_zone`."""
        return zone_of(self.time_zone) or UTC

    @property
    def language_of_mail(self) -> str | None:
        """The language of mail to somebody who has chosen none; None where no mail is sent."""
        return self.language if self.mail_server else None

    @property
    def organisation_words(self) -> tuple[str, ...]:
        """Words of the organisation's addresses, which are no part of a good password."""
        return tuple(re.findall(r"\w+", f"{urlsplit(self.public_url).hostname or ''} {self.mail_from}"))

    @property
    def allowed_types(self) -> frozenset[str]:
        """The types of files that can be attached."""
        return frozenset(part.strip().lower() for part in self.attachment_types.split(",") if part.strip())

    @property
    def masked(self) -> frozenset[str]:
        """The kinds of personal data that imports replace."""
        return frozenset(part.strip().lower() for part in self.mask.split(",")) - {"", "none"}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from `environment`; empty variables count as not set. Raises SettingsError, which names the
        variable, for a value that cannot be used."""
        values: dict[str, Any] = {}
        for setting in fields(cls):
            if not (raw := environment.get(PREFIX + setting.name.upper())):
                continue
            try:
                kind: Any = type(setting.default)
                values[setting.name] = _BOOLEANS[raw.lower()] if kind is bool else kind(raw)
            except (ValueError, KeyError):
                _require(False, setting.name, f"a value like {setting.default!r}, not {raw!r}")
        return cls(**values)

    @classmethod
    def table(cls) -> list[tuple[str, str, str]]:
        """Rows (variable, default, help), from which the documentation is made."""
        return [
            (PREFIX + setting.name.upper(), str(setting.default), setting.metadata["help"]) for setting in fields(cls)
        ]


def _require(valid: bool, name: str, expected: str) -> None:
    if not valid:
        raise SettingsError(f"{PREFIX}{name.upper()} must be {expected}.")
