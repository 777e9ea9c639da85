"""Contrast of colours, and the nearest colour that can be read."""

import pytest

from recommender.organisation.colour import DARK_PAPERS, ENOUGH, LIGHT_PAPERS, contrast, ink_on, nearest, passes
from tests.paths import ROOT


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the usual example that just fails
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("papers", (LIGHT_PAPERS, DARK_PAPERS))
@pytest.mark.parametrize("colour", ("#ffcc00", "#0b5cad", "#ffffff", "#000000", "#808080", "#e30613"))
def test_the_nearest_colour_passes_and_one_that_passes_stays(colour: str, papers: tuple[str, ...]) -> None:
    found = nearest(colour, papers)
    assert passes(found, papers) and nearest(found, papers) == found
    assert (found == colour) == passes(colour, papers)
    assert contrast(found, ink_on(found)) >= ENOUGH


def test_the_papers_are_those_of_the_pages() -> None:
    tokens = (ROOT / "web" / "static" / "css" / "tokens.css").read_text("utf-8")
    for paper, sheet in (LIGHT_PAPERS, DARK_PAPERS):
        assert f"--paper: {paper};" in tokens and f"--sheet: {sheet};" in tokens
