"""Has office files read by another process, whose end and memory are its own: a broken or malicious file brings
down nothing here.

The process goes on to the next file, because starting it takes longer than reading most of them. It is killed when a
file takes too long, and started again."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence
from recommender.sentences.stored import unpacked

KINDS = {".pdf": "pdf", ".docx": "word", ".docm": "word", ".pptx": "slides", ".pptm": "slides", ".xlsx": "sheets",
         ".xlsm": "sheets", ".xls": "sheets", ".ods": "sheets"}  # fmt: skip
"""What is read of a file, by the end of its name."""
_SECONDS = 120.0  # for one file, by the clock: a judgement
_PROCESS = "indexer.sources.office.process"


class OfficeReader:
    """Reads office files in a process of its own, which ends with this context."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "OfficeReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def text(self, path: Path) -> dict[str, str]:
        """`text` (Markdown), and `title` where the file has one. Raises SourceError."""
        found: dict[str, str] = {}
        for answer in self._ask({"path": str(path.absolute()), "kind": KINDS[path.suffix.lower()]}):
            found |= answer
        return found

    def rows(self, path: Path, sheet: str) -> Iterator[dict[str, Any]]:
        """First `sheets` and `sheet`, the names of the sheets and of the one that is read, then the `cells` of each row
        with its number, `row`. Raises SourceError."""
        yield from self._ask({"path": str(path.absolute()), "kind": "rows", "sheet": sheet})

    def _ask(self, question: dict[str, str]) -> Iterator[dict[str, Any]]:
        process = self._started()
        questions, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(self._seconds, stop)
        watch.start()
        finished = False
        try:
            questions.write(json.dumps(question) + "\n")
            questions.flush()
            for line in answers:
                answer = json.loads(line)
                if "problem" in answer:
                    finished = True
                    raise SourceError(unpacked(answer["problem"]))
                if answer.get("end"):
                    finished = True
                    return
                yield answer
            raise BrokenPipeError
        except (BrokenPipeError, json.JSONDecodeError) as error:
            name = Path(question["path"]).name
            slow = Sentence("it took more than %(seconds)s seconds", seconds=f"{self._seconds:g}")
            why = slow if late.is_set() else Sentence("it needed too much memory")
            raise SourceError(
                Sentence("%(name)s was not read: %(why)s. Split it, or save it in another format.", name=name, why=why)
            ) from error
        finally:
            watch.cancel()
            if not finished:  # the rest of the answer would be taken for that of the next file
                self._stop()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", _PROCESS],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
            )  # fmt: skip
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
