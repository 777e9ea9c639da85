"""How long all insights take, and how much memory: at first, and after a change of 100 items. Prints and writes
`results/insights.json`.

Items are those of `tests.benchmarks.speed`, of the team of the item of the demo that each was made from, and with
answers by 1,000 people. No text of theirs is encoded,
which would take longer than all that is measured: their vectors are drawn around those of 200 real passages, around the
same one for all items made from the same item of the demo, so that there is something to be found. The index of words
is real, and so is the encoding of the questions that are asked again, so that a search costs what it costs. Making,
computing and changing run in separate processes, so that the peak memory of each is measured; computing includes
loading the index and the model, as `kollega insights update` does, asking the past questions, and storing everything.
Seconds are of the processor and of the clock: on a busy machine only those of the processor tell something.
Usage: python -m tests.benchmarks.insights [SIZE]
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select, update

from indexer.indexing.insights import compute_insights
from indexer.indexing.passages import make_passages
from indexer.indexing.reindex import reindex
from recommender.corpus import items
from recommender.database.engine import open_database
from recommender.database.tables import RESOLVED, Document, HelpRequest, Person, Reply, RequestAudience, utc_now
from recommender.encoder.load import load_encoder, load_when_needed
from recommender.index.digest import read_text
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.speed import REAL_VECTORS, NoisyEncoder, _peak_mb, _settings, index_generated

SIZE, PEOPLE, CHANGED = 100_000, 1_000, 100
_NUMBER = re.compile(r" \d+.*", re.DOTALL)
"""What follows the title of an item of the demo in a generated text: a number, and the text itself."""


class SubjectEncoder(NoisyEncoder):
    """For passages, the vector of a real passage plus noise: the same passage for all items made from the same one."""

    def _chosen(self, texts: Sequence[str], _rng: np.random.Generator) -> NDArray[np.int64]:
        subjects = [_NUMBER.sub("", text.partition("\n")[0]) for text in texts]
        return np.array([zlib.crc32(subject.encode()) % len(self._real_vectors) for subject in subjects], np.int64)


def make(settings: Settings, size: int) -> dict[str, float]:
    """Generate and index the items, and give them teams, dates until now, and more people."""
    figures = index_generated(settings, size, SubjectEncoder)
    with open_database(settings).begin() as session:
        of_demo = (select(table.title, table.team_id) for table in (HelpRequest, Document))
        team_of = {title: team for query in of_demo for title, team in session.execute(query) if team is not None}
        last = session.scalar(select(func.max(Person.id))) or 0
        session.execute(
            insert(Person),
            [
                {"id": last + n, "handle": f"person{n}", "name": f"Henkilö {n}", "role": "agent", "languages": ["fi"]}
                for n in range(1, PEOPLE + 1)
            ],
        )
        generated = HelpRequest.source == "kollega", HelpRequest.team_id.is_(None)
        rows = session.execute(select(HelpRequest.id, HelpRequest.title).where(*generated)).all()
        now = utc_now()
        session.execute(
            update(HelpRequest),
            [
                {
                    "id": number,
                    "team_id": team_of.get(title.rpartition(" ")[0]),
                    "created_at": now - timedelta(hours=24 + place % 17_000),
                    "updated_at": now - timedelta(hours=24 + place % 17_000),
                }
                for place, (number, title) in enumerate(rows)
            ],
        )
        session.execute(
            update(Reply)
            .where(Reply.request_id.in_(select(HelpRequest.id).where(HelpRequest.team_id.is_not(None))))
            .values(author_id=last + 1 + Reply.request_id % PEOPLE)
        )
        for table in (HelpRequest, Document):  # what changed within the hour before questions are asked counts as new
            recent = table.updated_at > now - timedelta(hours=24)
            session.execute(update(table).where(recent).values(updated_at=now - timedelta(hours=24)))
    return figures


def compute(settings: Settings, _size: int) -> dict[str, Any]:
    """Everything that `kollega insights update` computes."""
    encoder, analyzer = load_when_needed(settings), Analyzer(settings.models_dir / "dictionaries")
    report = compute_insights(settings, open_database(settings), encoder, analyzer)
    if not report.topics.topics:
        raise RuntimeError(f"No topic has a name, so that nothing is measured: {report.lines()}")
    asked, reused = (report.figures.asked, report.figures.reused) if report.figures else (0, 0)
    return {"topics": report.topics.topics, "asked": asked, "reused": reused, "report": report.lines()}


def change(settings: Settings, _size: int) -> dict[str, Any]:
    """Send 50 requests that are answered, edit 40, hide 10, and index them."""
    sessions = open_database(settings)
    now = utc_now()
    with sessions.begin() as session:
        requests = session.scalars(
            select(HelpRequest).where(HelpRequest.status == RESOLVED).order_by(HelpRequest.id.desc()).limit(CHANGED)
        ).all()
        for place, request in enumerate(requests):
            if place < CHANGED // 2:
                session.add(
                    HelpRequest(
                        title=f"{request.title} uusi", body=request.body, language=request.language, status=RESOLVED,
                        created_at=now, resolved_at=now, team_id=request.team_id,
                        audience=[RequestAudience(token="everyone")],
                        replies=[Reply(author_id=each.author_id, body=each.body, created_at=now, accepted=True)
                                 for each in request.replies],
                    )
                )  # fmt: skip
            elif place < CHANGED * 9 // 10:
                request.body, request.updated_at = f"{request.body} Korjattu.", now
            else:
                request.hidden = True
    real = load_encoder(settings)
    with sessions() as session:
        some = list(islice(items(session), 100))
    texts = [read_text(passage) for item in some for passage in make_passages(item, real.count_tokens, 256)]
    encoder = SubjectEncoder(real, real.encode_passages(texts[:REAL_VECTORS]))
    report = reindex(settings, sessions, encoder, Analyzer(settings.models_dir / "dictionaries"))
    return {"indexed": report.line()}


PARTS: Mapping[str, Callable[[Settings, int], dict[str, Any]]] = {
    "make": make, "compute": compute, "change": change,
}  # fmt: skip


def run(part: str, settings: Settings, size: int) -> dict[str, Any]:
    """A part in a process of its own, with its seconds and peak memory."""
    command = [sys.executable, "-m", "tests.benchmarks.insights", part, str(size)]
    environment = {**os.environ, "KOLLEGA_HOME": str(settings.home)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measured(part: str, settings: Settings, size: int) -> dict[str, Any]:
    """What a part says, with its seconds and peak memory; run in this process."""
    wall, processor = time.perf_counter(), time.process_time()
    said = PARTS[part](settings, size)
    return said | {
        "seconds": round(time.perf_counter() - wall, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "peak_mb": round(_peak_mb()),
    }


def main(size: int) -> None:
    """Run all parts, print what they say, and write it."""
    home = Path(os.environ.get("KOLLEGA_HOME", "var"))
    figures: dict[str, Any] = provenance("python -m tests.benchmarks.insights") | {"items": size, "people": PEOPLE}
    with tempfile.TemporaryDirectory() as scratch:
        settings = _settings(home, Path(scratch))
        for part, name in (("make", "made"), ("compute", "first"), ("change", "changed"), ("compute", "afterwards")):
            figures[name] = run(part, settings, size)
            print(name, json.dumps(figures[name], ensure_ascii=False), file=sys.stderr)
    write("insights", figures)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] in PARTS:
        of = Settings(home=Path(os.environ["KOLLEGA_HOME"]))
        print(json.dumps(measured(arguments[0], of, int(arguments[1]))))
    else:
        main(int(arguments[0]) if arguments else SIZE)
