"""insights/drawing.py: pictures say everything in words too, scale right, and let nothing in that could run."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.insights.drawing import WIDTH, Picture, Row, Shown, bars, lines

NASTY = '"><script>alert(1)</script>&amp;'


def _read(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(f'<html xmlns="x">{picture.svg}</html>')[0]  # noqa: S314 - it was made just now


def _all(picture: Picture, name: str) -> list[ElementTree.Element]:
    return [element for element in _read(picture).iter() if element.tag.endswith(f"}}{name}")]


def _shown(*numbers: float | None) -> list[Shown]:
    return [Shown(number, "few" if number is None else f"{number:g}") for number in numbers]


def test_the_bars_of_a_picture_have_one_scale_and_each_its_number() -> None:
    picture = bars(
        "a", "Sent", "Requests", "Team", ["Sent", "Solved"], [Row("IT", _shown(10, 5)), Row("HR", _shown(None, 20))]
    )
    drawn = [box for box in _all(picture, "rect") if box.get("class") == "edge"][2:]  # after the legend
    widths = [float(box.attrib["width"]) for box in drawn]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01) and widths[2] == pytest.approx(4 * widths[1], rel=0.01)
    assert [box.get("fill") for box in drawn] == ["url(#a-0)", "url(#a-1)", "url(#a-1)"]
    texts = [text.text for text in _all(picture, "text")]
    assert texts == ["Sent", "Solved", "IT", "10", "5", "HR", "few", "20"]
    assert picture.columns == ("Team", "Sent", "Solved") and picture.rows == (("IT", "10", "5"), ("HR", "few", "20"))


def test_a_line_has_a_gap_where_a_number_is_missing() -> None:
    rows = [Row(str(place), _shown(number)) for place, number in enumerate((0, 5, None, 10, 20))]
    picture = lines("a", "Sent", "by week", "Week", ["Sent"], rows)
    marks = [(float(mark.attrib["cx"]), float(mark.attrib["cy"])) for mark in _all(picture, "circle")][1:]
    assert len(marks) == 4 and len([line for line in _all(picture, "line") if line.get("class") == "stroke"]) == 2
    heights = [y for _x, y in marks]
    assert heights[0] - heights[3] == pytest.approx(2 * (heights[0] - heights[2]))  # 20 is twice as high as 10
    assert [text.text for text in _all(picture, "text")][:3] == ["0", "10", "20"]


@pytest.mark.parametrize("draw", [bars, lines])
def test_a_picture_has_a_title_and_a_description_and_nothing_that_runs(draw: type[Picture]) -> None:
    picture = draw("a", NASTY, NASTY, NASTY, [NASTY], [Row(NASTY, [Shown(1, NASTY)])])  # type: ignore[call-arg, arg-type]
    svg = _read(picture)
    assert (svg.get("role"), svg.get("aria-labelledby")) == ("img", "a-title a-desc")
    assert [(part.get("id"), part.text) for part in svg][:2] == [("a-title", NASTY), ("a-desc", NASTY)]
    assert "<script" not in picture.svg and "style=" not in picture.svg and not re.search(r"\son\w+=", picture.svg)


NUMBERS = st.none() | st.floats(-1e9, 1e9) | st.integers(0, 20)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30), st.text(max_size=80))
def test_nothing_breaks_and_nothing_is_drawn_beside_the_picture(
    numbers: list[tuple[float | None, ...]], label: str
) -> None:
    label = "".join(char for char in label if char.isprintable())
    rows = [Row(label, _shown(*each)) for each in numbers]
    for picture in (
        lines("a", "t", "d", "h", ["x", "y"], rows),
        bars(
            "a",
            "t",
            "d",
            "h",
            ["x", "y"],
            [Row(label, _shown(*(abs(each) if each is not None else None for each in row))) for row in numbers],
        ),
    ):
        height = float(_read(picture).attrib["viewBox"].split()[3])
        for box in _all(picture, "rect"):
            if "x" in box.attrib:
                assert float(box.attrib["x"]) >= -4 and float(box.attrib["x"]) + float(box.attrib["width"]) <= WIDTH + 6
                assert -4 <= float(box.attrib["y"]) <= height
        for mark in _all(picture, "circle"):
            assert 0 <= float(mark.attrib["cx"]) <= WIDTH and 0 <= float(mark.attrib["cy"]) <= height
