"""Tells whether a message of a chat asks for something, in Finnish, Swedish and English."""

import re

_NO_WORDS = re.compile(r"```.*?```|`[^`]*`|<[^<>]*>|https?://\S+|^>.*$", re.DOTALL | re.MULTILINE)
_ASKS = re.compile(
    r"\?|\b(?:"
    r"osaako(?:han)?|tietääkö|onko(?:han)?|voiko|voisiko|voisitko|saako|saisiko|miten|miksi|mistä|missä|milloin|"
    r"kuka|kuinka|"
    r"mikä (?:on|olisi)|apua|tarvits(?:en|isin|emme)|auttakaa|neuvoja|ei (?:toimi|aukea|avaudu|onnistu|löydy|"
    r"pääse|yhdistä|"
    r"käynnisty|tulosta|näy|lataudu)\w*|en (?:pääse|saa|löydä|osaa|onnistu)|kaatuu|jumissa|ongelma(?:na)?|"
    r"virhe(?:ilmoitus)?|"
    r"vet någon|kan (?:någon|man|jag|ni|du)|hur|varför|var hittar|vem|när|hjälp|behöver|fungerar inte|går inte|"
    r"får inte|"
    r"problem|felmeddelande|"
    r"how (?:do|does|can|to|would|should)|why|where|when|who|what(?:'s| is| are| do| does)|which|can (?:i|we|"
    r"you|someone|"
    r"anyone)|could (?:you|someone|anyone)|does (?:anyone|anybody|someone)|has anyone|is (?:there|anyone)|"
    r"anyone|anybody|"
    r"help|need|stuck|(?:does|is|do|are|did|can) ?n[o']t (?:work|open|start|connect|find|load|print|see)\w*|"
    r"(?:doesn|isn|don|can|won|didn)'t|cannot|fails?|failing|failed|error|broken|issue"
    r")\b",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """True for a text that asks a question or says that something does not work. Code, links and quotes do not
    count."""
    return bool(_ASKS.search(_NO_WORDS.sub(" ", text)))
