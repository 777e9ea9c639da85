"""texts/unreadable.py: what is left out of a text, and that it takes no time."""

import time

import pytest

from indexer.texts.unreadable import LONGEST_RUN, readable


@pytest.mark.parametrize("size", [LONGEST_RUN - 1, LONGEST_RUN])
def test_a_run_is_left_out_from_a_certain_length(size: int) -> None:
    text, dropped = readable(f"before {'a' * size} after")
    assert dropped == (size - 1 if size == LONGEST_RUN else 0) and text.split()[-1] == "after"


@pytest.mark.parametrize(
    "text",
    [
        "data:image/png;base64," + "QUJD" * 500_000,
        "[" * 500_000,
        "![" * 200_000,
        "<img " * 200_000,
        "data:image/png;" * 100_000,
        ("A" * 61 + "\n") * 20_000 + "!",
        "a" * 199 + " ",
        ("a" * 199 + " ") * 10_000,
        "data:" * 300_000,
    ],
)
def test_megabytes_are_read_in_a_second(text: str) -> None:
    started = time.thread_time()
    readable(text)
    assert time.thread_time() - started < 5


def test_prose_about_data_is_text() -> None:
    for text in ("The data: 1,2,3", "big data:warehouse, lake", "see data: image/png, base64"):
        assert readable(text) == (text, 0)
