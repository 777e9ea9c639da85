"""line_diff.py: which lines were added and removed, what is skipped, and the limit."""

from recommender.knowledge.line_diff import MOST_LINES, Change, compare


def _said(old: str, new: str) -> list[tuple[str, tuple[str, ...] | int]]:
    return [(part.change.value, part.lines or part.count) for part in compare(old, new) or []]


def test_changed_lines_stand_among_the_lines_around_them() -> None:
    old = "\n".join("abcdefghij")
    assert _said(old, old.replace("e", "E\nF")) == [
        ("skipped", 2), ("same", ("c", "d")), ("removed", ("e",)), ("added", ("E", "F")), ("same", ("f", "g")),
        ("skipped", 3),
    ]  # fmt: skip


def test_two_changes_far_apart_have_what_is_skipped_between_them() -> None:
    lines = [str(number) for number in range(20)]
    changed = ["x", *lines[1:19], "y"]
    assert _said("\n".join(lines), "\n".join(changed)) == [
        ("removed", ("0",)), ("added", ("x",)), ("same", ("1", "2")), ("skipped", 14), ("same", ("17", "18")),
        ("removed", ("19",)), ("added", ("y",)),
    ]  # fmt: skip


def test_the_same_text_has_no_changes_and_a_very_long_one_is_not_compared() -> None:
    assert compare("a\nb", "a\nb\n") == []
    assert compare("a", "\n".join("b" * (MOST_LINES + 1))) is None
    assert [part.change for part in compare("", "a") or []] == [Change.ADDED]
