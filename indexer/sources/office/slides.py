"""PowerPoint files as Markdown: each slide with its title as a heading, its texts, tables, charts and notes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER

from indexer.sources.office.package import check_package
from indexer.sources.office.tables import markdown_table

_FURNITURE = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.HEADER}


def markdown_of(path: Path) -> dict[str, str]:
    """The text of a PowerPoint file. Dates, footers and numbers of slides are left out. Raises SourceError."""
    check_package(path)
    slides = [text for slide in Presentation(str(path)).slides if (text := _slide(slide))]
    return {"text": "\n\n".join(slides).replace("\v", "\n")}


def _slide(slide: Any) -> str:
    if slide.element.get("show") == "0":  # hidden
        return ""
    title = slide.shapes.title
    words = " ".join(title.text_frame.text.split()) if title is not None and title.has_text_frame else ""
    parts = [f"## {words}"] if words else []
    shapes = [shape for shape in _shapes(slide.shapes) if title is None or shape.shape_id != title.shape_id]
    shapes.sort(key=lambda shape: (shape.top or 0, shape.left or 0))
    for shape in shapes:
        if shape.has_text_frame:
            parts.append(_paragraphs(shape))
        elif getattr(shape, "has_table", False) and shape.has_table:
            rows = [[" ".join(cell.text.split()) for cell in row.cells] for row in shape.table.rows]
            parts.append(markdown_table(rows))
        elif getattr(shape, "has_chart", False) and shape.has_chart:
            parts.append(_chart(shape.chart))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        parts.append(slide.notes_slide.notes_text_frame.text.strip())
    return "\n\n".join(part for part in parts if part)


def _chart(chart: Any) -> str:
    """The numbers of a chart as a table."""
    plot = chart.plots[0]
    names = [series.name or "" for series in plot.series]
    values = [list(series.values) for series in plot.series]
    rows = [
        [str(category), *("" if place >= len(line) or line[place] is None else f"{line[place]:g}" for line in values)]
        for place, category in enumerate(plot.categories)
    ]
    return markdown_table([["", *names], *rows])


def _shapes(shapes: Any) -> Iterator[Any]:
    """The shapes, those in groups too, without what every slide has."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        elif not (shape.is_placeholder and shape.placeholder_format.type in _FURNITURE):
            yield shape


def _paragraphs(shape: Any) -> str:
    """The paragraphs of a shape; several of them are a list, as they are on slides."""
    found = [(paragraph.level, " ".join(paragraph.text.split())) for paragraph in shape.text_frame.paragraphs]
    found = [(level, text) for level, text in found if text]
    if len(found) == 1:
        return found[0][1]
    return "\n".join(f"{'  ' * level}- {text}" for level, text in found)
