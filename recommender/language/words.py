"""Word lists: the languages, and the words that the analyser and the search treat in a special way."""

LANGUAGES = ("fi", "en", "sv")
COMPOUNDING = ("fi", "sv")
"""Languages with compound words, for which the index has n-grams."""

SMALL_TALK = frozenset(
    (
        "moi", "moikka", "moro", "hei", "heippa", "hej", "terve", "huomenta", "päivää", "iltaa", "kiitos", "kiitti",
        "kiitoksia", "tack", "ole", "hyvä", "joo", "juu", "ok", "okei", "okay", "hello", "hi", "hey", "dear", "good",
        "morning", "afternoon", "evening", "thanks", "thank", "you", "please", "yes",
    )
)  # fmt: skip
"""Greetings, thanks and the like, as they are written; they are left out of a question."""

TRIAL_WORDS = frozenset(("test", "testi", "testing", "testaan"))
"""A question that has only these words is a test of the search, and is not searched for."""

QUESTION_WORDS = frozenset(
    (
        "mika", "mita", "mihin", "mista", "missa", "miten", "miksi", "milloin", "minne", "kuka", "keta", "kenen",
        "kuinka", "kauanko", "paljonko", "paljon", "montako", "onko", "voiko", "saako", "taytyyko", "pitaako", "what",
        "who", "whom", "whose", "which", "when", "where", "why", "how", "is", "be", "are", "do", "does", "can",
        "could", "may", "should", "will", "olla", "voida",
    )
)  # fmt: skip
"""Terms (lemmas without diacritics) that make a question but say nothing about its topic."""

FUNCTION_WORDS = QUESTION_WORDS | frozenset(
    (
        "the", "an", "of", "to", "in", "on", "at", "for", "from", "with", "by", "and", "or", "but", "not", "if", "as",
        "so", "my", "your", "our", "we", "they", "this", "that", "these", "there", "then", "than", "was", "were",
        "been", "have", "has", "had", "would", "any", "some", "about", "into", "ei", "en", "et", "emme", "eivat", "ja",
        "tai", "mutta", "kun", "kuin", "jos", "etta", "se", "sen", "sita", "siina", "tama", "taman", "tata", "tassa",
        "mina", "minun", "han", "joka", "jonka", "niin", "myos", "vain", "kanssa", "etten", "ettei",
    )
)  # fmt: skip
"""Question words and other terms with only a grammatical function. Most texts have them, so searching for them would
take most of the time."""
