"""Whether a colour can be read: the contrast of WCAG 2.2, and the nearest colour that has enough of it.

The accent colour is that of links and of the background of buttons. On light screens it has to be told from the light
papers of the pages, on dark screens from the dark ones; no colour can do both, so there are two.
"""

import colorsys
from collections.abc import Sequence

ENOUGH = 4.5
"""The least contrast of text, by WCAG 2.2, success criterion 1.4.3, level AA."""
LIGHT_PAPERS, DARK_PAPERS = ("#f7f5f0", "#ffffff"), ("#141b1c", "#1c2526")
"""`--paper` and `--sheet` of web/static/css/tokens.css."""
_INKS = ("#ffffff", "#0d2422")
_STEPS = 200  # of lightness that are tried


def contrast(one: str, other: str) -> float:
    """The contrast of two colours like `#0f6b66`, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def passes(colour: str, papers: Sequence[str]) -> bool:
    """True when the colour can be read on all of these papers."""
    return all(contrast(colour, paper) >= ENOUGH for paper in papers)


def nearest(colour: str, papers: Sequence[str]) -> str:
    """The colour itself if it can be read on these papers, else the one of the same hue whose lightness is nearest."""
    if passes(colour, papers):
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    tried = sorted((step / _STEPS for step in range(_STEPS + 1)), key=lambda value: abs(value - lightness))
    made = (_written(*colorsys.hls_to_rgb(hue, value, saturation)) for value in tried)
    return next(each for each in made if passes(each, papers))


def ink_on(colour: str) -> str:
    """The colour of text on this colour: white, or nearly black."""
    return max(_INKS, key=lambda ink: contrast(ink, colour))


def _luminance(colour: str) -> float:
    """Relative luminance, by the definition of WCAG 2.2."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _written(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in (red, green, blue))
