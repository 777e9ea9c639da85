"""Figures and acts in words, in the languages of the pages: for pages, mails and the command alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.database.risk_tables import PAIR, TRANSLATE, VERIFY, WRITE
from recommender.insights.risk.acts import Act
from recommender.insights.topics.topic import Topic

_FINE = 2  # decimals that tell a small change
_LEAST, _WHOLE = 0.05, 10  # questions that are said as none, and from which no decimal is said: judgements


@dataclass(frozen=True)
class _Words:
    write_one: str
    write: str
    pair: str
    verify: str
    translate: str
    nobody: str
    none: str
    some: str
    into: Mapping[str, str]


_WORDS = {
    "en": _Words(
        write_one="Write a guide about “{topic}” from a request that {person} has answered.",
        write="Write a guide about “{topic}” from {count} requests that {person} has answered.",
        pair="Let {colleague} watch when {person} answers the next two questions about “{topic}”.",
        verify="Let {colleague} read the guide “{title}” and verify that it still holds.",
        translate="Let {colleague} translate the guide “{title}” into {language}: it is asked about in both.",
        nobody="somebody who is not here any more",
        none="almost none",
        some="about {count} a year",
        into={"fi": "Finnish", "en": "English", "sv": "Swedish"},
    ),
    "fi": _Words(
        write_one="Kirjoita ohje aiheesta ”{topic}” yhdestä pyynnöstä, johon on vastannut {person}.",
        write="Kirjoita ohje aiheesta ”{topic}” {count} pyynnöstä, joihin on vastannut {person}.",
        pair="{colleague} seuraa vierestä, kun {person} vastaa kahteen seuraavaan kysymykseen aiheesta ”{topic}”.",
        verify="{colleague} lukee ohjeen ”{title}” ja vahvistaa, että se pitää yhä paikkansa.",
        translate="{colleague} kääntää ohjeen ”{title}” {language}, koska siitä kysytään molemmilla kielillä.",
        nobody="joku, joka ei ole enää täällä",
        none="tuskin yhtään",
        some="noin {count} vuodessa",
        into={"fi": "suomeksi", "en": "englanniksi", "sv": "ruotsiksi"},
    ),
    "sv": _Words(
        write_one="Skriv en anvisning om ”{topic}” utifrån ett ärende som {person} har svarat i.",
        write="Skriv en anvisning om ”{topic}” utifrån {count} ärenden som {person} har svarat i.",
        pair="Låt {colleague} följa med när {person} svarar på de två följande frågorna om ”{topic}”.",
        verify="Låt {colleague} läsa anvisningen ”{title}” och bekräfta att den fortfarande stämmer.",
        translate="Låt {colleague} översätta anvisningen ”{title}” till {language}: det frågas på båda språken.",
        nobody="någon som inte längre är här",
        none="nästan inga",
        some="ungefär {count} per år",
        into={"fi": "finska", "en": "engelska", "sv": "svenska"},
    ),
}


def topic_name(topic: Topic, language: str) -> str:
    """The name of a topic with a capital letter; in English for a language that has no names."""
    name = topic.names.get(language) or topic.names["en"]
    return name[:1].upper() + name[1:]


def a_year(questions: float, language: str) -> str:
    """How many questions a year; small numbers with a decimal, since what an act changes may be less than one."""
    return _a_year(questions, language, decimals=1 if questions < _WHOLE else 0)


def before_and_after(before: float, after: float, language: str) -> tuple[str, str]:
    """How many questions a year now and afterwards, with as many decimals as it takes to see that there is a change."""
    said = a_year(before, language), a_year(after, language)
    if said[0] != said[1] or before == after:
        return said
    return _a_year(before, language, _FINE), _a_year(after, language, _FINE)


def _a_year(questions: float, language: str, decimals: int) -> str:
    words = _WORDS.get(language, _WORDS["en"])
    if questions < _LEAST and decimals < _FINE:
        return words.none
    count = f"{questions:.{decimals}f}".removesuffix(".0")
    return words.some.format(count=count.replace(".", "." if language == "en" else ","))


def act_sentence(act: Act, language: str, people: Mapping[int, str], titles: Mapping[str, str]) -> str:
    """What an act asks somebody to do. `people` has the names by id, `titles` those of documents by the item's key."""
    words = _WORDS.get(language, _WORDS["en"])
    sentence = {
        WRITE: words.write if len(act.items) != 1 else words.write_one,
        PAIR: words.pair,
        VERIFY: words.verify,
        TRANSLATE: words.translate,
    }[act.kind]
    return sentence.format(
        topic=topic_name(act.topic, language),
        person=people.get(act.person_id or 0, words.nobody),
        colleague=people.get(act.colleague_id or 0, words.nobody),
        title=titles.get(act.document or "", "?"),
        language=words.into.get(act.language or "", act.language or ""),
        count=len(act.items),
    )
