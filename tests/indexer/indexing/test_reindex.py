"""indexing/reindex.py: what is encoded, reused and removed, and what remains after a crash or a failing item."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing import reindex as reindex_module
from indexer.indexing.passages import make_passages
from indexer.indexing.reindex import reindex
from indexer.indexing.report import ReindexReport
from recommender.access import ANYONE
from recommender.database.tables import Document, DocumentAudience, HelpRequest, Reply, RequestAudience, utc_now
from recommender.datatypes import Item, Passage
from recommender.encoder import _UNRELATED, Vectors
from recommender.errors import IndexDamaged, IndexLocked, IndexMismatch
from recommender.index import generations
from recommender.index.catalogue import Catalogue
from recommender.index.generations import Manifest
from recommender.index.lexical import LexicalIndex
from recommender.index.vector_space import VectorSpace
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import MODELS, FakeEncoder, make_recommender
from tests.paths import ROOT

Run = Callable[..., ReindexReport]


@pytest.fixture
def run(settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer) -> Run:
    """Reindexes; `encoder.encoded` then has only the texts of this run."""

    def run(full: bool = False) -> ReindexReport:
        encoder.encoded.clear()
        return reindex(settings, sessions, encoder, analyzer, full)

    return run


@pytest.fixture
def ask(
    settings: Settings, sessions: sessionmaker[Session], encoder: FakeEncoder, analyzer: Analyzer
) -> Callable[[str], list[str]]:
    """Titles that the live generation shows for a question to somebody who is not signed in."""

    def ask(question: str) -> list[str]:
        recommender = make_recommender(settings, analyzer, encoder, None)
        recommender.refresh(wait=True)
        with sessions() as session:
            result = recommender.recommend(question, ANYONE, session)
        return [suggestion.item.title for suggestion in result.suggestions]

    return ask


def _indexed(settings: Settings) -> dict[str, list[str]]:
    """Texts of the passages in the live generation, by item."""
    catalogue = Catalogue.load(generations.live(settings.index_dir) / "catalogue.db")
    found: dict[str, list[str]] = {}
    for row in catalogue.rows():
        found.setdefault(row.passage.item, []).append(row.passage.text)
    catalogue.close()
    return found


def _encoded(encoder: FakeEncoder) -> list[str]:
    """The encoded texts of items, without the texts that each run encodes to measure the model."""
    return [text for text in encoder.encoded if text not in _UNRELATED]


def _counts(report: ReindexReport) -> tuple[int, int, int, int, int]:
    return report.items, report.passages, report.encoded, report.reused, report.removed


def test_the_first_run_encodes_everything_and_a_second_nothing(
    settings: Settings, run: Run, add_request: Callable[..., int], encoder: FakeEncoder
) -> None:
    add_request("Printer stuck", "Paper everywhere", "Open the back")
    add_request("VPN fails", "", "Use port 443")
    first = run()
    # each item also has an opening, and one opening has the same text as the question
    assert _counts(first) == (2, 5, 5, 0, 0)
    assert sorted(_encoded(encoder)) == [
        "Printer stuck\nOpen the back",
        "Printer stuck\nPaper everywhere",
        "VPN fails",
        "VPN fails\nUse port 443",
    ]
    second = run()
    assert _counts(second) == (2, 5, 0, 5, 0)
    assert _encoded(encoder) == []
    assert second.generation == first.generation == "gen-000001"
    assert second.line().startswith("items 2, passages 5, encoded 0, reused 5, removed 0, ")


def test_a_pasted_picture_never_reaches_the_index_and_the_item_is_told_once(
    settings: Settings, run: Run, add_request: Callable[..., int], encoder: FakeEncoder
) -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 27_000
    add_request("Printer stuck", f'<p>see</p><img src="{picture}"> paper everywhere', "Open the back")
    report = run()
    assert report.passages == 3
    assert not any("iVBORw0KGgo" in text for text in _encoded(encoder))
    (told,) = report.left_out
    assert told.startswith("request:1: 297,0") and "were left out" in told
    lexical = LexicalIndex.load(generations.live(settings.index_dir) / "lexical")
    assert lexical.rarity(["everywhere"], ANYONE.tokens)["everywhere"] > 0
    assert run().left_out == []  # nothing changed


def test_at_most_a_set_number_of_passages_of_an_item_is_indexed(
    settings: Settings,
    sessions: sessionmaker[Session],
    add_document: Callable[..., int],
    encoder: FakeEncoder,
    analyzer: Analyzer,
) -> None:
    add_document("Log", "\n\n".join(f"## Part {n}\nText {n}." for n in range(30)))
    report = reindex(replace(settings, max_passages=7), sessions, encoder, analyzer)
    assert report.passages == 8  # with the opening
    assert report.left_out == ["document:1: only 7 of 30 passages are indexed (KOLLEGA_MAX_PASSAGES)"]


def test_a_changed_answer_is_encoded_and_the_vector_of_its_question_reused(
    settings: Settings, sessions: sessionmaker[Session], run: Run, add_request: Callable[..., int], encoder: FakeEncoder
) -> None:
    changed = add_request("Printer stuck", "Paper everywhere", "Open the back")
    add_request("VPN fails", "From home", "Use port 443")
    run()
    with sessions.begin() as session:
        session.query(Reply).filter_by(request_id=changed).one().body = "Open the front"
    report = run()
    assert _encoded(encoder) == ["Printer stuck\nOpen the front"]
    assert _counts(report) == (2, 6, 1, 5, 0)
    assert report.generation == "gen-000002"
    assert _indexed(settings)[f"request:{changed}"] == ["Paper everywhere", "Open the front", "Paper everywhere"]


def test_a_changed_audience_takes_effect_and_encodes_nothing(
    sessions: sessionmaker[Session], run: Run, ask: Callable[[str], list[str]], add_request: Callable[..., int]
) -> None:
    secret = add_request("Printer stuck", "Paper everywhere", "Open the back")
    run()
    assert ask("Printer stuck Paper everywhere") == ["Printer stuck"]
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, secret)
        row.audience = [RequestAudience(token="team:hr")]
    report = run()
    assert _counts(report) == (1, 3, 0, 3, 0)
    assert ask("Printer stuck Paper everywhere") == []


@pytest.mark.parametrize("change", ["deleted", "hidden"])
def test_a_deleted_or_hidden_request_leaves_the_index_and_comes_back(
    settings: Settings, sessions: sessionmaker[Session], run: Run, add_request: Callable[..., int], change: str
) -> None:
    removed = add_request("Printer stuck", "", "Open the back")
    remaining = add_request("VPN fails", "", "Use port 443")
    run()
    with sessions.begin() as session:
        row = session.get_one(HelpRequest, removed)
        if change == "deleted":
            session.delete(row)
        else:
            row.hidden = True
    report = run()
    assert _counts(report) == (1, 2, 0, 2, 1)
    assert _indexed(settings) == {f"request:{remaining}": ["Use port 443", "VPN fails"]}
    if change == "deleted":
        return
    with sessions.begin() as session:
        session.get_one(HelpRequest, removed).hidden = False
    assert _counts(run()) == (2, 4, 2, 2, 0)
    assert _indexed(settings)[f"request:{removed}"] == ["Open the back", "Printer stuck"]


def test_a_request_that_is_open_again_is_no_longer_suggested(
    sessions: sessionmaker[Session], run: Run, add_request: Callable[..., int], ask: Callable[[str], list[str]]
) -> None:
    again = add_request("Printer stuck", "", "Open the back")
    run()
    assert ask("Printer stuck") == ["Printer stuck"]
    with sessions.begin() as session:
        session.get_one(HelpRequest, again).status = "open"
    run()
    assert ask("Printer stuck") == []


def test_documents_are_indexed_by_section_and_follow_their_changes(
    settings: Settings, sessions: sessionmaker[Session], run: Run, encoder: FakeEncoder
) -> None:
    with sessions.begin() as session:
        guide = Document(
            title="Guide",
            body="## Paper\nUpper tray.\n\n## Ink\nAsk IT.",
            language="en",
            written_at=utc_now(),
            audience=[DocumentAudience(token="everyone")],
        )
        session.add(guide)
        session.flush()
        key = f"document:{guide.id}"
    run()
    assert _indexed(settings) == {key: ["Upper tray.", "Ask IT.", "Upper tray."]}
    with sessions.begin() as session:
        session.query(Document).one().body = "## Paper\nUpper tray.\n\n## Ink\nAsk Aino."
    run()
    assert _encoded(encoder) == ["Guide › Ink\nAsk Aino."]
    assert _indexed(settings) == {key: ["Upper tray.", "Ask Aino.", "Upper tray."]}
    with sessions.begin() as session:
        session.query(Document).one().hidden = True
    assert run().removed == 1
    assert _indexed(settings) == {}


def test_full_builds_a_new_generation_beside_the_live_one(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    run: Run,
    add_request: Callable[..., int],
) -> None:
    add_request("Printer stuck", "Paper everywhere", "Open the back")
    run()
    encoder.encoded.clear()
    live: list[str | None] = []
    report = reindex(
        settings,
        sessions,
        encoder,
        analyzer,
        full=True,
        progress=lambda _done, _total: live.append(generations.live_name(settings.index_dir)),
    )
    assert len(live) >= 2 and set(live) == {"gen-000001"}
    assert _counts(report) == (1, 3, 3, 0, 0)
    assert sorted(_encoded(encoder)) == ["Printer stuck\nOpen the back", "Printer stuck\nPaper everywhere"]
    assert generations.live_name(settings.index_dir) == report.generation == "gen-000002"
    assert generations.finished(settings.index_dir) == ["gen-000001", "gen-000002"]


def test_another_model_needs_full(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    run: Run,
    add_request: Callable[..., int],
) -> None:
    add_request("Printer stuck")
    run()
    other = FakeEncoder("other")
    with pytest.raises(IndexMismatch, match=r"made by fake .* not by other .*Run: kollega reindex --full"):
        reindex(settings, sessions, other, analyzer)
    assert generations.live_name(settings.index_dir) == "gen-000001"
    report = reindex(settings, sessions, other, analyzer, full=True)
    assert _encoded(other) == ["Printer stuck", "Printer stuck\nIt works now."] and report.generation == "gen-000002"


def test_shorter_passages_cut_every_item_again(
    settings: Settings,
    sessions: sessionmaker[Session],
    encoder: FakeEncoder,
    analyzer: Analyzer,
    run: Run,
    add_request: Callable[..., int],
) -> None:
    key = f"request:{add_request('Stuck', '', 'one two three four. ' * 15)}"
    run()
    assert [len(text.split()) for text in _indexed(settings)[key]] == [60, 1]
    report = reindex(replace(settings, passage_tokens=41), sessions, encoder, analyzer)
    # 41 less one for the title and a reserve of eight leaves 32 words, cut at the end of a sentence
    assert [len(text.split()) for text in _indexed(settings)[key]] == [32, 28, 1]
    assert report.passages == 3


def test_a_second_writer_is_refused(settings: Settings, run: Run, add_request: Callable[..., int]) -> None:
    add_request("Printer stuck")
    with generations.write_lock(settings.index_dir), pytest.raises(IndexLocked, match=r"Another process is writing"):
        run()
    assert run().items == 1


def test_a_damaged_generation_is_not_copied(settings: Settings, run: Run, add_request: Callable[..., int]) -> None:
    add_request("Printer stuck")
    run()
    (generations.live(settings.index_dir) / "vectors.faiss").write_bytes(b"cut")
    with pytest.raises(IndexDamaged, match="kollega reindex --full"):
        run()
    assert _counts(run(full=True))[:2] == (1, 2)


def test_what_the_space_is_learned_from_is_not_encoded_again_for_openings_that_read_the_same(
    run: Run, add_request: Callable[..., int], encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex_module, "SAMPLE", 10)
    for number in range(10):
        add_request(f"printer jam {number}", "It is stuck again.")
    report = run(True)
    assert len(encoder.encoded) == len(set(encoder.encoded)) == 20  # the question, as its opening reads, and the answer
    assert report.passages == report.encoded == 30


def test_an_empty_database_makes_an_index_that_answers_nothing(
    settings: Settings, run: Run, ask: Callable[[str], list[str]]
) -> None:
    assert _counts(run()) == (0, 0, 0, 0, 0)
    assert generations.live_name(settings.index_dir) == "gen-000001"
    assert ask("Printer stuck") == []


def test_a_failing_item_is_listed_and_the_others_are_indexed(
    settings: Settings, run: Run, add_request: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = add_request("Poison", "", "Boom")
    good = add_request("VPN fails", "", "Use port 443")

    def poisoned(item: Item, count_tokens: Callable[[str], int], max_tokens: int, *_rest: object) -> list[Passage]:
        if item.title == "Poison":
            raise ValueError("this text cannot be cut")
        return make_passages(item, count_tokens, max_tokens)

    with monkeypatch.context() as patched:
        patched.setattr(reindex_module, "make_passages", poisoned)
        report = run()
    assert report.failed == [f"request:{bad}: this text cannot be cut"]
    assert _counts(report) == (1, 2, 2, 0, 0)
    assert _indexed(settings) == {f"request:{good}": ["Use port 443", "VPN fails"]}
    retried = run()
    assert retried.failed == [] and _counts(retried) == (2, 4, 2, 2, 0)


class _FailingEncoder(FakeEncoder):
    """Raises an error after a number of batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self._batches_left = batches

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if self._batches_left == 0:
            raise RuntimeError("out of memory")
        self._batches_left -= 1
        return super().encode_passages(texts)


