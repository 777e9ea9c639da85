"""No question takes long, however it is made: each is searched while other people wait."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.access import ANYONE
from recommender.language.terms import tokens
from recommender.recommender import Recommender

LIMIT = 5.0  # seconds of the processor; measured 0.5
PIECES = (
    "![", "[", "*", "_", "`", "<", ">", "|", "(", "&", "- ", "\\", "a",
    "ä", "a ", "a-", "a.", "a_", "a'", "1", "1.", "1 ",
    "0x", "E-", "a:", "a/",
    "/", ":", "C:\\", "a@b.", "@", "#", "+", "C++ ", "\n", "\n\n", "hi\n", "> a\n", "a,",
    "Error: ", "at a.b(c.java:1)\n", "[12:00:01] x\n", "2026-01-01 ", "Dear ", "?", "a?\n", "Kind regards\n", "\u200b",
    "\u0301", "a\u0301", "\U0001f600", "\ufb03", "\u6f22", "a1", "1a", "x=", '"', "' ", "vpn 809 ", "0x80070005 ", "\t",
    "tulostin", "työpöytä ", "aAaA", "ÄÖ", "ss", "n\u00ad",
)  # fmt: skip


@pytest.mark.parametrize("length", [2_000, 20_000, 200_000])
def test_no_question_of_repeated_pieces_takes_long(
    open_recommender: Callable[[], Recommender],
    add_request: Callable[..., int],
    sessions: sessionmaker[Session],
    length: int,
) -> None:
    add_request("VPN does not connect, error 809", "a 1 tulostin", "Open port 443 [here](x).")
    recommender = open_recommender()
    with sessions() as session:
        recommender.recommend("VPN", ANYONE, session)  # loads the dictionaries
        for piece in PIECES:
            question = (piece * (length // len(piece) + 1))[:length]
            start = time.process_time()
            recommender.recommend(question, ANYONE, session)
            assert time.process_time() - start < LIMIT, (piece, length)


def test_of_a_word_that_is_no_word_only_the_beginning_counts() -> None:
    assert tokens("a" * 5_000) == ["a" * 100]
    assert tokens("lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppilas") == [
        "lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppilas"
    ]
