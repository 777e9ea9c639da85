"""search/codes.py: the codes of a question, and whether a text mentions them."""

import pytest

from recommender.language.terms import fold
from recommender.search.codes import codes, mentions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0x80070006 windows update", ("0x80070006",)),
        ("VPN virhe 807", ("807",)),
        ("laite näyttää E-52 ja sitten E 53", ("E-52", "E 53")),
        ("virhe E52:ssa", ("E52",)),
        ("TK-408 ei käynnisty", ("TK-408",)),
        ("onko P30 sama kuin p30?", ("P30",)),
        ("päivitin v2.3 tilalle v2.3.1", ("v2.3", "v2.3.1")),
        ("vinyylin leveys 80 mm", ("80 mm",)),
        ("srv17 and db-prod-3.example.fi are down", ("srv17", "db-prod-3.example.fi")),
        ("tiedosto raportti_2024_v2.xlsx ei aukea", ("raportti_2024_v2.xlsx",)),
        ("HTTP 500 and error 5", ("500", "5")),
        ("Windows 11 ei päivity", ("11",)),
        ("päivitin koneeseen windows 11", ("11",)),
        ("Python 3.12 asennus", ("3.12",)),
        ("version 5.31 release", ("5.31",)),
        ("S/4 ja 5.3.1", ("S/4", "5.3.1")),
        ("KB5031455", ("KB5031455",)),
        ("H60-kuulokkeet ja AX-50-tykki", ("H60", "AX-50")),
        ("Luokassa 214 on Aurora AX-30", ("AX-30",)),
        ("INC0012345", ("INC0012345",)),
    ],
)
def test_the_codes_of_a_text_are_found(text: str, expected: tuple[str, ...]) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "palaan 3.12.2024 tai 2024-12-03 tai 3.12. tai 5/2024",
        "klo 16:30, 16.30 ja klo 9 tai klo14",
        "vuoden 2024 lomat 2025",
        "2 viikkoa, 3 times, 10 minuuttia, 30min, 14 päivän ajan",
        "lasku 1000 €, 870 euros, 10e, 1,50, 50 %, 200 kpl",
        "040 123 4567, 0401234567, +358 40 123 4567",
        "tarvitsen 2 näyttöä ja 3 hiirtä",
        "300 henkilöä ja 450 users",
        "verhot 9 500 ilman veroa, 24-inch screen, 3d-tulostin",
        "order 450233, huone 214, puh. 4412",
        "24/7 tuki, 2FA, the 4th floor, 3D",
        "https://example.fi/page/807 ja aino2@example.fi",
        "työaika 8-16 ja 8.00-15.30",
        "saako 500 euron hankinnan tehdä",
        "",
        "ei koodeja",
    ],
)
def test_dates_times_amounts_and_phone_numbers_are_no_codes(text: str) -> None:
    assert codes(text) == ()


def test_a_number_alone_in_a_letter_is_a_code_only_where_the_letter_says_so() -> None:
    letter = "Hello, we have tried it on every computer of the office since Monday and it does not help at all. " * 3
    assert codes(f"{letter} There are 480 of us in building 312.") == ()
    assert codes(f"{letter} It says error 807 on the P30.") == ("807", "P30")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Virhe E52 tarkoittaa jumia", "E-52"),
        ("virhe e 52.", "E52"),
        ("koodi E‑52", "E 52"),
        ("TK408:n ohje", "TK-408"),
        ("vpn-807", "807"),
        ("versio 2.3", "v2.3"),
        ("80mm rulla", "80 mm"),
        ("0X80070006", "0x80070006"),
        ("error 80070006", "0x80070006"),
        ("Windows 11", "11"),
    ],
)
def test_a_text_mentions_a_code_however_it_is_joined(text: str, code: str) -> None:
    assert mentions(fold(text), code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("virhe 8070", "807"),
        ("virhe 1807", "807"),
        ("E-520", "E-52"),
        ("LE52", "E-52"),
        ("versio 23", "v2.3"),
        ("versio 12.3", "v2.3"),
        ("Lenovo P30s", "P30"),
        ("", "807"),
    ],
)
def test_another_code_is_not_a_mention(text: str, code: str) -> None:
    assert not mentions(fold(text), code)


@pytest.mark.parametrize("code", ["0x", "0X", "0.x", "v0.x"])
def test_the_beginning_of_a_code_is_looked_for_too(code: str) -> None:
    assert mentions(f"works since {code.lower()}", code) and not mentions("works since 1.2", code)


def test_amounts_with_a_comma_are_no_codes_but_a_list_of_errors_is() -> None:
    assert codes("CREDIT HOLD: exposure 91,300 / limit 80,000") == ()
    assert codes("virheet 691,807") == ("691", "807")
