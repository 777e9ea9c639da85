"""What was written later to a request, as exports have it in cells: one text, a comment of Jira, or a whole journal."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_OF_JIRA = re.compile(r"\s*([^;\n]{6,40});([^;\n]{0,200});(.*)", re.DOTALL)
_IN_A_JOURNAL = re.compile(
    r"^(\d[\d./-]{5,9} \d[\d:.]{3,8}(?: ?[AaPp]\.?[Mm]\.?)?) - ([^\n]{1,100}?) \(([^()\n]{3,60})\)[ \t]*$", re.M
)
_INTERNAL = re.compile(r"(?i)work|työ|intern|sisäi|arbet|trabajo|travail|privat")


@dataclass(frozen=True)
class Comment:
    """A comment; `time` and `author` are as they are written, and empty when they are not known."""

    text: str
    time: str = ""
    author: str = ""
    is_internal: bool = False


def comments_of(cell: str, is_time: Callable[[str], bool], is_internal: bool = False) -> Iterator[Comment]:
    """The comments of a cell: `25/Feb/26 10:17 PM;author;text` is one, and so is each entry of a journal that begins
    with `2026-03-02 08:09:00 - Name (Work notes)`."""
    entries = list(_IN_A_JOURNAL.finditer(cell))
    if entries and not cell[: entries[0].start()].strip():
        ends = [entry.start() for entry in entries[1:]] + [len(cell)]
        for entry, end in zip(entries, ends, strict=True):
            if text := cell[entry.end() : end].strip():
                yield Comment(text, entry[1], entry[2], is_internal or bool(_INTERNAL.search(entry[3])))
        return
    of_jira = _OF_JIRA.fullmatch(cell)
    if of_jira and is_time(of_jira[1]):
        if of_jira[3].strip():
            yield Comment(of_jira[3].strip(), of_jira[1], of_jira[2].strip(), is_internal)
    elif cell.strip():
        yield Comment(cell.strip(), is_internal=is_internal)
