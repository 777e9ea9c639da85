"""A small picture of a share: a circle that is filled as far as the share goes, readable in black and white."""

import math

from markupsafe import Markup

_RADIUS, _SIZE = 7, 18  # pixels: a judgement
_FULL = 0.995  # from here on the circle is full: an arc from a point to itself would not be drawn


def share_mark(share: float) -> Markup:
    """The picture of a share of 0 to 1, as SVG. Screen readers skip it: the number stands beside it in words."""
    middle = _SIZE / 2
    inside = (
        f'<circle cx="{middle}" cy="{middle}" r="{_RADIUS}" fill="currentColor"/>'
        if share >= _FULL
        else f'<path d="{_slice(max(share, 0.0), middle)}" fill="currentColor"/>'
    )
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="share-mark" width="{_SIZE}" height="{_SIZE}" viewBox="0 0 {_SIZE} {_SIZE}" aria-hidden="true">'
        f'<circle cx="{middle}" cy="{middle}" r="{_RADIUS}" fill="none" stroke="currentColor"/>{inside}</svg>'
    )


def _slice(share: float, middle: float) -> str:
    """The part of the circle from the top clockwise, as a path."""
    angle = 2 * math.pi * share
    x, y = middle + _RADIUS * math.sin(angle), middle - _RADIUS * math.cos(angle)
    large = int(share > 0.5)
    return f"M{middle} {middle}V{middle - _RADIUS}A{_RADIUS} {_RADIUS} 0 {large} 1 {x:.2f} {y:.2f}Z"
