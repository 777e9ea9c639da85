"""Word lists: the languages, and the words that the analyser and the search treat in a special way."""

from pathlib import Path

LISTS = Path(__file__).parent / "lists"
"""The folder with the longer lists, as text files. A `#` starts a comment."""


def _read(name: str) -> frozenset[str]:
    """The words of a list, separated by spaces."""
    lines = (LISTS / name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines for word in line.partition("#")[0].split())


LANGUAGES = ("fi", "en", "sv")
COMPOUNDING = ("fi", "sv")
"""Languages with compound words, for which the index has n-grams."""

SMALL_TALK = frozenset(
    (
        "moi", "moikka", "moro", "hei", "heippa", "hej", "terve", "huomenta", "päivää", "iltaa", "kiitos", "kiitti",
        "kiitoksia", "tack", "ole", "hyvä", "joo", "juu", "ok", "okei", "okay", "hello", "hi", "hey", "dear", "good",
        "morning", "afternoon", "evening", "thanks", "thank", "you", "please", "yes", "hejsan", "hallå", "tjena",
        "tackar", "snälla",
    )
)  # fmt: skip
"""Greetings, thanks and the like, as they are written; they are left out of a question."""

TRIAL_WORDS = frozenset(("test", "testi", "testing", "testaan", "testar"))
"""A question that has only these words is a test of the search, and is not searched for."""

TELLS_TO_DO = _read("steps.txt")
"""Words, as they are written, with which an answer tells the reader what to do."""

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
        "mina", "minun", "han", "joka", "jonka", "niin", "myos", "vain", "kanssa", "etten", "ettei", "ma", "sa", "mun",
        "sun", "mulla", "sulla", "mulle", "sulle", "mut", "sut", "mua", "sua", "susta", "sina", "me", "te",
        "he", "ne", "tan", "taa", "ton", "toi", "noi", "nii", "ku", "ko", "jotta", "oon", "oot", "ollaan", "ollaa",
        "ois", "olis", "oisko", "onks", "voiks", "saaks", "pitaaks", "voisko", "voisiko", "voinko", "saisko", "pitas",
        "pitaa", "taytyy", "mitas", "mitaa", "mitenka", "mites", "mist", "kuis", "eiks", "eiko", "enka", "vai", "och",
        "att", "det", "den", "ett", "som", "inte", "jag", "du", "vi", "ni", "de", "mig", "min", "mitt", "mina", "ar",
        "pa", "fran", "med", "om", "har", "kan", "ska", "hur", "vad", "nar", "varfor", "vem",
        "i", "a",
        "ditt", "dina", "vilken", "vilket", "vilka", "varifran", "oss", "sitt", "blir", "bli", "kunde", "skulle",
        "eller", "nej", "nat", "nara", "nanstans", "dar", "dessa", "detta", "denna", "honom", "hennes", "deras",
    )
)  # fmt: skip
"""Question words and other terms with only a grammatical function, also as they are spoken. Most texts have them, so
searching for them would take most of the time."""

FUNCTION_WORDS_OF = {
    "sv": FUNCTION_WORDS | frozenset(
        (
            "dig", "var", "vart", "av", "till", "man", "da", "dom", "sig", "sin", "vara", "varit", "hade", "finns",
            "men", "nan", "va", "o", "ju", "hit", "dit", "hans", "henne", "er", "ert", "era", "skall", "an", "sa", "nu",
            "ha", "fa", "far", "ta", "bara", "lite", "hela", "egen", "eget", "vet", "saga", "sager", "sade", "tanka",
            "lata", "later", "aven", "sen", "nasta", "forsta", "gang", "dag", "nastan", "bort", "hemma", "hem", "bra",
            "mycket", "for", "vid", "kanske",
        )
    )
}  # fmt: skip
"""For a language, the function words of a question that is surely in it: some of them are other words elsewhere, such
as `vara` and `till`."""

COMMON_WORDS = FUNCTION_WORDS | _read("common.txt")
"""Function words, and other words that say too little about the topic to be marked or named as a reason: pronouns,
determiners, adverbs, and verbs with many meanings. They are still searched for."""

VAGUE_WORDS = _read("vague.txt")
"""Words (also lemmas, without marks) that only say that something is wrong, that help is wanted, or hello. A question
with nothing else does not say what it is about."""


def is_telling(term: str, vague: bool = False) -> bool:
    """True for a term that may say what a text is about. With `vague`, also the words of VAGUE_WORDS count."""
    plain = term.replace("'", "")
    return plain not in COMMON_WORDS and (vague or plain not in VAGUE_WORDS)
