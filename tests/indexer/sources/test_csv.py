"""sources/csv.py and the modules of sources/tables: records of CSV files, and `kollega import csv`."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from indexer.sources import csv
from indexer.sources.records import DocumentRecord, Located, PersonRecord, RequestRecord
from recommender.errors import SourceError
from tests.indexer.conftest import Kollega

MAPPING = """
people_by_name = true
[columns]
id = "Id"
title = "Title"
body = "Text"
answer = "Answer"
status = "State"
outcome = "Outcome"
created = "Made"
resolved = "Solved"
asker = "Asker"
agent = "Agent"
comments = "Comment"
notes = "Note"
private = "Private"
readers = "Readers"
tags = "Tag"
duplicate_of = "Same as"
properties = ["Prio"]
[status]
open = "Open"
resolved = ["Done"]
cancelled = ["Duplicate"]
"""
COLUMNS = (
    "Id;Title;Text;Answer;State;Outcome;Made;Solved;Asker;Agent;Comment;Comment;Note;Private;Readers;Tag;"
    "Tag;Same as;Prio"
)


def _row(**cells: str) -> str:
    """A row of the table above; a cell that is there twice is given as a text with `|`."""
    found, seen = [], dict.fromkeys(cells, 0)
    for heading in COLUMNS.split(";"):
        name = heading.replace(" ", "_")
        parts = cells.get(name, "").split("|")
        number = seen.get(name, 0)
        found.append(parts[number] if number < len(parts) else "")
        seen[name] = number + 1
    return ";".join(f'"{cell}"' if ";" in cell or "\n" in cell else cell for cell in found)


def _read(tmp_path: Path, *rows: str, mapping: str = MAPPING, headings: str = COLUMNS, **options: str) -> list[Located]:
    path = tmp_path / "t.csv"
    path.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "t.csv.toml").write_text(mapping, encoding="utf-8")
    return list(csv.open_source("t", csv.OPTIONS(place=str(path), **options)).records())


def _requests(found: list[Located]) -> list[RequestRecord]:
    return [located.record for located in found if isinstance(located.record, RequestRecord)]


def test_a_row_becomes_a_request_with_its_answer(tmp_path: Path) -> None:
    row = _row(Id="0017", Title="Näyttö sammuu", Text="Kesken &auml;", Answer="Vaihda kaapeli", State="Done", Prio="1",
               Made="2.3.2026 8.10", Solved="25.3.2026 9.00", Asker="olli@example.fi", Agent="Salo, Aino",
               Tag="a|b")  # fmt: skip
    found = _read(tmp_path, row, timezone="Europe/Helsinki")
    people = {located.record.id: located.record for located in found if isinstance(located.record, PersonRecord)}
    assert people["t-olli@example.fi"].email == "olli@example.fi"
    assert people["t-aino-salo"].name == "Aino Salo"
    (request,) = _requests(found)
    assert (request.id, request.title, request.body, request.status) == (
        "0017",
        "Näyttö sammuu",
        "Kesken ä",
        "resolved",
    )
    assert request.created_at == datetime(2026, 3, 2, 6, 10) and request.resolved_at == datetime(2026, 3, 25, 7)
    (reply,) = request.replies
    assert (reply.author, reply.body, reply.accepted) == ("t-aino-salo", "Vaihda kaapeli", True)
    assert (request.asked_by, request.tags) == ("t-olli@example.fi", ("a", "b"))
    assert (request.properties, request.readers_there) == ({"Prio": "1"}, None)


@pytest.mark.parametrize(
    ("cells", "status", "accepted"),
    [
        ({"State": "Open", "Answer": "try this"}, "open", []),
        ({"State": "Done", "Answer": "try this"}, "resolved", ["try this"]),
        ({"State": "Done"}, "closed", []),
        ({"State": "Done", "Outcome": "Duplicate", "Answer": "see 5"}, "closed", []),
        ({"State": "Odd"}, "open", []),
    ],
)
def test_the_words_of_the_mapping_decide_the_status(
    tmp_path: Path, cells: dict[str, str], status: str, accepted: list[str]
) -> None:
    (located,) = [each for each in _read(tmp_path, _row(Id="1", Title="x", Made="2.3.2026", **cells))]
    assert isinstance(located.record, RequestRecord)
    assert located.record.status == status
    assert [reply.body for reply in located.record.replies if reply.accepted] == accepted
    told = [change for change, word in located.changes if word == "Odd"]
    assert bool(told) == (cells["State"] == "Odd")


def test_the_last_comment_of_somebody_else_before_the_resolving_is_the_answer(tmp_path: Path) -> None:
    comments = "25/Feb/26 10:17 PM;id1;Pulled the plug;and waited|26/Feb/26 8:01 AM;id2;Thanks"
    row = _row(Id="1", Title="x", State="Done", Made="24/Feb/26 9:00 AM", Solved="26/Feb/26 8:05 AM", Comment=comments,
               Note="25/Feb/26 9:00 PM;id1;do not tell")  # fmt: skip
    mapping = MAPPING.replace('asker = "Asker"', 'asker_id = "Asker"')
    (request,) = _requests(_read(tmp_path, row.replace(";;;", ";;;", 1), mapping=mapping))
    assert [(reply.author, reply.internal) for reply in request.replies] == [
        ("t-id1", True), ("t-id1", False), ("t-id2", False),
    ]  # fmt: skip
    row = _row(Id="1", Title="x", State="Done", Made="24/Feb/26 9:00 AM", Solved="26/Feb/26 8:05 AM", Comment=comments,
               Asker="id2")  # fmt: skip
    (request,) = _requests(_read(tmp_path, row, mapping=mapping))
    assert [reply.body for reply in request.replies if reply.accepted] == ["Pulled the plug;and waited"]


def test_a_journal_in_a_cell_is_its_entries(tmp_path: Path) -> None:
    journal = (
        "2026-03-02 09:00:00 - Bo Lee (Work notes)\nseen\n\n"
        "2026-03-02 10:00:00 - Bo Lee (Additional comments)\nRestart it"
    )
    row = _row(Id="1", Title="x", State="Done", Made="2026-03-02 08:00:00", Comment=journal)
    (request,) = _requests(_read(tmp_path, row))
    assert [(reply.body, reply.internal, reply.accepted) for reply in request.replies] == [
        ("seen", True, False), ("Restart it", False, True),
    ]  # fmt: skip


def test_what_is_private_there_is_for_the_team_only(tmp_path: Path) -> None:
    rows = [_row(Id=str(n), Title="x", **cells) for n, cells in enumerate(
        [{"Private": "yes"}, {"Private": "no"}, {"Private": "HR only"}, {"Readers": "Board"}, {}])]  # fmt: skip
    readers = [request.readers_there for request in _requests(_read(tmp_path, *rows))]
    assert readers == [("private",), None, ("private",), ("Board",), None]


def test_a_merged_request_names_the_other_one(tmp_path: Path) -> None:
    row = _row(Id="1", Title="x", State="Done", Outcome="Duplicate", **{"Same_as": "5"})
    assert _requests(_read(tmp_path, row))[0].merged_into == "5"


def test_odd_rows_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    whole = _row(Id="2", Title="whole", Made="2.3.2026")
    found = _read(tmp_path, "1;short", "", whole, whole + ";;", whole + ";x", _row(Id="3"),
                  _row(Id="4", Text="Only text"), "Yhteensä;4", _row(Id="5", Title="y", Made="soon"), "")  # fmt: skip
    assert [request.id for request in _requests(found)] == ["1", "2", "2", "4", "5"]
    assert [(located.line, located.problem) for located in found if located.problem] == [
        (6, "20 cells, and the table has 19 columns. Put texts that have a separator into quotes"),
        (7, "there is no title and no text. Fill one of them in, or remove the row"),
    ]
    told = {change for located in found for change, _value in located.changes}
    assert told == {
        "empty rows were skipped", "rows with totals were skipped", "times that cannot be read were left out",
        "times that are missing were taken from that of the file",
        "rows with fewer cells than the table has columns were filled up with empty ones",
    }  # fmt: skip
    assert next(r for r in _requests(found) if r.id == "4").title == "Only text"


def test_formulas_are_texts_and_what_excel_keeps_as_text_is_unpacked(tmp_path: Path) -> None:
    row = _row(Id='="0042"', Title="=SUM(A1:A2)", Text="line_x000D_\nend")
    (request,) = _requests(_read(tmp_path, row))
    assert (request.id, request.title, request.body) == ("0042", "=SUM(A1:A2)", "line\nend")


def test_times_that_can_be_read_in_two_ways_are_refused_with_a_hint_and_the_mapping_decides(tmp_path: Path) -> None:
    row = _row(Id="1", Title="x", Made="3/4/2026")
    with pytest.raises(SourceError, match=r't.csv: .3/4/2026. can be read in two ways.*dates = "day-first"'):
        _read(tmp_path, row)
    decided = _requests(_read(tmp_path, row, mapping='dates = "month-first"\n' + MAPPING))
    assert decided[0].created_at == datetime(2026, 3, 4)
    decided = _requests(_read(tmp_path, row, _row(Id="2", Title="x", Made="25/4/2026")))
    assert decided[0].created_at == datetime(2026, 4, 3)


def test_rows_without_an_id_keep_theirs_when_the_table_grows(tmp_path: Path) -> None:
    mapping = MAPPING.replace('id = "Id"\n', "")
    rows = [_row(Title="x", Made="1.1.2026"), _row(Title="y", Made="2.1.2026")]
    before = [request.id for request in _requests(_read(tmp_path, *rows, mapping=mapping))]
    after = [request.id for request in _requests(_read(tmp_path, _row(Title="z"), *rows, mapping=mapping))]
    assert len(set(before)) == 2 and after[1:] == before


def test_a_name_alone_is_the_one_person_of_this_name_whose_address_or_id_the_table_has(tmp_path: Path) -> None:
    mapping = MAPPING.replace('asker = "Asker"', 'asker = "Asker"\nasker_email = "Mail"\nasker_id = "Number"')
    cells = [("Matti Mäki", "", ""), ("Matti Mäki", "matti@example.org", ""), ("matti  mäki", "", "")]
    cells += [("Aino Virta", "", "7"), ("Aino Virta", "", ""), ("Eero Aho", "", "")]
    cells += [("Liisa Oja", "liisa@example.org", ""), ("Liisa Oja", "liisa.oja@example.org", ""), ("Liisa Oja", "", "")]
    rows = [
        _row(Id=str(number), Title="x", Made="2026-03-02", Asker=name) + f";{email};{identifier}"
        for number, (name, email, identifier) in enumerate(cells)
    ]
    found = _read(tmp_path, *rows, mapping=mapping, headings=f"{COLUMNS};Mail;Number")
    matti, liisa, other = "t-matti@example.org", "t-liisa@example.org", "t-liisa.oja@example.org"
    assert [request.asked_by for request in _requests(found)] == [
        matti, matti, matti, "t-7", "t-7", "t-eero-aho", liisa, other, "t-liisa-oja",
    ]  # fmt: skip
    people = {each.record.id: each.record.name for each in found if isinstance(each.record, PersonRecord)}
    assert people == {
        matti: "Matti Mäki", "t-7": "Aino Virta", "t-eero-aho": "Eero Aho",
        liisa: "Liisa Oja", other: "Liisa Oja", "t-liisa-oja": "Liisa Oja",
    }  # fmt: skip


def test_documents_and_people_are_read_too(tmp_path: Path) -> None:
    document = (
        'kind = "document"\nmarkup = "html"\n[columns]\ntitle = "T"\nbody = "B"\nupdated = "U"\nowner_email = "O"\n'
    )
    found = _read(tmp_path, "Ohje;<h2>A</h2><p>b</p>;2026-03-02;bo@example.org", mapping=document, headings="T;B;U;O")
    record = found[-1].record
    assert isinstance(record, DocumentRecord)
    assert (record.body, record.updated_at, record.owner) == ("## A\n\nb", datetime(2026, 3, 2), "t-bo@example.org")
    people = 'kind = "person"\n[columns]\nname = [1, 2]\nemail = 3\n'
    found = _read(
        tmp_path, "Bo;Lee;bo@example.org", mapping="headings = false\n" + people, headings="Al;Fox;al@example.org"
    )
    assert [(each.record.name, each.record.email) for each in found if isinstance(each.record, PersonRecord)] == [
        ("Al Fox", "al@example.org"), ("Bo Lee", "bo@example.org"),
    ]  # fmt: skip


def test_a_column_that_is_not_there_any_more_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"t.csv: there is no column 'Text'. The table has: Id, Title"):
        _read(tmp_path, "1;x", headings="Id;Title")


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ("[columns", "is not TOML"),
        ('[columns]\ntitel = "x"\n', r"columns.titel: it is not known. Check how it is spelt. docs/sources/csv.md"),
        ('dates = "soon"\n[columns]\ntitle = "x"\n', "dates: write "),
    ],
)
def test_a_wrong_mapping_is_told(tmp_path: Path, mapping: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        _read(tmp_path, "1;x", mapping=mapping)


def test_the_command_guesses_writes_a_mapping_and_loads(kollega: Kollega, tmp_path: Path) -> None:
    path = tmp_path / "tiketit.csv"
    text = (
        "Tiketti;Otsikko;Tila;Luotu;Ratkaisu\n1;Näyttö sammuu;Suljettu;25.2.2026;Vaihda kaapeli\n"
        "2;Häiriö;Avoin;1.3.2026;\n"
    )
    path.write_bytes(text.encode("windows-1252"))
    missing = kollega("import", "csv", str(path))
    assert missing.exit_code == 1 and f"Run: kollega import csv {path} --guess" in missing.stderr
    guessed = kollega("import", "csv", str(path), "--guess")
    assert guessed.exit_code == 0 and "answer: Ratkaisu (its heading)" in guessed.stdout
    written = (tmp_path / "tiketit.csv.toml").read_text(encoding="utf-8")
    assert re.search(r'^dates = "day-first"  # as in', written, re.M) and 'open = ["Avoin"]' in written
    again = kollega("import", "csv", str(path), "--guess")
    assert again.exit_code == 1 and "is there already" in again.stderr
    loaded = kollega("import", "csv", str(path))
    assert (loaded.exit_code, loaded.stdout) == (0, "2 added, 0 updated, 0 unchanged\n")
    assert kollega("import", "csv", str(path)).stdout == "0 added, 0 updated, 2 unchanged\n"


def test_a_mapping_is_written_also_when_nobody_reads_on_and_may_be_named(tmp_path: Path) -> None:
    table, mapping = tmp_path / "t.csv", tmp_path / "other.toml"
    table.write_text("Title;Answer\na;b\n", encoding="utf-8")
    options = csv.OPTIONS(place=str(table), mapping=mapping)
    with pytest.raises(SourceError, match=rf"--guess --mapping {re.escape(str(mapping))}$"):
        csv.open_source("t", options)
    assert next(csv.guess_mapping(options)).startswith("t.csv: 1 rows; encoding utf-8")
    assert len(_requests(list(csv.open_source("t", options).records()))) == 1


def test_only_kinds_that_need_a_mapping_can_guess(kollega: Kollega) -> None:
    assert "--guess" in kollega("import", "csv", "--help").output
    assert "--guess" not in kollega("import", "jsonl", "--help").output


def test_an_export_in_french_is_loaded_as_it_comes(kollega: Kollega, tmp_path: Path) -> None:
    path = tmp_path / "glpi.csv"
    text = (
        '"ID";"Titre";"Statut";"Date d\'ouverture";"Date de résolution";"Demandeur";"Technicien";"Description";'
        '"Solution"\n"1 012";"Imprimante bloquée &amp; bruyante";"Clos";"02/03/2026 08:10";"13/03/2026 09:00";'
        '"Luc Roy";"Zoé Lam";'
        '"<p>Bourrage &eacute;trange</p>";"<ul><li>Nettoyer le rouleau</li></ul>"\n'
        '"1 013";"Mot de passe";"Annulé";"03/03/2026 08:10";"";"Luc Roy";"Zoé Lam";"<p>Oublié</p>";""\n'
    )
    path.write_bytes(text.encode("windows-1252"))
    guessed = kollega("import", "csv", str(path), "--guess")
    assert guessed.exit_code == 0 and "Check:" not in guessed.stdout and "encoding windows-1252" in guessed.stdout
    first, second = _requests(list(csv.open_source("glpi", csv.OPTIONS(place=str(path))).records()))
    assert (first.id, first.title, first.body) == ("1 012", "Imprimante bloquée & bruyante", "Bourrage étrange")
    assert (first.created_at, first.status) == (datetime(2026, 3, 2, 8, 10), "resolved")
    assert [(reply.author, reply.body) for reply in first.replies] == [("glpi-zoé-lam", "- Nettoyer le rouleau")]
    assert (second.status, second.replies) == ("closed", ())
    loaded = kollega("import", "csv", str(path))
    assert (loaded.exit_code, loaded.stdout.split(",")[0]) == (0, "4 added")
