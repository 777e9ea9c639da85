"""The wiki markup of Jira, which is also that of old Confluence pages, as Markdown.

Bold, italic, underlined and coloured words are left plain, as in HTML. Code is never changed.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile

from indexer.texts import markdown
from indexer.texts.html import decoded

_OPTIONS = r"(?::(?P<options>[^}\n]{0,300}))?\}"
_VERBATIM = re.compile(rf"\{{(?P<kind>code|noformat){_OPTIONS}")
_QUOTES = re.compile(rf"\{{(?P<kind>quote|panel|info|note|tip|warning|expand){_OPTIONS}")
_DROPPED = re.compile(
    r"\{(?:color|anchor|section|column|toc|recently-updated|pagetree|pagetreesearch|children|code|noformat|quote|panel|"
    r"info|note|tip|warning|expand|excerpt|center|align|indent|div|span|livesearch|contributors|space-details|"
    r"table-plus|loremipsum|rss|gallery|attachments|blog-posts|include|excerpt-include|cloak)(?::[^}\n]{0,300})?\}"
    r"|\{[*_+^~-]\}(?=\S)|(?<=\S)\{[*_+^~-]\}"
)
"""Marks of macros: what stands between two of them stays."""
_TITLE = re.compile(r"(?:^|\|)title=([^|]*)")
_HEADING = re.compile(r"h([1-6])\.[ \t]*(.*)")
_ITEM = re.compile(r"[ \t]*(?P<marker>[*#]{1,10}|-)[ \t]+(?P<text>\S.*)")
_RULE = re.compile(r"-{4,}[ \t]*")
_MONOSPACED = re.compile(r"\{\{(?!\{)(.{1,500}?)\}\}")
_LINK = re.compile(r"(?<!\\)\[([^\[\]\n]{1,2000})\]")
_IMAGE = re.compile(r"(?<![\w!])!([^\s!|][^!|\n]{0,300}\.\w{2,5})(?:\|[^!\n]{0,300})?!(?!\w)")
_ESCAPED = re.compile(r"\\([*_\-+^~{}\[\]!|#?])")
_BREAK = re.compile(r"[ \t]*\\\\(?:[ \t]+|(?=\n|$))")
_ADDRESS = re.compile(r"(?:https?|ftp|mailto):", re.IGNORECASE)
_WORDS = tuple(
    re.compile(rf"(?<![\w{mark}\\]){mark}(?=[^\s{mark}])([^{mark}\n]{{1,500}})(?<=\S){mark}(?![\w{mark}])")
    for mark in (r"\*", "_", r"\+", r"\^", "~")
)
_CITED = re.compile(r"\?\?([^?\n]+)\?\?")
_STRUCK = re.compile(r"(?<![^\s(])-(?=[^\s-])([^\n-]{1,200})(?<=[^\s-])-(?![\w-])")
_KEPT = re.compile("\0(\\d+)\0")
_MOST_ROUNDS = 20  # of putting back what was kept aside: as deep as quotes may stand in quotes


def from_jira_markup(text: str, names: Mapping[str, str] | None = None) -> str:
    """The text as Markdown. `names` are those of people, by their user names or account ids, for who is mentioned."""
    return _Converter(names or {}).convert(text)


class _Converter:
    """Converts one text. What must not be changed any more is kept aside, with its number between two NULs."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._kept: list[str] = []

    def convert(self, text: str) -> str:
        text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
        text = self._without_code(text)
        text = _MONOSPACED.sub(lambda found: self._keep(markdown.code(found[1])), text)
        converted = self._lines(self._without_quotes(text))
        for _ in range(_MOST_ROUNDS):
            if "\0" not in converted:
                break
            converted = "\n".join(self._restored(line) for line in converted.split("\n"))
        return re.sub(r"\n{3,}", "\n\n", converted).strip()

    def _keep(self, text: str) -> str:
        self._kept.append(text)
        return f"\0{len(self._kept) - 1}\0"

    def _restored(self, line: str) -> str:
        """The line with what was kept aside; a block has the quote signs and the indentation of its line."""
        before, mark, number = line.partition("\0")
        if not mark:
            return line
        if not line.startswith("|") and (only := re.fullmatch("\0(\\d+)\0", mark + number)):
            margin = re.sub(r"[^\s>]", " ", before)
            return before + self._kept[int(only[1])].replace("\n", f"\n{margin}")
        row = line.startswith("|")
        return _KEPT.sub(lambda found: self._in_a_row(found) if row else self._kept[int(found[1])], line)

    def _in_a_row(self, found: re.Match[str]) -> str:
        text = self._kept[int(found[1])]
        if text.startswith("```"):
            text = markdown.code(markdown.one_line("\n".join(text.split("\n")[1:-1])))
        return text.replace("|", "\\|").replace("\n", " ")

    def _without_code(self, text: str) -> str:
        """The text with its blocks of code kept aside. One that is not closed is no code."""
        written, last = "", 0
        for begin, end in _pairs(list(_VERBATIM.finditer(text))):
            written += text[last : begin.start()]
            block = self._block_of_code(begin, text[begin.end() : end.start()])
            in_a_row = (written[written.rfind("\n") + 1 :]).lstrip().startswith("|")
            written += block if in_a_row else f"{_new_line(written)}{block}"
            last = end.end()
            written += "\n" if not in_a_row and text[last : last + 1] not in ("\n", "") else ""
        return written + text[last:]

    def _block_of_code(self, begin: re.Match[str], code: str) -> str:
        options = begin["options"] or ""
        first, title = options.split("|")[0], _TITLE.search(options)
        block = markdown.fenced(code, first if "=" not in first else "")
        return (f"{title[1]}\n" if title else "") + self._keep(block) if block else ""

    def _without_quotes(self, text: str) -> str:
        """The text with its quotes and panels kept aside, from the innermost one on. One that is not closed is none."""
        opened: list[tuple[re.Match[str] | None, list[str]]] = [(None, [])]
        last = 0
        for mark in _QUOTES.finditer(text):
            opened[-1][1].append(text[last : mark.start()])
            last = mark.end()
            open_kinds = [begin["kind"] for begin, _parts in opened if begin is not None]
            if mark["options"] is None and mark["kind"] in open_kinds:
                while (begin := opened[-1][0]) is not None and begin["kind"] != mark["kind"]:
                    opened[-2][1].extend(opened.pop()[1])
                begin, parts = opened.pop()
                opened[-1][1].append(self._quote(begin, "".join(parts)) if begin is not None else "")
            elif len(opened) < _MOST_ROUNDS:
                opened.append((mark, []))
        return "".join(part for _begin, parts in opened for part in parts) + text[last:]

    def _quote(self, begin: re.Match[str], text: str) -> str:
        options = begin["options"] or ""
        title = _TITLE.search(options)
        first = title[1] if title else options if begin["kind"] == "expand" else ""
        inside = markdown.blocks([self._inline(first), self._lines(text)])
        block = inside if begin["kind"] == "expand" else markdown.quoted(inside)
        return f"\n\n{self._keep(block)}\n\n" if block else "\n"

    def _lines(self, text: str) -> str:
        written: list[str] = []
        lines = _Lines(_DROPPED.sub("", text).split("\n"))
        for line in lines:
            if (heading := _HEADING.fullmatch(line.strip())) is not None:
                written += ["", markdown.heading(int(heading[1]), self._inline(heading[2])), ""]
            elif line.startswith("bq. "):
                written += ["", markdown.quoted(self._inline(line[4:])), ""]
            elif _RULE.fullmatch(line):
                written += ["", "---", ""]
            elif line.lstrip().startswith("|"):
                written += ["", self._table(line, lines), ""]
            elif _ITEM.fullmatch(line):
                written += ["", self._list(line, lines), ""]
            else:
                written.append(self._inline(line).strip())
        return re.sub(r"\n{3,}", "\n\n", "\n".join(written)).strip("\n")

    def _table(self, first: str, lines: "_Lines") -> str:
        """A table. A row that does not end with a bar goes on in the next line."""
        rows = [first.strip()]
        for line in lines.following():
            if line.lstrip().startswith("|"):
                rows.append(line.strip())
            elif not rows[-1].endswith("|") and line.strip():
                rows[-1] += f" {line.strip()}"
            else:
                lines.back()
                break
        return markdown.table([self._row(row) for row in rows])

    def _row(self, row: str) -> list[str]:
        cells = re.split(r"(?<!\\)\|\|?", self._inline(row).replace("\n", " "))
        return cells[1:-1] if not cells[-1].strip() else cells[1:]

    def _list(self, first: str, lines: "_Lines") -> str:
        """A list with all that belongs to it: items at any depth, and the lines right after an item."""
        written: list[str] = []
        levels: list[tuple[str, int, int]] = []  # (kind, number of the last item, width of its marker), by depth
        for line in (first, *lines.until_empty()):
            found = _ITEM.fullmatch(line)
            text = self._inline(found["text"] if found else line).strip()
            if found:
                depth, kind = len(found["marker"]), found["marker"][-1]
                number = levels[depth - 1][1] + 1 if len(levels) >= depth and levels[depth - 1][0] == kind else 1
                marker = f"{number}." if kind == "#" else "-"
                levels = [*levels[: depth - 1], (kind, number, len(marker) + 1)]
                margin, text = " " * sum(width for _kind, _number, width in levels[:-1]), markdown.item(text, marker)
            else:
                margin = " " * sum(width for _kind, _number, width in levels)
            written += [f"{margin}{part}" for part in text.split("\n") if part]
        return "\n".join(written)

    def _inline(self, text: str) -> str:
        """A line, or the rows of a cell, without the marks of words; links, images and people as Markdown."""
        text = _IMAGE.sub(self._image, _LINK.sub(self._link, text))
        text = _BREAK.sub("\n", text)
        for marked in _WORDS:
            text = marked.sub(r"\1", text)
        text = _STRUCK.sub(r"~~\1~~", _CITED.sub(r"\1", text))
        return decoded(_ESCAPED.sub(lambda found: f"\\{found[1]}" if found[1] == "|" else found[1], text))

    def _image(self, found: re.Match[str]) -> str:
        return self._keep(f"![]({found[1]})" if _ADDRESS.match(found[1]) else found[1])

    def _link(self, found: re.Match[str]) -> str:
        parts = [part.strip() for part in found[1].split("|")]
        words, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
        if target.startswith("~"):
            user = target[1:].removeprefix("accountid:")
            return self._keep(words or f"@{self._names.get(user, user)}")
        if target.startswith("^"):
            return self._keep(words or target[1:])
        if _ADDRESS.match(target):
            return self._keep(markdown.link(self._inline(words), target))
        if len(parts) > 1:  # to a page or to a place in this one
            return self._inline(words) or target
        return self._keep(found[0]) if not target.startswith("#") else target[1:]


def _pairs(marks: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """(begin, end) of each block: the end is the next mark of the same kind, whatever stands between."""
    last_of = {mark["kind"]: number for number, mark in enumerate(marks)}
    begin: re.Match[str] | None = None
    for number, mark in enumerate(marks):
        if begin is None:
            begin = mark if last_of[mark["kind"]] > number else None
        elif mark["kind"] == begin["kind"]:
            yield begin, mark
            begin = None


def _new_line(written: str) -> str:
    return "" if not written or written.endswith("\n") else "\n"


class _Lines:
    """The lines of a text, of which a reader may take those that belong to a block."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self._next = lines, 0

    def __iter__(self) -> Iterator[str]:
        return self.following()

    def following(self) -> Iterator[str]:
        while self._next < len(self._lines):
            self._next += 1
            yield self._lines[self._next - 1]

    def back(self) -> None:
        self._next -= 1

    def until_empty(self) -> Iterator[str]:
        """The lines before the next empty one, heading or table."""
        yield from takewhile(self._belongs, self.following())

    def _belongs(self, line: str) -> bool:
        belongs = bool(line.strip()) and not _HEADING.match(line) and not line.startswith("|")
        if not belongs:
            self.back()
        return belongs
