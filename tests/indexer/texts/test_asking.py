"""Which messages of a chat ask for something."""

import pytest

from indexer.texts.asking import asks


@pytest.mark.parametrize(
    "text",
    [
        "Miten vaihdan salasanan",
        "Osaako joku sanoa, missä lomake on",
        "VPN ei yhdistä kotoa",
        "Tulostin on taas jumissa",
        "Hur byter jag lösenord",
        "Skrivaren fungerar inte",
        "How do I reset my password",
        "Anyone know where the form is",
        "Teams does not open",
        "Onko tämä oikein?",
        "I get an error: `x`",
    ],
)
def test_questions_and_troubles_ask(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "Huomenta kaikille",
        "Kahvia on keittiössä",
        "Tack för igår",
        "Lunch at twelve",
        "Katso https://x.fi/a?b=c",
        "`a ? b`",
    ],
)
def test_other_messages_do_not(text: str) -> None:
    assert not asks(text)
