"""search/replies.py: replies that tell others nothing, and replies that lead to another request."""

import pytest

from recommender.search.replies import merged_into, says_nothing


@pytest.mark.parametrize(
    "reply",
    [
        "", "   ", "!", "x", "k. t", "Done.", "Fixed, thanks!", "It works now.", "ok kiitos toimii nyt", "Hoidettu.",
        "Korjattu!",
        "Kiitos avusta, selvisi.", "Asia kunnossa, suljetaan tiketti", "Tehty eilen.", "Klart!",
        "Tack, det fungerar nu", "Ärendet är löst", "merged into #14", "Duplicate of 27", "Yhdistetty pyyntöön #9",
        "Dubblett av 31", "Merged into another request", "Yhdistetty toiseen pyyntöön",
        "Sammanslagen med ett annat ärende",
    ],
)  # fmt: skip
def test_a_reply_that_tells_others_nothing(reply: str) -> None:
    assert says_nothing(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Open the tray and pull the paper out.", "Avaa kansi ja vedä paperi ulos.", "Öppna luckan och dra ut pappret.",
        "Z:", "It is in Z:", "R",
        "Restart the router, then it works.", "Käynnistä reititin uudelleen, sen jälkeen toimii.",
        "Starta om routern, då fungerar det.", "Use port 8443.", "Korjattu versiossa 2.3",
        "Done: the form is on the intranet under Travel, fill it in before you leave and send it to your manager",
    ],
)  # fmt: skip
def test_a_reply_that_tells_something(reply: str) -> None:
    assert not says_nothing(reply)


@pytest.mark.parametrize(
    ("reply", "target"),
    [
        ("merged into #14", "14"),
        ("Merged to request 14.", "14"),
        ("Duplicate of IT-208", "IT-208"),
        ("duplicate of ticket #7, closing", "7"),
        ("Yhdistetty pyyntöön #9.", "9"),
        ("Katso tiketti 12", "12"),
        ("Sammanslagen med ärende 31", "31"),
        ("Open the tray", ""),
        ("Merged into another request", ""),
        ("", ""),
        ("The two lists were merged into 14 groups, and from now on each of them has an owner who answers for it", ""),
    ],
)
def test_the_request_that_a_reply_says_it_was_merged_into(reply: str, target: str) -> None:
    assert merged_into(reply) == target
