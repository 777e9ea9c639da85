"""The items of a small museum: what people there have asked and answered, in Finnish, English and a little Swedish.

`test_everyday_faults.py` asks about them. Each group of items is there for one kind of question that is easily answered
wrong; the comments say which.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

TEAMS = {"tekniikka": "Tekniikka", "toimisto": "Toimisto", "kokoelmat": "Kokoelmat"}
PEOPLE = {
    "petteri": ("Petteri Kangas", "tekniikka"),
    "oona": ("Oona Salmela", "tekniikka"),
    "mirva": ("Mirva Ojala", "toimisto"),
    "ilkka": ("Ilkka Rinne", "kokoelmat"),
    "ticket-robot": ("Ticket Robot", "tekniikka"),
    "facility-mailbox": ("Facility Mailbox", "toimisto"),
    "varausrobotti": ("Varausrobotti", "toimisto"),
}
"""Name and team by handle. The last three are no persons."""
PEOPLE_WHO_ACT = ("petteri", "oona", "mirva")


class Request(NamedTuple):
    """A resolved request: its id in the system that it comes from, language, title, answer and who answered."""

    id: str
    language: str
    title: str
    answer: str
    by: str
    at: str = "2026-05-11T09:00:00"


REQUESTS = (
    # codes
    Request("101", "fi", "Maksupäätteen virhe 4127", "Kirjaudu kassaan uudelleen omilla tunnuksilla.", "petteri"),
    Request("102", "fi", "Maksupäätteen virhe 4130", "Linja on poikki: vaihda kaapeli porttiin kolme.", "petteri"),
    Request("103", "en", "Ticket gate stops with GX-552", "Wipe the sensor of the gate with a dry cloth.", "oona"),
    # the same request again and again, once with an answer that says how (number 118)
    *(
        Request(str(number), "fi", "Avainkortti ei avaa ovea", "Hoidettu.", "ticket-robot")
        for number in range(111, 117)
    ),
    Request("117", "fi", "Avainkortti ei avaa ovea", "Hoidettu.", "facility-mailbox"),
    Request(
        "118",
        "fi",
        "Avainkortti ei avaa ovea, mitä teen?",
        "Näytä korttia keltaiselle lukijalle pääoven vieressä, se päivittää oikeudet.",
        "mirva",
    ),
    # replies that say nothing
    Request("121", "en", "Headset microphone crackles", "Fixed.", "oona"),
    Request("122", "fi", "Skanneri ei lähetä kuvia kansioon", "kiitti, pelaa taas", "petteri"),
    Request("123", "fi", "Kuulokkeiden vuokraus ryhmille", "", "mirva"),
    # merged requests: the first shares words with its target, the second does not
    Request("124", "fi", "SD-kortin kuvat hävisivät", "Yhdistetty pyyntöön #125.", "petteri"),
    Request("126", "en", "Memory card of the camera is empty", "Merged into #125.", "petteri"),
    Request(
        "125",
        "fi",
        "Kuvat katosivat SD-kortilta",
        "Älä tallenna kortille mitään, vaan kopioi kuvat palautusohjelmalla.",
        "petteri",
    ),
    # pieces of words
    Request("131", "en", "Locker key is lost", "Ask the front desk for the spare key.", "mirva"),
    Request("132", "en", "Laptop wants a recovery key", "Read the BitLocker key in the device portal.", "oona"),
    # titles with names of one letter and signs, and with the same letters alone
    Request("141", "en", "F# script of the visitor counter stops", "Install the new runtime on the server.", "oona"),
    Request("142", "en", "C++ library of the scanner is missing", "Get it in the software catalogue.", "oona"),
    Request("143", "en", "R report of visitors fails", "Update the packages first.", "oona"),
    Request("144", "en", "K: drive is gone after login", "Start the tool for network drives.", "petteri"),
    Request("145", "en", "Door F is stuck", "Push it at the hinge side.", "mirva"),
    Request("146", "en", "Hall C is too cold", "The heating starts at seven.", "mirva"),
    Request("147", "en", "Shelf K is full", "Move boxes to the cellar.", "ilkka"),
    # rare words, signs on letters, and words that differ only in these signs
    Request("151", "fi", "Tärpätin säilytys konservoinnissa", "Suljetussa peltikaapissa, ei ikkunalla.", "ilkka"),
    Request("152", "en", "Mannequin lost an arm", "Glue it, and let it dry for two days.", "ilkka"),
    Request("153", "fi", "Museon Škoda ei käynnisty", "Akku ladataan autotallissa.", "petteri"),
    Request("154", "en", "Crate from Ełk and Košice arrived wet", "Open it in the drying room.", "ilkka"),
    Request("155", "fi", "Vaa’an paristot loppuivat", "Uusia saa vahtimestarilta.", "mirva"),
    Request("156", "fi", "Sade tuli ikkunasta sisään", "Soita kiinteistöhuoltoon ja siirrä teokset.", "mirva"),
    Request("157", "fi", "Säde näkyy vitriinin lasissa", "Käännä valaisinta kymmenen astetta.", "ilkka"),
    # ordinary ones
    Request(
        "161",
        "fi",
        "Lainasopimuksen allekirjoitus sähköisesti",
        "Lataa sopimus palveluun ja lisää toisen museon yhteyshenkilö.",
        "ilkka",
    ),
    Request("162", "en", "Invoice for a guided tour", "Send the number of guests to the office.", "mirva"),
    Request("163", "fi", "Kokoushuoneen varaus perutaan aina", "Vahvista varaus kalenterissa.", "varausrobotti"),
    # a time that cannot be
    Request("171", "en", "Draft", "Later.", "ilkka", "2099-01-01T00:00:00"),
    # a third language
    Request("181", "sv", "Barnvagnar i utställningen", "De får parkeras vid garderoben.", "mirva"),
    Request("182", "sv", "Hörslingan i hörsalen brummar", "Flytta förstärkaren från väggen.", "oona"),
    Request("183", "sv", "Blommor till invigningen", "Beställ dem i god tid hos floristen på torget.", "mirva"),
)
FUTURE = "171"
"""The request that is dated in a time to come."""


def lines() -> Iterator[str]:
    """The museum as JSON lines (docs/import-format.md)."""
    records: list[dict[str, Any]] = [{"type": "team", "id": id, "name": name} for id, name in TEAMS.items()]
    for id, (name, team) in PEOPLE.items():
        records.append({"type": "person", "id": id, "name": name, "teams": [team], "role": "agent"})
    for request in REQUESTS:
        reply = {"id": "1", "author": request.by, "body": request.answer, "created_at": request.at, "accepted": True}
        records.append(
            {
                "type": "request",
                "id": request.id,
                "title": request.title,
                "status": "resolved",
                "language": request.language,
                "created_at": request.at,
                "audience": ["everyone"],
                "replies": [reply],
            }
        )
    return (json.dumps(record, ensure_ascii=False) for record in records)
