"""The language of a text is that of what its writer wrote, not of the error message in it."""

import pytest

from indexer.texts.prose import detected
from recommender.language.analyzer import Analyzer
from tests.conftest import MODELS

TEXTS = [
    (
        "fi",
        "Tulostin ei tulosta\nHei, tulostin herjaa näin:\nThe printer is out of paper. Load paper and press OK.",
    ),
    (
        "fi",
        "VPN\nYhteys katkeaa heti.\nError: The remote connection was denied because the user name "
        "and password combination you provided is not recognized",
    ),
    (
        "fi",
        'Windows update virhe\nPäivitys ei asennu, tulee virhe "Some update files are missing or '
        "have problems. We'll try to download the update again later\".",
    ),
    (
        "fi",
        "Kirjautuminen\nOhjelma sanoo: `You do not have permission to access this resource. "
        "Contact your administrator`. Mistä saan oikeudet?",
    ),
    (
        "fi",
        "Raportti kaatuu\nSaan tällaisen:\n```\nTraceback (most recent call last):\n  File "
        "\"report.py\", line 10\nValueError: could not convert string to float: 'abc'\n"
        "```\nMitä teen?",
    ),
    (
        "fi",
        "Outlook\nEi lähetä\n2026-03-02 08:10:00 ERROR Cannot connect to server, the operation "
        "timed out waiting for a response from the mail server",
    ),
    (
        "fi",
        "Levy täynnä\nPalvelin ilmoittaa yöllä:\nWARNING: filesystem /var is 97 percent full, please remove old files",
    ),
    (
        "fi",
        'Teams ei aukea\nException in thread "main" java.lang.NullPointerException: value must not '
        "be null\n\tat com.example.Main.run(Main.java:10)\n\tat com.example.Main.main(Main.java:5)",
    ),
    (
        "sv",
        "Skrivaren\nSkrivaren fungerar inte, den säger:\nThe document failed to print. Check that "
        "the printer is connected and turned on.",
    ),
    (
        "sv",
        'Kan inte logga in\nJag får felet "Your account has been locked. Contact your support '
        'person to unlock it, then try again."',
    ),
    (
        "sv",
        "Rapporten\nHej, det står:\nERROR the query has been cancelled because the estimated cost "
        "of this query exceeds the configured threshold",
    ),
    (
        "en",
        "The printer fails\nIt shows this text on its screen:\nPaperi on loppu. Lisää paperia ja paina OK.",
    ),
    (
        "en",
        'Cannot sign in\nThe page says "Käyttäjätunnus tai salasana on väärä. Yritä hetken '
        'kuluttua uudelleen." What should I do?',
    ),
    (
        "en",
        "Report crashes\nWe see this since Monday:\n```\nTraceback (most recent call last):\nKeyError: 'x'\n```",
    ),
    ("en", "Error: The remote connection was denied"),
    ("fi", "Virhe: yhteyttä ei voitu muodostaa palvelimeen"),
    (
        "fi",
        "Tulostin\n> What should I do when the printer does not work and shows an error?\n\n"
        "Käynnistä tulostin uudelleen.",
    ),
    ("en", "select * from users where name = 'x'; returns nothing although the row is there"),
]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(MODELS)


@pytest.mark.parametrize(("language", "text"), TEXTS)
def test_a_pasted_line_does_not_decide_the_language(analyzer: Analyzer, language: str, text: str) -> None:
    title, _newline, body = text.partition("\n")
    assert detected([(title, body)], analyzer.detect_all) == [language]
