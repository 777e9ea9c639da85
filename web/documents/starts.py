"""The outlines that a new document can begin with, in each language of the pages."""

from enum import StrEnum


class Start(StrEnum):
    """The kinds of outlines."""

    HOW_TO = "how-to"
    RULE = "rule"
    KNOWN_ERROR = "known-error"


_HEADINGS = {
    (Start.HOW_TO, "en"): ("When you need this", "What you need", "Steps", "If it does not work"),
    (Start.HOW_TO, "fi"): ("Milloin tarvitset tätä", "Mitä tarvitset", "Vaiheet", "Jos se ei onnistu"),
    (Start.HOW_TO, "sv"): ("När du behöver det här", "Vad du behöver", "Steg för steg", "Om det inte lyckas"),
    (Start.RULE, "en"): ("The rule in short", "Who it applies to", "Details", "Exceptions and who decides on them"),
    (Start.RULE, "fi"): ("Sääntö lyhyesti", "Ketä se koskee", "Tarkemmin", "Poikkeukset ja kuka niistä päättää"),
    (Start.RULE, "sv"): ("Regeln i korthet", "Vem den gäller", "Närmare", "Undantag och vem som beslutar om dem"),
    (Start.KNOWN_ERROR, "en"): ("What you see", "Why it happens", "What to do now", "When it will be fixed"),
    (Start.KNOWN_ERROR, "fi"): ("Miltä virhe näyttää", "Mistä se johtuu", "Mitä teet nyt", "Milloin se korjataan"),
    (Start.KNOWN_ERROR, "sv"): ("Hur felet syns", "Vad det beror på", "Vad du gör nu", "När det rättas"),
}
_STEPS = {(Start.HOW_TO, 2), (Start.KNOWN_ERROR, 2)}  # headings, from 0, with numbered steps below them


def outline(start: str, language: str) -> str:
    """The text that a document of a kind begins with, in Markdown; empty for an unknown kind or language."""
    if start not in list(Start) or (headings := _HEADINGS.get((Start(start), language))) is None:
        return ""
    parts = [
        f"## {heading}\n\n" + ("1. \n2. \n3. \n" if (Start(start), place) in _STEPS else "\n")
        for place, heading in enumerate(headings)
    ]
    return "\n".join(parts).rstrip() + "\n"
