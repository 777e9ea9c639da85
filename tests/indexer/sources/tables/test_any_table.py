"""Any table that is written correctly is read as it is, and any file at all is read or refused without a traceback."""

import csv
import io
import tracemalloc
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from indexer.sources import csv as csv_source
from indexer.sources.tables.csv_table import CSVTable
from indexer.sources.tables.rows import Row
from recommender.errors import SourceError

_CELLS = st.text(st.sampled_from("ab ä1\"\n;,\t'|=€"), max_size=12)
_TABLES = st.lists(st.lists(_CELLS, min_size=4, max_size=4), min_size=1, max_size=8)
_HEADINGS = ["Tunnus", "Otsikko", "Kuvaus", "Tila"]
_any = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_any
@given(
    table=_TABLES,
    separator=st.sampled_from(";,\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_table_that_is_written_is_read_again(
    tmp_path: Path, table: list[list[str]], separator: str, quoting: int, encoding: str
) -> None:
    lines = [line for row in table for cell in row for line in cell.split("\n")[1:-1]]
    assume(all(line.count(separator) != 3 for line in lines))  # such a line in a text looks like a row
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="\r\n")  # type: ignore[arg-type]
    writer.writerows([_HEADINGS, *table])
    path = tmp_path / "t.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    read = list(CSVTable(path, separator=separator, quote='"').rows())
    assert [row.cells for row in read if isinstance(row, Row)] == [_HEADINGS, *table]


@_any
@given(content=st.binary(max_size=400) | st.text(st.sampled_from("ab;,\"'\n\t=\0€5./:"), max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path, mapping = tmp_path / "t.csv", tmp_path / "t.toml"
    path.write_bytes(b"Title;Answer;Created;Comment\n" + content)
    mapping.write_text("[columns]\ntitle = 1\nanswer = 2\ncreated = 3\ncomments = 4\n", encoding="utf-8")
    try:
        found = list(csv_source.open_source("t", csv_source.OPTIONS(place=str(path), mapping=mapping)).records())
    except SourceError as error:
        assert str(path.name) in str(error)
    else:
        assert all(located.problem or located.record is not None for located in found)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("Title;Text\n")
        for number in range(4_000):
            file.write(f"{number};{'sana ' * 2_000}\n")
    (tmp_path / "t.csv.toml").write_text('[columns]\ntitle = "Title"\nbody = "Text"\n', encoding="utf-8")
    source = csv_source.open_source("t", csv_source.OPTIONS(place=str(path)))
    tracemalloc.start()
    try:
        assert sum(1 for _located in source.records()) == 4_000
        assert tracemalloc.get_traced_memory()[1] < 20_000_000 < path.stat().st_size / 1.9
    finally:
        tracemalloc.stop()
