"""indexing/encoding_ahead.py: what happens while the model computes, and what is left of it when a run ends."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import reindex as reindex_module
from indexer.indexing.encoding_ahead import Batch, EncodingAhead, one_ahead, when_done
from indexer.indexing.reindex import reindex
from recommender.datatypes import Passage, Role
from recommender.encoder import Vectors
from recommender.index.digest import passage_digest
from recommender.index.journal import Journal
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder
from tests.timing import LONG


def _passages(*texts: str) -> list[Passage]:
    return [Passage(f"request:{number}", Role.ANSWER, 0, "", text, "en") for number, text in enumerate(texts)]


def test_the_next_items_are_cut_while_the_first_are_encoded(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("Zebra crossing paint", answer="Ask facilities")
    reindex(settings, sessions, encoder, analyzer)
    monkeypatch.setattr(reindex_module, "_CHUNK", 1)
    add_request("Printer stuck", answer="Open the back")
    add_request("VPN fails", answer="Use port 443")
    count_tokens, encode_passages = encoder.count_tokens, encoder.encode_passages
    second_is_cut, in_time = threading.Event(), []

    def count(text: str) -> int:
        if "VPN" in text:
            second_is_cut.set()
        return count_tokens(text)

    def encode(texts: Sequence[str]) -> Vectors:
        if any("Printer" in text for text in texts):
            in_time.append(second_is_cut.wait(LONG))
        return encode_passages(texts)

    monkeypatch.setattr(encoder, "count_tokens", count)
    monkeypatch.setattr(encoder, "encode_passages", encode)
    assert reindex(settings, sessions, encoder, analyzer).items == 3
    assert in_time == [True]


def test_a_text_of_items_that_follow_each_other_is_encoded_once(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_request("Zebra crossing paint", answer="Ask facilities")
    reindex(settings, sessions, encoder, analyzer)
    encoder.encoded.clear()
    monkeypatch.setattr(reindex_module, "_CHUNK", 1)
    for _ in range(3):
        add_request("Printer stuck", answer="Open the back")
    report = reindex(settings, sessions, encoder, analyzer)
    assert encoder.encoded == ["Printer stuck", "Printer stuck\nOpen the back"]
    assert (report.items, report.passages, report.encoded) == (4, 8, 2)


def test_texts_with_as_many_tokens_are_encoded_together_however_long_they_are(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    batches, encode_passages = list[list[str]](), encoder.encode_passages

    def encode(texts: Sequence[str]) -> Vectors:
        batches.append(list(texts))
        return encode_passages(texts)

    encoder.encode_passages = encode  # type: ignore[method-assign]
    with EncodingAhead(encoder, Journal(tmp_path, encoder.card), 2) as ahead:
        for coming in ahead.begin(_passages("a b c d e", "incomprehensibilities", "unbelievable", "a b c d f")):
            when_done(coming)
    assert batches == [["unbelievable", "incomprehensibilities"], ["a b c d e", "a b c d f"]]


def test_when_a_run_ends_the_batch_at_hand_is_kept_and_no_other_is_begun(tmp_path: Path, encoder: FakeEncoder) -> None:
    passages = _passages("one", "three", "eleven", "seventeen")
    journal, encode_passages = Journal(tmp_path, encoder.card), encoder.encode_passages
    begun = threading.Event()
    coming: list[Future[Batch]] = []

    def encode(texts: Sequence[str]) -> Vectors:
        begun.set()
        latest = time.monotonic() + LONG
        while not coming[-1].cancelled() and time.monotonic() < latest:
            time.sleep(0.01)
        return encode_passages(texts)

    encoder.encode_passages = encode  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), EncodingAhead(encoder, journal, 2) as ahead:
        coming += [Future()]  # until `begin` has returned
        coming[:] = ahead.begin(passages)
        assert begun.wait(LONG)
        raise KeyboardInterrupt
    assert encoder.encoded == ["one", "three"]
    assert journal.find(map(passage_digest, passages)).keys() == {*map(passage_digest, passages[:2])}


def test_a_program_that_is_to_end_does_not_wait_for_a_batch_that_takes_too_long(
    tmp_path: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.indexing.encoding_ahead.LONGEST_WAIT", 0.01)
    begun, go_on = threading.Event(), threading.Event()
    encode_passages = encoder.encode_passages

    def encode(texts: Sequence[str]) -> Vectors:
        begun.set()
        go_on.wait(LONG)
        return encode_passages(texts)

    encoder.encode_passages = encode  # type: ignore[method-assign]
    with pytest.raises(SystemExit), EncodingAhead(encoder, Journal(tmp_path, encoder.card), 2) as ahead:
        (coming,) = ahead.begin(_passages("one"))
        assert begun.wait(LONG)
        raise SystemExit
    assert not coming.done()
    go_on.set()
    assert coming.result(LONG).encoded == 1


def test_an_error_of_the_model_is_raised_where_the_vectors_are_asked_for(tmp_path: Path, encoder: FakeEncoder) -> None:
    def encode(texts: Sequence[str]) -> Vectors:
        raise MemoryError(texts[0])

    encoder.encode_passages = encode  # type: ignore[method-assign]
    with EncodingAhead(encoder, Journal(tmp_path, encoder.card), 1) as ahead:
        coming = ahead.begin(_passages("one", "three"))
        with pytest.raises(MemoryError, match="one"):
            coming[0].result(LONG)
        with pytest.raises(MemoryError, match="three"):
            coming[1].result(LONG)


def test_each_element_comes_when_the_next_one_is_made() -> None:
    made: list[int] = []
    numbers = (made.append(number) or number for number in range(3))  # type: ignore[func-returns-value]
    assert [(number, tuple(made)) for number in one_ahead(numbers)] == [(0, (0, 1)), (1, (0, 1, 2)), (2, (0, 1, 2))]
    assert list(one_ahead(iter(()))) == []


class Noticed(Exception):
    """Raised by what a signal calls."""


def test_a_signal_that_came_to_another_thread_is_noticed_while_a_batch_is_waited_for() -> None:
    def notice(_signal: int, _frame: object) -> None:
        raise Noticed

    def send() -> None:
        time.sleep(0.3)  # the other one waits by then
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        ended.wait(LONG)
        coming.set_result(Batch({}, 0))

    coming: Future[Batch] = Future()
    ended = threading.Event()
    before = signal.signal(signal.SIGUSR1, notice)
    sender = threading.Thread(target=send)
    try:
        sender.start()
        start = time.monotonic()
        with pytest.raises(Noticed):
            when_done(coming)
        assert time.monotonic() - start < LONG
    finally:
        ended.set()
        sender.join()
        signal.signal(signal.SIGUSR1, before)
