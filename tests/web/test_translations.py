"""translations/: every text of the pages is in each of their languages, and the compiled files are up to date."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from tests.paths import ROOT

WEB = ROOT / "web"
LANGUAGES = ("fi", "sv")
"""The languages that pages are translated into; no text may be missing."""


Text = tuple[str | None, str]
"""A text of the pages: what keeps it apart from the same words elsewhere (None for most), and the words."""

KEYWORDS = {
    "N_": None, "Sentence": None, "_setting": (2,),
    "_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


def _extracted() -> set[Text]:
    with (WEB / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    return {
        (context, message if isinstance(message, str) else message[0])
        for folder in (WEB, ROOT / "recommender", ROOT / "indexer")
        for _file, _line, message, _comments, context in extract_from_dir(folder, methods, options, keywords=KEYWORDS)
    }


@pytest.fixture(params=LANGUAGES)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """The texts in one language, as translators write them."""
    return _read(str(request.param))


def _read(language: str) -> Catalog:
    with (_folder(language) / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _folder(language: str) -> Path:
    return WEB / "translations" / language / "LC_MESSAGES"


def _forms(message: object) -> list[str]:
    return [message] if isinstance(message, str) else list(message)  # type: ignore[call-overload]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    catalog, wanted = _read(language), _extracted()
    examples = {(None, "empty rows were skipped"), (None, "longest passage in model tokens")}
    examples |= {(None, "This solved it"), (None, "a day ago"), ("button", "Search"), ("search", "%(num)d guide")}
    assert examples <= wanted  # so the extraction works
    found = {text: catalog.get(text[1], text[0]) for text in wanted}
    assert {text for text, message in found.items() if message is None or not all(_forms(message.string))} == set()


def test_every_translation_is_used_on_a_page(catalog: Catalog) -> None:
    assert {(message.context, _forms(message.id)[0]) for message in catalog if message.id} - _extracted() == set()


def test_translations_keep_their_placeholders_and_none_is_fuzzy(catalog: Catalog) -> None:
    for message in catalog:
        if message.id:
            assert not message.fuzzy, message.id
            translated = all(_forms(message.string))
            for english, form in zip(_forms(message.id), _forms(message.string), strict=True) if translated else ():
                placeholders = [set(re.findall(r"%\(\w+\)[sd]", each)) for each in (english, form)]
                assert placeholders[0] == placeholders[1], message.id


def test_the_compiled_file_is_what_the_source_compiles_to(catalog: Catalog) -> None:
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    with (_folder(str(catalog.locale)) / "messages.mo").open("rb") as file:
        committed = read_mo(file)
    assert _pairs(committed) == _pairs(read_mo(compiled)) != {}


def _pairs(catalog: Catalog) -> dict[Text, list[str]]:
    return {(message.context, _forms(message.id)[0]): _forms(message.string) for message in catalog if message.id}
