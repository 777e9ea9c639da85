"""research/dictionary.py: entries read from FreeDict, and their translations in both directions."""

from indexer.research.dictionary import combine, read, with_swedish
from recommender.language.analyzer import Analyzer

FREEDICT = """\
kokous /kˈokous/ <n>
meeting, gathering
useiden ihmisten kokoontuminen
kokoushuone /kˈokousˌhuone/ <n>
meeting room
lasku /lˈasku/ <n>
1. descent
laskeminen
2. invoice, bill
maksettava
"""
ENGLISH = """\
invoice /ˈɪnvɔɪs/ <n>
lasku 2.
bill for goods
meeting //ˈmitɪŋ// //ˈmiːtɪŋ// <n>
1. kokous, palaveri
gathering for a purpose
annual leave /ˈanjuːəl lˈiːv/ <n>
vuosiloma
"""


def test_headwords_and_senses_are_read_and_explanations_are_not() -> None:
    assert dict(read(FREEDICT)) == {
        "kokous": [["meeting", "gathering"]],
        "kokoushuone": [["meeting room"]],
        "lasku": [["descent"], ["invoice", "bill"]],
    }
    assert dict(read(ENGLISH))["meeting"] == [["kokous", "palaveri"]]


def test_translations_in_both_directions_come_first_and_are_marked(analyzer: Analyzer) -> None:
    entries = combine({"fi": dict(read(FREEDICT)), "en": dict(read(ENGLISH))}, analyzer)
    assert entries["fi"] == {
        "kokous": "meet+ gathering",
        "kokoushuone": "meet room",
        "lasku": "invoice+ descent bill",
        "palaveri": "meet",
    }
    assert entries["en"]["annual leave"] == "vuosiloma"
    assert entries["en"]["invoice"] == "lasku+" and entries["en"]["bill"] == "lasku"


def test_swedish_gets_its_english_by_way_of_finnish() -> None:
    swedish = {"sv": {"faktura": "lasku+", "mote": "kokous"}, "fi": {"lasku": "faktura+ rakning"}}
    entries = with_swedish(swedish, {"fi": {"lasku": "invoice+ bill+ descent", "kokous": "meet+"}})
    assert entries["sv"] == {"faktura": "lasku+ invoice bill", "mote": "kokous"}  # only what both directions have
    assert entries["fi sv"] == {"lasku": "faktura+ rakning"}
    assert entries["en sv"] == {"invoice": "faktura", "bill": "faktura"}
