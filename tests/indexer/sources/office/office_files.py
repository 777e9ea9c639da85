"""Writes small Word, PowerPoint and Excel files with invented content, part by part."""

import zipfile
from pathlib import Path

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMES = (
    f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)
_TYPES = "application/vnd.openxmlformats-officedocument"
STYLES = f"""<w:styles {_NAMES}>
<w:style w:type="paragraph" w:styleId="Otsikko1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr>
</w:style>
<w:style w:type="paragraph" w:styleId="Otsikko2"><w:name w:val="heading 2"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr>
</w:style>
<w:style w:type="paragraph" w:styleId="Oma"><w:name w:val="Meidän otsikko"/><w:basedOn w:val="Otsikko2"/></w:style>
<w:style w:type="paragraph" w:styleId="Luettelo"><w:name w:val="List Bullet"/>
<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>
</w:style></w:styles>"""
NUMBERING = f"""<w:numbering {_NAMES}>
<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
</w:numbering>"""
FOOTNOTES = f"""<w:footnotes {_NAMES}><w:footnote w:type="separator" w:id="-1">
<w:p><w:r><w:t>ei</w:t></w:r></w:p></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:t>Vain toimistolla.</w:t></w:r></w:p></w:footnote></w:footnotes>"""
LINKS = {"rId9": "https://intra.example/vpn"}


def run(text: str) -> str:
    """A run of text."""
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inside: str, style: str = "", properties: str = "") -> str:
    """A paragraph; what is inside may be text or runs."""
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    inside = inside if inside.startswith("<") else run(inside)
    return f"<w:p><w:pPr>{style}{properties}</w:pPr>{inside}</w:p>"


def item(text: str, number: int = 1, level: int = 0) -> str:
    """An item of a list."""
    return paragraph(text, properties=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def table(*rows: tuple[str, ...]) -> str:
    """A table."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def word(path: Path, *body: str, **parts: str) -> Path:
    """A Word file with these elements in its body; `parts` replace those of the same name, such as `styles`."""
    written = {"styles": STYLES, "numbering": NUMBERING, "footnotes": FOOTNOTES, **parts}
    links = "".join(
        f'<Relationship Id="{name}" Type="{_R}/hyperlink" Target="{target}" TargetMode="External"/>'
        for name, target in LINKS.items()
    )
    links += "".join(f'<Relationship Id="r{name}" Type="{_R}/{name}" Target="{name}.xml"/>' for name in written)
    types = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_TYPES}.wordprocessingml.{name}+xml"/>'
        for name in written
    )
    types += f'<Override PartName="/word/document.xml" ContentType="{_TYPES}.wordprocessingml.document.main+xml"/>'
    files = {
        "word/document.xml": f"<w:document {_NAMES}><w:body>{''.join(body)}</w:body></w:document>",
        **{f"word/{name}.xml": text for name, text in written.items()},
        "word/_rels/document.xml.rels": _relationships(links),
    }
    return _package(path, files, "word/document.xml", types)


def _relationships(links: str) -> str:
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>'
    )


def _package(path: Path, files: dict[str, str], main: str, types: str) -> Path:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    files["[Content_Types].xml"] = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/>{types}</Types>'
    )
    files["_rels/.rels"] = _relationships(f'<Relationship Id="rId1" Type="{_R}/officeDocument" Target="{main}"/>')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text if text.startswith("<?xml") else head + text)
    return path


def slides(path: Path) -> Path:
    """A PowerPoint file with a title, a list in two levels, a table, a group, a chart, notes and a hidden slide."""
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Kokoustila"
    first.placeholders[1].text = "Näyttö"
    lower = first.placeholders[1].text_frame.add_paragraph()
    lower.text, lower.level = "Kaapeli", 1
    first.notes_slide.notes_text_frame.text = "Avain aulasta."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Hinnat"
    cells = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for place, text in enumerate(("Maa", "Hinta", "Viro", "60|5")):
        cells.cell(place // 2, place % 2).text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(5), Inches(2), Inches(1)).text_frame.text = "Ryhmän teksti"
    data = CategoryChartData()
    data.categories = ["2025", "2026"]
    data.add_series("Tiketit", (17, 4.5))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, Inches(6), Inches(3), Inches(1), data)
    hidden = deck.slides.add_slide(deck.slide_layouts[5])
    hidden.shapes.title.text = "Piilossa"
    hidden.element.set("show", "0")
    deck.save(str(path))
    return path


def sheet(path: Path, *rows: tuple[object, ...], name: str = "Tiketit", **others: list[tuple[object, ...]]) -> Path:
    """An Excel file with these rows, and other sheets."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"default_date_format": "d.m.yyyy h.mm"})
    for title, content in {name: list(rows), **others}.items():
        page = book.add_worksheet(title)
        for number, cells in enumerate(content):
            page.write_row(number, 0, cells)
    book.close()
    return path


Line = tuple[float, float, str]
"""(how far from the bottom of the page, size of the letters, text), in points."""


def pdf(path: Path, *pages: list[Line]) -> Path:
    """A PDF file; `\\x01` in a text is the ligature of f and i."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    numbers = [4 + 2 * place for place in range(len(pages))]
    objects.append(f"<< /Type /Pages /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] /Count {len(pages)} >>")
    objects.append(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding /BaseEncoding "
        "/WinAnsiEncoding /Differences [1 /fi] >> >>"
    )
    for number, lines in zip(numbers, pages, strict=True):
        shown = "\n".join(f"BT /F1 {size} Tf 1 0 0 1 50 {place} Tm ({text}) Tj ET" for place, size, text in lines)
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {number + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(shown.encode('cp1252'))} >>\nstream\n{shown}\nendstream")
    content, places = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{written}\nendobj\n".encode("cp1252")
    start = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    content += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    content += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    path.write_bytes(content)
    return path
