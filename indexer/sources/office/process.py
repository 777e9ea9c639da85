"""The process that reads office files: `python -m indexer.sources.office.process` takes a line of JSON for each file
from standard input, and answers with lines of JSON, the last of which has `end` or `problem`."""

import json
import logging
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence
from recommender.sentences.stored import packed

_MEMORY = 1_500_000_000  # bytes of address space beyond what is used at the start: a judgement
_DEEPEST = 5_000  # of calls: documents are nested, and a deep one must not end the process

Answers = Iterator[dict[str, Any]]


def main() -> None:
    """Answer until standard input ends."""
    logging.disable()  # libraries report each oddity of a file
    _limit()
    sys.setrecursionlimit(_DEEPEST)
    for line in sys.stdin:
        question = json.loads(line)
        name = Path(question["path"]).name
        try:
            for answer in _reader(question["kind"])(Path(question["path"]), question):
                _write(answer)
            _write({"end": True})
        except SourceError as error:
            _write({"problem": packed(str(error))})
        except MemoryError:
            memory = Sentence(
                "%(name)s was not read: it needed too much memory. Split it, then import it again.", name=name
            )
            _write({"problem": packed(memory)})
            return  # what was allocated may stay
        except Exception as error:
            damaged = Sentence(
                "%(name)s is damaged, or not what its name says (%(reason)s). Open it and save it again.",
                name=name,
                reason=type(error).__name__,
            )
            _write({"problem": packed(damaged)})


def _reader(kind: str) -> Callable[[Path, dict[str, str]], Answers]:
    """What reads a kind of file; its library is loaded when it is needed."""
    if kind == "pdf":
        from indexer.sources.office import pdf

        return lambda path, _question: iter([pdf.markdown_of(path)])
    if kind == "word":
        from indexer.sources.office import word

        return lambda path, _question: iter([word.markdown_of(path)])
    if kind == "slides":
        from indexer.sources.office import slides

        return lambda path, _question: iter([slides.markdown_of(path)])
    from indexer.sources.office import sheets

    if kind == "rows":
        return lambda path, question: sheets.rows_of(path, question["sheet"])
    return lambda path, _question: iter([sheets.markdown_of(path)])


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _limit() -> None:
    """Limit the memory of this process, and let it write no file."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
