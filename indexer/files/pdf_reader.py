"""The process that reads one PDF: `python -m indexer.files.pdf_reader FILE CHARACTERS` writes its text page by page."""

import logging
import resource
import sys

_MEMORY = 1_000_000_000  # bytes of address space beyond what is used at the start: a judgement
_CPU_SECONDS = 30  # a judgement
_PAGES = 300  # a judgement: what is beyond is not searchable


def main(path: str, characters: int) -> None:
    """Write the text of the first pages to standard output, until it has this many characters. What was read before a
    limit was met has been written."""
    from pypdf import PdfReader

    logging.disable()  # pypdf reports each oddity of a file
    _limit()
    written = 0
    with open(path, "rb") as file:
        reader = PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            return
        for page in reader.pages[:_PAGES]:
            text = " ".join(page.extract_text().replace("\n", " \n").split(" ")).strip()
            if text:
                sys.stdout.buffer.write(f"{text[: characters - written]}\n\n".encode("utf-8", "replace"))
                sys.stdout.buffer.flush()
                written += len(text) + 2
            if written >= characters:
                return


def _limit() -> None:
    """Limit the processor time and memory of this process, and let it write no file."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
