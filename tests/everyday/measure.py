"""`make everyday`: asks the demo organisation the everyday questions and prints how well they are answered.

Prints the measures of both halves, those of each language with the questions in Swedish and about Swedish items
(`questions_sv.jsonl`, which the halves are without), whether an item stands among the first three far more often than
it is right, and with --all every question of the reporting half and of the Swedish file with what is said to it. --plot
FILE draws how often there is an answer for each probability that is given. The demo is loaded and indexed in a store of
its own under `KOLLEGA_HOME/research`; the organisation's own data is not touched.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from indexer.evaluation.everyday import EverydayQuestion, Reply, measure, read_questions
from indexer.evaluation.measures import calibration_error, reliability
from indexer.evaluation.report import draw_reliability
from indexer.research.fit_rerank import print_table
from indexer.research.organisations import ask, open_organisation
from indexer.sources.demo import DemoSource
from indexer.sources.demo.vectors import with_shipped_vectors
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

QUESTIONS = Path(__file__).parent / "questions.jsonl"
SWEDISH = Path(__file__).parent / "questions_sv.jsonl"
CHOOSE, REPORT = "choose", "report"
Pair = tuple[EverydayQuestion, Reply]
_FEW = 3  # places that an item takes too often when it is near to everything


def replies_of_demo(questions: list[EverydayQuestion], settings: Settings) -> list[Reply]:
    """What the recommender says to the questions."""
    encoder = with_shipped_vectors(load_encoder(settings))
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    home = settings.home / "research" / "demo"
    with open_organisation(DemoSource(date.today()), home, settings, encoder, analyzer) as organisation:
        return ask(organisation, questions)


def most_frequent(questions: Sequence[EverydayQuestion], replies: Sequence[Reply]) -> list[tuple[str, int, int]]:
    """(item, how often it is among the first three of the ranking, how often it is right there), by the first number as
    a multiple of the second, which counts as at least 1."""
    among, right = Counter[str](), Counter[str]()
    for question, reply in zip(questions, replies, strict=True):
        for key in reply.ranked[:_FEW]:
            among[key] += 1
            right[key] += key in question.grades
    rows = [(key, count, right[key]) for key, count in among.items()]
    return sorted(rows, key=lambda row: (-row[1] / max(1, row[2]), -row[1], row[0]))


def _print_languages(pairs: Sequence[Pair], swedish: Sequence[Pair]) -> None:
    """Print the measures of the questions in each language, and of the sets about Swedish."""
    groups = {
        "Finnish": [pair for pair in pairs if pair[0].language == "fi"],
        "English": [pair for pair in pairs if pair[0].language == "en"],
        "Swedish": [pair for pair in swedish if pair[0].language == "sv"],
        "to Swedish items": [pair for pair in swedish if pair[0].language != "sv"],
    }
    print("\nThe questions in each language; Swedish from its own file")
    print_table({name: measure(*zip(*group, strict=True)) for name, group in groups.items()})


def main(show_all: bool, picture: Path | None) -> None:
    """Ask, and print."""
    questions, swedish = read_questions(QUESTIONS), read_questions(SWEDISH)
    all_replies = replies_of_demo([*questions, *swedish], Settings.from_environment())
    replies, of_swedish = all_replies[: len(questions)], all_replies[len(questions) :]
    pairs = list(zip(questions, replies, strict=True))
    halves = {half: [pair for pair in pairs if pair[0].part == half] for half in (CHOOSE, REPORT)}
    print_table({half: measure(*zip(*of_half, strict=True)) for half, of_half in halves.items()})
    _print_languages(pairs, list(zip(swedish, of_swedish, strict=True)))
    reported = halves[REPORT]
    truth = [question.kind == "answer" for question, _reply in reported]
    bins = reliability([reply.exists for _question, reply in reported], truth)
    print(f"\nAn answer exists, reporting half: calibration error {calibration_error(bins):.3f}")
    for bin in bins:
        print(f"  said {bin.probability:.2f}, true {bin.share:.2f} ({bin.count} questions)")
    if picture:
        draw_reliability({"everyday questions": bins}, picture)
    print("\nItems among the first three most often, as a multiple of how often they are right:")
    for key, among, right in most_frequent(questions, replies)[:5]:
        print(f"  {key}: {among}, right {right}")
    for question, reply in [*halves[REPORT], *zip(swedish, of_swedish, strict=True)] if show_all else ():
        first = reply.shown[0] if reply.shown else "-"
        grade = "outdated" if first in question.outdated else question.grades.get(first, 0)
        print(f"\n{question.id} [{question.kind}] {' '.join(question.text.split())[:160]}")
        print(f"  says {reply.verdict} ({reply.exists:.2f}), first {first} grade {grade}, best {sorted(question.full)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.everyday.measure")
    parser.add_argument("--all", action="store_true", help="print every question of the reporting half")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a reliability diagram")
    arguments = parser.parse_args()
    main(arguments.all, arguments.plot)
