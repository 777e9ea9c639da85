"""sources/excel.py: sheets of Excel files as requests."""

from datetime import datetime
from pathlib import Path

import pytest

from indexer.sources import excel
from indexer.sources.records import RequestRecord
from recommender.errors import SourceError
from tests.indexer.conftest import Kollega
from tests.indexer.sources.office.office_files import sheet

HEADINGS = ("Tunnus", "Otsikko", "Tila", "Luotu", "Ratkaisu")
ROW = ("0017", "Näyttö sammuu", "Ratkaistu", datetime(2026, 3, 2, 8, 10), "Vaihda kaapeli")


def _requests(path: Path) -> list[RequestRecord]:
    options = excel.OPTIONS(place=str(path))
    list(excel.guess_mapping(options))
    records = [located.record for located in excel.open_source("x", options).records()]
    return [record for record in records if isinstance(record, RequestRecord)]


def test_a_sheet_is_read_with_its_times_and_numbers(tmp_path: Path) -> None:
    second = (18.0, "Häiriö", "Avoin", datetime(2026, 3, 3), "")
    path = sheet(tmp_path / "a.xlsx", ("Raportti",), (), HEADINGS, ROW, second, ("Yhteensä", 2), Ohje=[("x",)])
    first, other = _requests(path)
    assert (first.id, first.title, first.created_at) == ("0017", "Näyttö sammuu", datetime(2026, 3, 2, 8, 10))
    assert (first.status, first.replies[0].body) == ("resolved", "Vaihda kaapeli")
    assert (other.id, other.created_at, other.status) == ("18", datetime(2026, 3, 3), "open")


def test_the_mapping_names_another_sheet(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", HEADINGS, ROW, ("0018", *ROW[1:]), name="Iso", Pieni=[HEADINGS, ("5", *ROW[1:])])
    assert [request.id for request in _requests(path)] == ["0017", "0018"]
    mapping = tmp_path / "a.xlsx.toml"
    mapping.write_text('sheet = "Pieni"\n' + mapping.read_text(encoding="utf-8"), encoding="utf-8")
    records = [located.record for located in excel.open_source("x", excel.OPTIONS(place=str(path))).records()]
    assert [record.id for record in records if isinstance(record, RequestRecord)] == ["5"]
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("Pieni", "Poissa"), encoding="utf-8")
    with pytest.raises(SourceError, match=r"a.xlsx has no sheet 'Poissa'. Its sheets: Iso, Pieni"):
        list(excel.open_source("x", excel.OPTIONS(place=str(path))).records())


def test_a_table_of_ten_thousand_rows_is_read(tmp_path: Path) -> None:
    rows = [(f"{number}", f"Häiriö {number}", *ROW[2:4], f"Vaihda osa {number}") for number in range(10_000)]
    found = _requests(sheet(tmp_path / "a.xlsx", HEADINGS, *rows))
    assert len(found) == 10_000 and {request.status for request in found} == {"resolved"}


def test_a_sheet_is_loaded_by_the_command(kollega: Kollega, tmp_path: Path) -> None:
    path = str(sheet(tmp_path / "a.xlsx", HEADINGS, ROW, ("Yhteensä", 1)))
    assert kollega("import", "excel", path, "--guess").exit_code == 0
    loaded = kollega("import", "excel", path)
    assert loaded.stdout == "1 added, 0 updated, 0 unchanged\n"
    assert "rows with totals were skipped (once, at a.xlsx:2)" in loaded.stderr


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none.xlsx cannot be read: it is no file. Check the path."):
        list(excel.guess_mapping(excel.OPTIONS(place=str(tmp_path / "none.xlsx"))))
    with pytest.raises(SourceError, match=r"none.xlsx cannot be read: it is no file. Check the path."):
        excel.open_source("x", excel.OPTIONS(place=str(tmp_path / "none.xlsx")))


def test_a_guess_says_how_times_without_a_zone_are_read(tmp_path: Path) -> None:
    path, said = sheet(tmp_path / "a.xlsx", HEADINGS, ROW), "are read as UTC. If they are local, add --timezone"
    assert any(said in line for line in excel.guess_mapping(excel.OPTIONS(place=str(path))))
    (tmp_path / "a.xlsx.toml").unlink()
    options = excel.OPTIONS(place=str(path), timezone="Europe/Helsinki")
    assert not any(said in line for line in excel.guess_mapping(options))
