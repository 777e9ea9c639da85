"""Finds how the records of a CSV file are written: the separator, the quote and how a quote in a text is written."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

_SEPARATORS = ";\t,|"
_RARE = ":.^~"  # only where they stand between quotes
_RECORDS = 200  # records that are looked at: a judgement
_SAYS_SO = re.compile(r'\ufeff?"?sep=(.)"?\s*$', re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """How a CSV file is written. `escape` is the character before a quote in a text, empty when it is written twice.
    `first_line` counts from 0: the line after `sep=`."""

    separator: str
    quote: str = '"'
    escape: str = ""
    first_line: int = 0
    why: str = ""

    def reader_options(self) -> dict[str, Any]:
        """What Python's csv module needs to know."""
        return {
            "delimiter": self.separator,
            "quotechar": self.quote,
            "doublequote": not self.escape,
            "escapechar": self.escape or None,
        }


def form_of(sample: str, separator: str = "", quote: str = "") -> Form:
    """The form of a CSV file that begins with `sample`; what is given is not looked for."""
    lines = sample.split("\n")
    says = _SAYS_SO.match(lines[0])
    body = "\n".join(lines[1:]) if says else sample
    quote = quote or _quote_of(body)
    escape = "\\" if body.count(f"\\{quote}") > body.count(quote * 2) else ""
    why = "the mapping says so"
    if not separator and says:
        separator, why = says[1], "the first line says so"
    if not separator:
        separator, why = _separator_of(body, quote, escape)
    return Form(separator, quote, escape, 1 if says else 0, why)


def _quote_of(text: str) -> str:
    """An apostrophe when whole cells stand between them and none between quotation marks."""

    def cells(quote: str) -> int:
        return len(
            re.findall(rf"(?:^|[{_SEPARATORS}]){quote}[^{quote}\n]*{quote}(?=[{_SEPARATORS}\r\n]|$)", text, re.M)
        )

    return "'" if cells("'") > 0 and cells('"') == 0 else '"'


def _separator_of(text: str, quote: str, escape: str) -> tuple[str, str]:
    """(separator, why): the one that gives the same number of cells in most records, and then the most cells."""
    rare = [sign for sign in _RARE if f"{quote}{sign}{quote}" in text]
    best, best_score, why = ",", (0.0, 0), "no other one makes columns"
    for sign in [*_SEPARATORS, *rare]:
        counts = _counts(text, Form(sign, quote, escape))
        columns, how_often = counts.most_common(1)[0] if counts else (1, 0)
        if columns < 2:
            continue
        share = how_often / counts.total()
        score = (round(share, 1), columns)
        if score > best_score:
            best, best_score = sign, score
            why = f"{how_often} of the first {counts.total()} records have {columns} columns with it"
    return best, why


def _counts(text: str, form: Form) -> Counter[int]:
    counts: Counter[int] = Counter()
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), **form.reader_options()), 1):
            if any(cells):
                counts[len(cells)] += 1
            if number >= _RECORDS:
                break
    except csv.Error:
        pass
    return counts
