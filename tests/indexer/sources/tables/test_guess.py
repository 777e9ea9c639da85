"""sources/tables/guess.py: what each column of an export is, in several languages and of several systems."""

from pathlib import Path

import pytest

from indexer.sources.tables.csv_table import CSVTable
from indexer.sources.tables.guess import Guess, guess
from recommender.errors import SourceError

EXPORTS = {
    "a Finnish Excel": (
        "Tikettiraportti;;;;;;\n;;;;;;\n"
        "Tiketti;Aihe;Kuvaus;Tila;Luotu;Ratkaistu;Ratkaisu;Käsittelijä;Ilmoittaja;Tiimi;Kiireellisyys\n"
        "0017;Näyttö sammuu;Kesken päivän;Ratkaistu;2.3.2026 8.10;3.3.2026 9.00;Vaihda kaapeli;Aino Salo;Olli Ek;IT;1\n"
        "0018;VPN ei avaudu;Kotona;Kesken;4.3.2026 7.45;;;Aino Salo;Olli Ek;IT;2\n"
        "Yhteensä;2;;;;;;;;;\n",
        {"kind": "request", "dates": "day-first", "id": "Tiketti", "title": "Aihe", "body": "Kuvaus", "status": "Tila",
         "created": "Luotu", "resolved": "Ratkaistu", "answer": "Ratkaisu", "agent": "Käsittelijä",
         "asker": "Ilmoittaja", "group": "Tiimi", "properties": "Kiireellisyys"},
        {"open": ("Kesken",), "resolved": ("Ratkaistu",)},
    ),
    "a Swedish export": (
        "Ärendenummer;Rubrik;Beskrivning;Status;Skapad;Löst;Lösning;Handläggare;Anmälare\n"
        "A-1;Skrivaren krånglar;Papper fastnar;Stängd;2026-03-02 08:10;2026-03-02 09:00;Rensade valsen;"
        "Ville Ek;Mia Ås\n"
        "A-2;Glömt lösenord;Kan inte logga in;Pågår;2026-03-02 08:15;;;Ville Ek;Mia Ås\n",
        {"dates": "year-first", "id": "Ärendenummer", "title": "Rubrik", "answer": "Lösning", "resolved": "Löst",
         "agent": "Handläggare", "asker": "Anmälare", "created": "Skapad"},
        {"open": ("Pågår",), "resolved": ("Stängd",)},
    ),
    "Jira in Spanish": (
        "Resumen;Clave de incidencia;Estado;Resolución;Persona asignada;Informador;Creada;Resuelta;"
        "Descripción;Comentario;"
        "Comentario\n"
        "La impresora;SOP-1;Cerrado;Listo;Ana Gil;Luis Rey;25/feb/26 10:17 PM;26/feb/26 8:05 AM;{code}x{code};"
        "\"26/feb/26 7:55 AM;712020:11f0;Reinicié\";\"26/feb/26 8:00 AM;557058:f581;Gracias\"\n"
        "El correo;SOP-2;Cerrado;Descartado;Ana Gil;Luis Rey;26/feb/26 9:00 AM;26/feb/26 9:05 AM;h3. x;;\n",
        {"id": "Clave de incidencia", "title": "Resumen", "outcome": "Resolución", "comments": "Comentario",
         "created": "Creada", "resolved": "Resuelta", "agent": "Persona asignada", "asker": "Informador",
         "markup": "jira"},
        {"resolved": ("Cerrado", "Listo"), "cancelled": ("Descartado",)},
    ),
    "OTRS in German": (
        "Ticket#;Erstellt;Geschlossen;Zustand;Bereich;Bearbeiter;Kundenname;Betreff;Nachricht\n"
        "2026030210000017;02.03.2026 08:10;02.03.2026 09:00;erfolgreich geschlossen;Netz;Uwe Ott;Eva Kern;"
        "WLAN;Geht nicht\n"
        "2026030210000018;02.03.2026 08:20;;offen;Netz;Uwe Ott;Eva Kern;Drucker;Papierstau\n",
        {"id": "Ticket#", "title": "Betreff", "body": "Nachricht", "status": "Zustand", "group": "Bereich",
         "created": "Erstellt", "resolved": "Geschlossen", "asker": "Kundenname", "dates": "day-first"},
        {"open": ("offen",), "resolved": ("erfolgreich geschlossen",)},
    ),
    "GLPI in French": (
        '"ID";"Titre";"Statut";"Date d\'ouverture";"Date de résolution";"Demandeur";"Technicien";'
        '"Description";"Solution"\n'
        '"12";"Imprimante bloquée";"Clos";"02/03/2026 08:10";"13/03/2026 09:00";"Luc Roy";"Zoé Lam";"<p>Bourrage</p>";'
        '"<p>Rouleau nettoyé</p>"\n'
        '"13";"Mot de passe";"En attente";"03/03/2026 08:10";"";"Luc Roy";"Zoé Lam";"<p>Oublié</p>";""\n',
        {"id": "ID", "title": "Titre", "answer": "Solution", "created": "Date d'ouverture", "markup": "html",
         "resolved": "Date de résolution", "asker": "Demandeur", "agent": "Technicien", "dates": "day-first"},
        {"open": ("En attente",), "resolved": ("Clos",)},
    ),
    "ServiceNow": (
        ""
        "number,short_description,description,incident_state,opened_at,resolved_at,close_notes,assignment_group,caller_id,"
        "work_notes\n"
        "INC1,Mail is slow,Since noon,6,2026-03-02 08:10:00,2026-03-02 09:00:00,Moved the mailbox,Mail team,Abe Doe,\n"
        "INC2,No sound,In calls,2,2026-03-02 08:10:00,,,Desk,Abe Doe,\n",
        {"id": "number", "title": "short_description", "answer": "close_notes", "group": "assignment_group",
         "asker": "caller_id", "notes": "work_notes"},
        {"open": ("2",), "resolved": ("6",)},
    ),
    "Freshdesk": (
        "Ticket ID,Subject,Status,Priority,Agent,Group,Created time,Closed time,Requester name,Requester email,Tags\n"
        "71,Cannot print,Closed,Low,Bo Lee,IT,2026-03-02 08:10:00,2026-03-02 09:10:00,Al Fox,al@example.org,\n"
        "72,Cannot scan,Pending,Low,Bo Lee,IT,2026-03-02 08:15:00,,Al Fox,al@example.org,\"scan,new\"\n",
        {"id": "Ticket ID", "title": "Subject", "agent": "Agent", "asker": "Requester name", "resolved": "Closed time",
         "asker_email": "Requester email", "created": "Created time", "group": "Group", "tags": "Tags"},
        {"open": ("Pending",), "resolved": ("Closed",)},
    ),
    "questions and answers": (
        "Kysymys;Vastaus\nMiten vaihdan salasanan?;Sivulla tilit.\nMistä saan avaimen?;Aulasta.\n",
        {"kind": "request", "title": "Kysymys", "answer": "Vastaus"},
        {},
    ),
    "articles": (
        "Title,Content,Author,Last modified,Category\nHow to print,# Print\\n- a,Bo Lee,2026-03-02,IT\n",
        {"kind": "document", "title": "Title", "body": "Content", "owner": "Author", "updated": "Last modified",
         "markup": "markdown"},
        {},
    ),
    "people with whole names": (
        "sys_id;first_name;last_name;name;email\n1;Bo;Lee;Bo Lee;bo@example.org\n",
        {"kind": "person", "name": "name", "id": "sys_id"},
        {},
    ),
    "people": (
        "login;firstname;lastname;mail\nbolee;Bo;Lee;bo@example.org\nalfox;Al;Fox;al@example.org\n",
        {"kind": "person", "email": "mail", "name": ("firstname", "lastname")},
        {},
    ),
}  # fmt: skip


