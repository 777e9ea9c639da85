"""Reads a large file in a process of its own, beside the one that writes its records: two processors share the work.

That process also masks personal data and finds languages. The records come through a pipe that holds about a thousand
of them, so that it does not get far ahead. `python -m indexer.loading.apart` is the process that reads; it ends when
nobody takes its records any more.
"""

import fcntl
import gc
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from indexer.loading.clean import cleaned
from indexer.sources.kinds import KINDS
from indexer.sources.protocol import Mark, Options, Source
from indexer.sources.records import Located
from indexer.texts.masking import MaskingRules
from recommender.database.tables import utc_now
from recommender.errors import SourceError
from recommender.language.detector import LanguageDetector
from recommender.sentences.sentence import Sentence

LARGE = 4_000_000
"""Bytes of a file, or of the files of a folder: starting a process takes about as long as reading so many. A
judgement."""
_KINDS = frozenset({"csv", "jsonl", "stackexchange"})  # read from row to row, and by no other process already
_TOGETHER = 400  # records whose languages are found together: a judgement
_SENT = 50  # records that are sent together: a judgement
_PIPE = 1 << 20  # bytes that wait in the pipe
_OF_THIS_PROCESS = ("/dev/stdin", "/dev/fd/", "/proc/")  # what another process finds there is something else
_MODULE = "indexer.loading.apart"


@dataclass(frozen=True)
class _Question:
    kind: str
    name: str
    options: Options
    since: str | None
    mask: MaskingRules
    now: datetime
    collections: tuple[int, int, int]


def apart_if_large(source: Source, kind: str, name: str, options: Options, mask: MaskingRules) -> Source:
    """The source; one that another process reads, when it is a large file of a kind that takes long to read."""
    return SourceApart(source, kind, name, options, mask) if kind in _KINDS and _is_large(options.place) else source


class SourceApart:
    """A source that another process opens and reads. What it yields is cleaned."""

    def __init__(self, source: Source, kind: str, name: str, options: Options, mask: MaskingRules) -> None:
        self.name, self.abilities = source.name, source.abilities
        self._kind, self._called, self._options, self._mask = kind, name, options, mask

    def read(self, since: str | None = None) -> Iterator[Located | Mark]:
        """What the source yields. Raises what it raises, and SourceError when the process was ended."""
        command = [sys.executable, "-P", "-m", _MODULE]  # -P: nothing is imported from the current folder
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        questions, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        with suppress(OSError):  # a system may allow less, and then one process waits for the other more often
            fcntl.fcntl(answers.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        try:
            with suppress(BrokenPipeError), questions:
                pickle.dump(self._question(since), questions)
            while (answer := self._next(answers)) is not None:
                if isinstance(answer, Exception):
                    raise answer
                yield from answer
        finally:
            process.kill()
            process.wait()
            answers.close()

    def _question(self, since: str | None) -> _Question:
        kind, name, options = self._kind, self._called, self._options
        return _Question(kind, name, options, since, self._mask, utc_now(), gc.get_threshold())

    def _next(self, answers: IO[bytes]) -> Any:
        try:
            return pickle.load(answers)  # noqa: S301 - written by our own process
        except (EOFError, pickle.UnpicklingError) as error:
            raise SourceError(
                Sentence(
                    "%(place)s was not read to its end: the process that reads it was ended, perhaps because "
                    "memory was short. What was read before was loaded. Import it again.",
                    place=self._options.place,
                )
            ) from error


def _is_large(place: str) -> bool:
    path = Path(place)
    if str(path.absolute()).startswith(_OF_THIS_PROCESS):
        return False
    with suppress(OSError):
        files = path.iterdir() if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file()) >= LARGE
    return False


def main() -> None:
    """Read the source that standard input names, and write what it yields to standard output, in lists; then None, or
    the error with which it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever has started this process ends it
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may get among the records
    question: _Question = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own process
    gc.set_threshold(*question.collections)
    with suppress(BrokenPipeError), answers:
        for answer in _answers(question):
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _answers(question: _Question) -> Iterator[Sequence[Located | Mark] | Exception | None]:
    detector = LanguageDetector()
    end: Exception | None = None
    together: list[Located] = []

    def clean() -> Iterator[Sequence[Located]]:
        found = cleaned(together, question.now, question.mask, detector.detect_all)
        together.clear()
        return (found[place : place + _SENT] for place in range(0, len(found), _SENT))

    try:
        for located in KINDS[question.kind].open(question.name, question.options).read(question.since):
            if isinstance(located, Mark):
                yield from clean()
                yield [located]
                continue
            together.append(located)
            if len(together) >= _TOGETHER:
                yield from clean()
    except SourceError as error:
        end = error
    except Exception as error:
        error.add_note(traceback.format_exc())
        end = error
    yield from clean()
    yield end


if __name__ == "__main__":
    main()