def test_when_the_encoder_fails_only_its_current_batch_is_lost(
    settings: Settings,
    sessions: sessionmaker[Session],
    analyzer: Analyzer,
    run: Run,
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reindex_module, "_BATCH", 2)
    for number in range(5):
        add_request(f"Printer {number}", "", f"Answer {number}")
    with pytest.raises(RuntimeError, match="out of memory"):
        reindex(settings, sessions, _FailingEncoder(1), analyzer)
    assert generations.live_name(settings.index_dir) is None
    assert _counts(run()) == (5, 10, 8, 2, 0)
    openings, answers = [f"Printer {n}" for n in (2, 3, 4)], [f"Printer {n}\nAnswer {n}" for n in range(5)]
    assert _encoded(encoder) == openings + answers


_SLOW_RUN = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from tests.fake_encoder import FakeEncoder
    from indexer.indexing import reindex
    from recommender.database.engine import open_database
    from recommender.language.analyzer import Analyzer
    from recommender.settings import Settings

    class Slow(FakeEncoder):
        batches = 0
        def encode_passages(self, texts):
            self.batches += 1
            if self.batches == 3:
                print("two batches are durable", flush=True)
                time.sleep(300)
            return super().encode_passages(texts)

    reindex._CHUNK = reindex._BATCH = 2
    reindex.SAMPLE = int(sys.argv[5])
    settings = Settings(home=Path(sys.argv[2]), database=sys.argv[6])
    analyzer = Analyzer(Path(sys.argv[3]))
    reindex.reindex(settings, open_database(settings), Slow(), analyzer, full=sys.argv[4] == "full")
    """
)


@pytest.mark.parametrize(
    ("full", "sample", "rest"),
    [
        # changed items are encoded two at a time: two openings, then two answers are in the journal
        (False, 1024, 2 * ["Printer 2", "Printer 3", "Printer 4", "Printer 5", "Printer 6"]),
        # killed while the space is learned from all passages, fewest tokens first: four openings are in the journal
        (
            True,
            1024,
            [
                *(f"Printer {n}" for n in (4, 5, 6)),
                "Zebra crossing paint",
                *(f"Printer {n}" for n in range(7)),
                "Zebra crossing paint",
            ],
        ),
        # the space was learned from two items (the zebra and Printer 3), which took two batches
        (True, 4, 2 * [f"Printer {n}" for n in (0, 1, 2, 4, 5, 6)]),
    ],
)
def test_a_killed_run_leaves_the_old_index_in_use_and_the_next_run_encodes_only_the_rest(
    settings: Settings,
    run: Run,
    ask: Callable[[str], list[str]],
    add_request: Callable[..., int],
    encoder: FakeEncoder,
    full: bool,
    sample: int,
    rest: list[str],
) -> None:
    add_request("Zebra crossing paint", "", "Ask facilities")
    run()
    for number in range(7):
        add_request(f"Printer {number}", "", f"Answer {number}")
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _SLOW_RUN,
            str(ROOT),
            str(settings.home),
            str(MODELS / "dictionaries"),
            "full" if full else "",
            str(sample),
            settings.database,
        ],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"two batches are durable\n"
        finally:
            child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL

    assert generations.live_name(settings.index_dir) == "gen-000001"
    assert ask("Zebra crossing paint")[:1] == ["Zebra crossing paint"]
    unfinished = settings.index_dir / "gen-000002"
    assert unfinished.is_dir() == (not full or sample == 4)  # the space is learned before the generation is begun
    assert not (unfinished / "manifest.json").exists()

    report = run(full)
    assert [text.partition("\n")[0] for text in _encoded(encoder)] == rest
    assert (report.items, report.passages, report.encoded) == (8, 16, len(rest))
    assert report.generation == "gen-000002"
    assert list(settings.index_dir.glob("journal-*")) == []
    assert ask("Zebra crossing paint")[:1] == ["Zebra crossing paint"]


def test_hidden_items_change_neither_the_space_of_the_vectors_nor_how_near_unrelated_texts_are(
    settings: Settings, run: Run, add_request: Callable[..., int]
) -> None:
    for number in range(40):
        add_request(f"printer jam number{number} upstairs", answer=f"open the tray of floor{number} slowly")

    def learned(full: bool) -> tuple[float, bytes]:
        run(full)
        directory = generations.live(settings.index_dir)
        return Manifest.read(directory).background, VectorSpace.load(directory / "space.npz").passages["en"].tobytes()

    before = learned(True)
    for number in range(30):
        add_request(f"layoff list of team{number}", answer="printer secret layoff", audience=["team:hr"])
    assert learned(False) == before == learned(True)


def test_when_few_items_are_for_everyone_all_are_learned_from(
    settings: Settings, run: Run, add_request: Callable[..., int]
) -> None:
    add_request("printer jam")
    for number in range(40):
        add_request(f"salary slip of team{number}", audience=["team:hr"])
    run(True)
    assert VectorSpace.load(generations.live(settings.index_dir) / "space.npz").learned_from > 80