def _guess(tmp_path: Path, text: str) -> Guess:
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    return guess(CSVTable(path))


@pytest.mark.parametrize(("text", "found", "status"), EXPORTS.values(), ids=EXPORTS.keys())
def test_the_columns_of_an_export_are_found(
    tmp_path: Path, text: str, found: dict[str, object], status: dict[str, tuple[str, ...]]
) -> None:
    guessed = _guess(tmp_path, text)
    for name, value in found.items():
        if name in ("kind", "dates", "markup"):
            assert getattr(guessed.mapping, name) == value, name
        else:
            assert getattr(guessed.mapping.columns, name) == (value if isinstance(value, tuple) else (value,)), name
    assert guessed.mapping.status.model_dump(exclude_defaults=True) == status


def test_a_guess_says_why_and_what_is_not_used(tmp_path: Path) -> None:
    lines = "\n".join(_guess(tmp_path, EXPORTS["a Finnish Excel"][0] + "0019;x;y;Odd;5.3.2026;;;;;;\n").lines())
    assert "Each row is a request: there is a column for answer." in lines
    assert "created: Luotu (its heading, and 3 of 3 cells looked at are times)" in lines
    assert "dates: day-first (as in '2.3.2026 8.10')" in lines
    assert "Check: words of the status that are not known were put under open: Odd." in lines


def test_times_that_can_be_read_in_two_ways_are_not_guessed(tmp_path: Path) -> None:
    guessed = _guess(tmp_path, "Title;Status;Created\na;Open;3/4/2026\nb;Open;5/6/2026\n")
    assert guessed.mapping.dates is None
    assert "can be read in two ways, and no other time decides. Write dates = " in " ".join(guessed.warnings)


def test_a_table_without_an_id_and_people_of_names_alone_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{n};A question {n};Open;2.3.2026 8.1{n};Aino Virtanen\n" for n in range(4))
    bare = "\n".join(_guess(tmp_path, "Weight;Title;Status;Created;Assignee\n" + rows).lines())
    assert "Check: no column was taken for the id" in bare
    assert "people_by_name: true (people are known by name only: two with one name become one, beside" in bare
    named = _guess(
        tmp_path, "Tunniste;Otsikko;Tila;Luotu;Käsittelijän sähköposti\n" + rows.replace("Aino Virtanen", "a@b.fi")
    )
    assert named.mapping.columns.id == ("Tunniste",) and named.warnings == []


def test_a_heading_alone_does_not_make_a_column_of_times_or_mail(tmp_path: Path) -> None:
    guessed = _guess(tmp_path, "Title;Status;Created;Email\na;Open;yesterday;at home\nb;Open;today;none\n")
    assert guessed.mapping.columns.created == () and guessed.mapping.columns.asker_email == ()
    assert guessed.unused == ["Created", "Email"]


def test_what_excel_has_cut_and_ids_that_are_there_twice_are_told(tmp_path: Path) -> None:
    warnings = " ".join(
        _guess(tmp_path, "Id;Title\n" + "".join(f"x{n};t\n" for n in range(20)) + "1,23E+15;a\n" * 2).warnings
    )
    assert "were cut by Excel" in warnings and "ids are there more than once (1,23E+15)" in warnings


def test_a_table_of_something_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no column looks like the title .* Its columns: sku, price"):
        _guess(tmp_path, "sku;price\n1;2\n")
