"""What stands before the text of a Markdown file, between `---` (YAML) or `+++` (TOML): who owns it and may read it."""

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from recommender.sentences.sentence import Sentence

_YAML = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"\A\ufeff?\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_LONGEST = 20_000  # characters that are read: a judgement
_NAMES = {
    "title": ("title", "otsikko", "titel"),
    "owner": ("owner", "owners", "author", "authors", "maintainer", "omistaja", "vastuuhenkilö", "ägare"),
    "team": ("team", "tiimi", "department", "group", "osasto"),
    "readers": ("audience", "readers", "visibility", "access", "näkyvyys", "synlighet"),
    "language": ("language", "lang", "kieli", "språk"),
    "verified": ("verified", "verified_on", "last_verified", "reviewed", "last_reviewed", "tarkistettu", "granskad"),
    "updated": ("updated", "last_updated", "lastmod", "modified", "date", "päivitetty", "uppdaterad"),
    "url": ("url", "link", "canonical_url", "permalink"),
    "id": ("id", "uuid"),
}


@dataclass(frozen=True)
class FrontMatter:
    """The values of a front matter as texts, by the names above; `readers` are None when it does not say it."""

    values: dict[str, str]
    readers: tuple[str, ...] | None = None
    is_draft: bool = False


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """(the front matter, the text behind it). Raises ValueError when it cannot be read, because it may say who may read
    the text."""
    for form, load in ((_YAML, _load_yaml), (_TOML, tomllib.loads)):
        found = form.match(text[: 2 * _LONGEST])
        if found:
            if len(found[1]) > _LONGEST:
                raise ValueError(
                    Sentence("its front matter is longer than %(num)s characters. Shorten it", num=_LONGEST)
                )
            try:
                values = load(found[1])
            except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
                where = getattr(getattr(error, "problem_mark", None), "line", None)
                at = Sentence(
                    "its front matter cannot be read (line %(line)s). Correct it, above the text", line=(where or 0) + 2
                )
                unknown = Sentence("its front matter cannot be read. Correct it, above the text")
                raise ValueError(at if isinstance(where, int) else unknown) from error
            if isinstance(values, dict):
                return _made(values), text[found.end() :]
    return FrontMatter({}), text


def _load_yaml(text: str) -> Any:
    return yaml.safe_load(text)


def _made(values: dict[Any, Any]) -> FrontMatter:
    known = {str(name).strip().casefold().replace("-", "_"): value for name, value in values.items()}
    found = {}
    for name, others in _NAMES.items():
        said = next((known[other] for other in others if known.get(other) not in (None, "", [])), None)
        if said is not None and name != "readers" and (text := _text(said)):
            found[name] = text
    stated = [known[name] for name in _NAMES["readers"] if name in known]
    private = any(known.get(name) is True for name in ("private", "internal", "confidential", "restricted"))
    draft = known.get("draft") is True or known.get("published") is False
    readers = ("private",) if private else _readers(stated[0]) if stated else None
    return FrontMatter(found, readers, draft)


def _readers(said: Any) -> tuple[str, ...]:
    """The groups that may read; a word for everyone is `public`. Nothing means nobody but the team."""
    names = said if isinstance(said, list) else re.split(r"[,;]", said) if isinstance(said, str) else []
    texts = [text for name in names if (text := _text(name))]
    everyone = {"everyone", "all", "public", "kaikki", "julkinen", "alla", "offentlig"}
    return tuple("public" if text.casefold() in everyone else text for text in texts) or ("private",)


def _text(value: Any) -> str:
    """A value in one line; of a list the first, of an object its mail address or name."""
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    if isinstance(value, dict):
        return _text(value.get("email") or value.get("mail") or value.get("name"))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return " ".join(str(value).split())[:500] if isinstance(value, str | int | float) else ""
