"""search/pasted_log.py: which part of a pasted log is searched for."""

import pytest

from recommender.search.pasted_log import asking_part

LOG = "\n".join(
    f"2026-11-03 08:{n:02d}:11,402 INFO  spooler.Worker thread={n} job={n * 7} state=queued" for n in range(60)
)
TRACE = "\n".join(f'  File "/opt/spool/worker{n}.py", line {n}, in run' for n in range(30))


def test_only_the_question_remains_of_a_pasted_log() -> None:
    assert len(LOG) > 4_000
    text = f"Hei, tulostin ei tulosta enää mitään.\n{LOG}\nMitä voin tehdä?"
    assert asking_part(text) == "Hei, tulostin ei tulosta enää mitään.\nMitä voin tehdä?"


def test_error_codes_of_the_log_are_kept_once() -> None:
    last = "2026-11-03 09:00:00 ERROR failed with 0x80070005, retry gave 0x80070005 and VPN 809"
    assert asking_part(f"{LOG}\n{last}\nwhat is this please?") == "what is this please?\n0x80070005\nVPN 809"


@pytest.mark.parametrize(
    "line",
    [
        "08:11:02 started",
        "Nov  3 08:11:02 host sshd: closed",
        "[2026-11-03T08:11] started",
        "ERROR cannot open the file for you",
        "at fi.example.Spooler.run(Spooler.java:17)",
        "user=aino host=srv17 closed by them",
        "<-- 200 /api/v1/jobs 0.3 17",
    ],
)
def test_log_lines_are_left_out(line: str) -> None:
    question = "How do I read this, and whom do I ask?"
    assert asking_part(f"{TRACE}\n{line}\n{question}") == question


def test_a_short_question_is_not_cut() -> None:
    text = "2026-11-03 08:00:00 ERROR 0x80070005\nwhat is it"
    assert asking_part(text) == text


def test_a_log_without_a_question_is_not_cut() -> None:
    assert asking_part(LOG) == LOG
    assert asking_part(f"{LOG}\nso what") == f"{LOG}\nso what"


def test_a_message_that_quotes_a_few_log_lines_is_not_cut() -> None:
    message = "\n".join(["Our team's printer is stuck and says what is below, again: what can we do about it now?"] * 6)
    text = f"{message}\n2026-11-03 08:00:00 ERROR 0x80070005\nx = 17 + 4"
    assert asking_part(text) == text


def test_a_long_message_is_not_cut() -> None:
    message = "\n".join(["Hello, our team's well-known printer (the old one) is stuck, again: what now?"] * 12)
    assert asking_part(message) == message
