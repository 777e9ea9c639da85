"""sources/tables/csv_table.py, csv_form.py and encoding.py: the rows of CSV files as they come."""

import gzip
import time
from pathlib import Path

import pytest

from indexer.sources.tables.csv_table import CSVTable
from indexer.sources.tables.rows import Fault, Row
from recommender.errors import SourceError

ROWS = "Tunnus;Otsikko;Tunnit\r\n0017;Näyttö ei käynnisty;1,5\r\n0018;Lämpö – liian korkea;0,25\r\n"


def _rows(path: Path, content: bytes | str, **options: str) -> list[Row | Fault]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(CSVTable(path, **options).rows())


def _cells(rows: list[Row | Fault]) -> list[list[str]]:
    return [row.cells for row in rows if isinstance(row, Row)]


def _faults(rows: list[Row | Fault]) -> list[tuple[int, str]]:
    return [(row.line, row.problem) for row in rows if isinstance(row, Fault)]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("windows-1252", "windows-1252"),
        ("mac_roman", "mac_roman"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, encoding: str, named: str) -> None:
    rows = _rows(tmp_path / "a.csv", ROWS.encode(encoding))
    assert CSVTable(tmp_path / "a.csv").encoding == named
    assert _cells(rows)[1:] == [["0017", "Näyttö ei käynnisty", "1,5"], ["0018", "Lämpö – liian korkea", "0,25"]]


def test_a_letter_that_is_cut_by_the_end_of_a_block_does_not_change_the_encoding(tmp_path: Path) -> None:
    content = "a;b\n" + "x" * ((1 << 20) - 5) + "ä;ö\n" * 3
    assert len(_rows(tmp_path / "a.csv", content)) == 4
    assert CSVTable(tmp_path / "a.csv").encoding == "utf-8"


def test_some_bytes_of_windows_in_utf_8_are_read_as_such(tmp_path: Path) -> None:
    content = ("a;b\n" + "ääkköset öljy;åäö\n" * 60).encode() + "h\xe4iri\xf6;x\n".encode("latin-1")
    assert _cells(_rows(tmp_path / "a.csv", content))[-1] == ["häiriö", "x"]


def test_another_script_that_is_not_utf_8_is_refused_with_a_hint_and_read_when_the_mapping_says_so(
    tmp_path: Path,
) -> None:
    content = "件名;説明\n".encode("shift_jis") * 20
    with pytest.raises(SourceError, match=r'encoding = "shift_jis"'):
        _rows(tmp_path / "a.csv", content)
    assert _cells(_rows(tmp_path / "a.csv", content, encoding="shift_jis"))[0] == ["件名", "説明"]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no text file"):
        _rows(tmp_path / "a.csv", bytes(range(256)) * 20)


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("sep=|\na|b;c\n1|2;3\n", ["a", "b;c"]),
        ('"sep=;"\na;b\n1;2\n', ["a", "b"]),
        ("a;b;c\n1,5;2,5;x\n1;2,25;y, z\n", ["a", "b", "c"]),
        ("a\tb\n1;5\t2;5\n", ["a", "b"]),
        ('"a":"b"\n"10:15":"x"\n', ["a", "b"]),
        ("a,b\n'x, y',1\n'z',2\n", ["a", "b"]),
        ('a,b\n"x \\"y\\" z",1\n', ["a", "b"]),
        ("a|b|c\n1,2|3|4\n", ["a", "b", "c"]),
    ],
)
def test_the_separator_and_the_quote_are_found(tmp_path: Path, content: str, cells: list[str]) -> None:
    rows = _cells(_rows(tmp_path / "a.csv", content))
    assert rows[0] == cells and {len(row) for row in rows} == {len(cells)}


def test_quotes_separators_and_lines_within_a_text_stay(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "a.csv", 'a;b\n1;"x; ""y""\nz"\n2;w\n')
    assert _cells(rows)[1:] == [["1", 'x; "y"\nz'], ["2", "w"]]
    assert [row.line for row in rows] == [1, 2, 4]


def test_old_macs_end_lines_with_a_return(tmp_path: Path) -> None:
    assert len(_rows(tmp_path / "a.csv", b"a;b\r1;2\r3;4\r")) == 3


def test_an_unclosed_quote_is_reported_where_it_opens_and_the_rows_behind_it_are_read(tmp_path: Path) -> None:
    content = 'a;b;c\n1;x;y\n2;"never closed;y\n3;x;y\n4;x;y\n'
    rows = _rows(tmp_path / "a.csv", content)
    assert [cells[0] for cells in _cells(rows)] == ["a", "1", "3", "4"]
    assert _faults(rows)[0][0] == 3 and "a quote is opened in this line that is not closed" in _faults(rows)[0][1]


def test_an_unclosed_quote_that_a_later_quote_seems_to_close_swallows_nothing(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "a.csv", 'a;b;c\n1;"open;y\n2;x;y\n3;"whole text";y\n4;x;y\n')
    assert [cells[0] for cells in _cells(rows)] == ["a", "2", "3", "4"]
    assert [line for line, _problem in _faults(rows)] == [2]
    rows = _rows(tmp_path / "a.csv", 'a;b;c\n1;"open;y\n2;x;y\n3;x";y\n4;x;y\n')
    assert [cells[0] for cells in _cells(rows)] == ["a", "2", "3", "4"]


def test_a_text_over_lines_that_has_quotes_and_separators_is_no_row(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "a.csv", 'a;b;c;d\n;"\n1";;""";\n"\n2;x;y;z\n')
    assert _cells(rows)[1:] == [["", "\n1", "", '";\n'], ["2", "x", "y", "z"]]


def test_inches_in_a_text_are_no_quotes(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "a.csv", 'a;b\n1;näyttö 24" rikki\n2;"24" näyttö"\n3;x\n')
    assert _cells(rows)[1:] == [["1", 'näyttö 24" rikki'], ["2", '24" näyttö'], ["3", "x"]]
    assert [bool(row.changes) for row in rows if isinstance(row, Row)] == [False, False, True, False]


def test_many_unclosed_quotes_take_no_time(tmp_path: Path) -> None:
    content = "a;b\n" + '1;"x; y\n' * 3_000
    started = time.thread_time()
    rows = _rows(tmp_path / "a.csv", content)
    assert len(_faults(rows)) > 0 and time.thread_time() - started < 20


def test_a_very_long_line_is_reported_and_the_next_ones_are_read(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "a.csv", "a;b\n1;" + "x" * 21_000_000 + "\n2;y\n")
    assert _cells(rows)[1:] == [["2", "y"]]
    assert _faults(rows) == [(2, "longer than 20 MB. Shorten it")]


def test_a_packed_file_is_read_and_one_that_is_cut_short_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(("a;b\n" + "1;x\n" * 50_000).encode(), mtime=0)
    assert len(_rows(tmp_path / "a.csv.gz", packed)) == 50_001
    with pytest.raises(SourceError, match="is cut short or damaged; the rows before were loaded"):
        _rows(tmp_path / "a.csv.gz", packed[:-20])


def test_a_packed_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.sources.tables.encoding._SMALL", 1_000_000)
    with pytest.raises(SourceError, match="unpacks to far more than it is"):
        _rows(tmp_path / "a.csv.gz", gzip.compress(b"a;b\n" + b"0" * 40_000_000))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none.csv cannot be read: No such file or directory. Check the path."):
        CSVTable(tmp_path / "none.csv")
