"""Names topics by telling words of their items, in Finnish and English, in base form.

A word tells what a topic is about when many of its items have it and few others do (class-based TF-IDF: Grootendorst
2022, "BERTopic"). Up to four parts make a name, each a word or two words that stand together, chosen so that each
adds items that those before it do not have. Names of people are never part of a name, nor are those of places and of
whatever else is written with a capital letter and asked about in all teams alike: they do not say what is asked.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from recommender.insights.topics.common_words import WordsOfTeams
from recommender.insights.topics.topic import LANGUAGES
from recommender.insights.topics.words import Text, WordReader, Words

SEPARATOR = ", "
"""Between the parts of a name."""
_FEWEST_WITH_WORD, _SHARE_WITH_WORD, _MOST_WITH_WORD = 3, 0.2, 5
"""A word of a name is in this share of the topic's items, at least in the first number of them; in the second number it
always is in enough. Judgements, as all numbers here."""
_COVERED, _STILL_COVERED = 0.5, 0.35
"""The share of the topic's items in which a word of its name is, when it is chosen and later."""
_PARTS, _LONGEST = 4, 80
"""Parts of a name at most, and its characters."""
_OF_ALL_TEAMS, _STILL_OF_ALL_TEAMS = 0.4, 0.3
"""A word of whose items no team has more than the first share says nothing of what is asked. A name keeps such a word
until no team has more than the second share."""
_AGAIN = 0.3
"""What an item counts that has a word of the name already."""
_VERB = 0.5
"""What a verb counts beside other words; verbs alone make no name."""
_ALONE = 0.4
"""The share of all items with a word that are in the topic when the word alone is its name."""
_WORTH = 0.2
"""The share of the first part's weight that each further part has at least."""
_TOGETHER = 0.5
"""A word is written with the one beside it when they stand side by side in more than this share of its titles."""
_CONSIDERED = 80
"""Words that are considered for a name, the most frequent ones."""
_TELLING, _STILL_TELLING = 1.5, 1.1
"""How many times as frequent as among all items a word of a name is at least, when it is chosen and later."""


@dataclass(frozen=True)
class _Candidate:
    """A term that may be in a name, as it is written there, with what it counts in each item that has it."""

    term: str
    written: str
    items: Mapping[int, float]
    lift: float
    verb: bool


class Namer:
    """Names topics of a token. How common a word is, is counted in `sample`: texts of items with this token, whatever
    their topic, with the id of the team that handles each. `of_all_teams` are the terms that are no part of a name."""

    def __init__(self, reader: WordReader, sample: Sequence[tuple[Text, int | None]]) -> None:
        self._reader = reader
        self._sampled = len(sample)
        self._last: tuple[Sequence[Text], list[Words]] = (), []
        of_teams = WordsOfTeams()
        for text, team in sample:
            of_teams.add(reader.read_once(text), team)
        self._counts = of_teams.counts()
        self.of_all_teams = of_teams.of_all_teams(_OF_ALL_TEAMS)
        self._still_of_all_teams = of_teams.of_all_teams(_STILL_OF_ALL_TEAMS)

    def names(
        self, texts: Sequence[Text], taken: Mapping[str, Collection[str]], renamed: bool = False
    ) -> dict[str, str]:
        """A name in each of LANGUAGES, none of which is in `taken` of its language; empty when no words say what at
        least half of the texts are about, or only a verb or a common word does. A topic that had a name (`renamed`)
        gets another one more easily, so that it does not come and go."""
        items = self._read(texts)
        names = self._names(items, taken, not renamed)
        covered = max(self._covered(names[language], items, language) for language in LANGUAGES)
        return names if covered >= (_STILL_COVERED if renamed else _COVERED) else dict.fromkeys(LANGUAGES, "")

    def any_names(self, texts: Sequence[Text], taken: Mapping[str, Collection[str]]) -> dict[str, str]:
        """The same for texts that somebody has put together, whatever part of them the words are in; empty when no word
        of the texts can be in a name."""
        return self._names(self._read(texts), taken, False)

    def _read(self, texts: Sequence[Text]) -> list[Words]:
        """The words of texts; of those that were read last they are known."""
        if self._last[0] is not texts:
            self._last = texts, [self._reader.read(text) for text in texts]
        return self._last[1]

    def _names(self, items: Sequence[Words], taken: Mapping[str, Collection[str]], telling: bool) -> dict[str, str]:
        names = {}
        for language in LANGUAGES:
            parts = self._parts(items, language)
            tell = not telling or self._tell(parts, len(items))
            possible = [written for written, _words in parts] if tell else []
            names[language] = _first_free(possible, taken.get(language, ()))
        return names

    def _tell(self, parts: Sequence[tuple[str, Sequence[_Candidate]]], count: int) -> bool:
        """False when all parts of a name of so many items are verbs, or the only one is a common word."""
        words = [candidate for _written, candidates in parts for candidate in candidates]
        strongest = max((word.lift for word in words), default=0.0)
        alone = len(parts) == 1 and strongest < _ALONE * (self._sampled + 1) / count
        return not alone and not all(word.verb for word in words)

    def holds(self, names: Mapping[str, str], texts: Sequence[Text]) -> dict[str, bool]:
        """For each language whether its name is right: each word of it still is in a few items, and tells something,
        and its words or those of the other language say what enough of the items are about. That is less than new names
        need, so that names do not change to and fro."""
        items = self._read(texts)
        covered = max(self._covered(names[language], items, language) for language in LANGUAGES)
        return {
            language: covered >= _STILL_COVERED and self._words_hold(names[language], items, language)
            for language in LANGUAGES
        }

    def _words_hold(self, name: str, items: Sequence[Words], language: str) -> bool:
        found = self._candidates(items, language, _STILL_TELLING, _FEWEST_WITH_WORD, self._still_of_all_teams)
        possible = {candidate.written.casefold() for candidate in found}
        pairs = _pairs(items, language).items()
        possible |= {written.casefold() for pair, written in pairs if self._still_of_all_teams.isdisjoint(pair)}
        return bool(name) and all(part.casefold() in possible for part in name.split(SEPARATOR))

    def terms(self, names: Mapping[str, str]) -> set[str]:
        """The terms of names by language."""
        return {term for language, name in names.items() for term in self._reader.own_terms(Text(language, name, ""))}

    def _covered(self, name: str, items: Sequence[Words], language: str) -> float:
        """The share of items that have a word of a name, or one that it may translate."""
        own = self._reader.own_terms(Text(language, name, ""))
        words = own | {other for term in own for other in self._reader.possible_translations(term, language)}
        return sum(not words.isdisjoint(item.weights) for item in items) / len(items) if items else 0.0

    def _parts(self, items: Sequence[Words], language: str) -> list[tuple[str, list[_Candidate]]]:
        """The parts that a name can be made of, as they are written and with their words, the first ones first; more
        than it needs."""
        enough = max(_FEWEST_WITH_WORD, math.ceil(_SHARE_WITH_WORD * len(items)))
        found = self._candidates(items, language, _TELLING, min(_MOST_WITH_WORD, enough), self.of_all_teams)
        left = {candidate.term: candidate for candidate in found}
        pairs, named, first = _pairs(items, language), dict[int, float](), 0.0
        parts = list[tuple[str, list[_Candidate]]]()
        while left and len(parts) < 2 * _PARTS:
            gains = {term: _gain(candidate, named) for term, candidate in left.items()}
            term = min(gains, key=lambda term: (-gains[term], term))
            first = first or gains[term]
            if gains[term] < _WORTH * first or gains[term] <= 0.0:
                break
            pair = next((both for both in pairs if term in both and set(both) <= left.keys()), (term,))
            words = [left.pop(each) for each in pair]
            parts.append((pairs[pair] if len(pair) == 2 else words[0].written, words))
            for word in words:
                for item, weight in word.items.items():
                    named[item] = max(named.get(item, 0.0), weight)
        return parts

    def _candidates(
        self, items: Sequence[Words], language: str, telling: float, least: int, without: Collection[str]
    ) -> list[_Candidate]:
        """The words in at least `least` items, in the language as it is written, or translated into it, that are so
        many times as frequent as among all items (`telling`), and not among `without`."""
        having = self._having(items, language)
        enough = [term for term, places in having.items() if len(places) >= least and term not in without]
        enough = sorted(enough, key=lambda term: (-sum(having[term].values()), term))[:_CONSIDERED]
        written = self._reader.written(items, enough, language)
        found = []
        for term in enough:
            share, count = len(having[term]) / len(items), self._count(term, language)
            lift = share * (self._sampled + 1) / (count + 1)
            if lift >= telling:
                verb = self._reader.is_verb(term, language)
                weights = {place: (_VERB if verb else 1.0) * weight for place, weight in having[term].items()}
                found.append(_Candidate(term, written[term], weights, lift, verb))
        return found

    def _having(self, items: Sequence[Words], language: str) -> dict[str, dict[int, float]]:
        """The items that have each word, in the language or translated into it, with what it counts there."""
        having = defaultdict[str, dict[int, float]](dict)
        in_language = self._in_language(items, language)
        for place, item in enumerate(items):
            if item.language == language:
                for term, weight in item.weights.items():
                    having[term][place] = weight
            else:
                for term, weight in item.weights.items():
                    for name in in_language.get(term, ()):
                        having[name][place] = weight
        return having

    def _count(self, term: str, language: str) -> int:
        """Items of the sample that have a term or a word that it translates; a word with several translations counts
        for the likeliest only, as in the topic."""
        return self._counts[term] + sum(self._counts[other] for other in self._reader.translated(term, language))

    def _in_language(self, items: Sequence[Words], language: str) -> dict[str, tuple[str, ...]]:
        """What words of items in other languages are in this one: their translations that items of the topic have,
        else the first one that any item has. A translation that nobody writes here may be the wrong one: then the word
        stays as it is, when the items of this language are few."""
        own = {term for item in items if item.language == language for term in item.weights}
        few = sum(item.language == language for item in items) < _MOST_WITH_WORD
        found: dict[str, tuple[str, ...]] = {}
        for item in items:
            for term in item.weights if item.language != language else ():
                if term not in found:
                    options = self._reader.possible_translations(term, item.language)
                    same = tuple(option for option in (term, *options) if option in own)
                    likeliest = self._likeliest(self._reader.translations(term, item.language))
                    found[term] = same or likeliest or ((term,) if few else ())
        return found

    def _likeliest(self, options: Sequence[str]) -> tuple[str, ...]:
        return tuple(option for option in options if self._counts[option])[:1]


def _gain(candidate: _Candidate, named: Mapping[int, float]) -> float:
    covered = sum(
        weight * (_AGAIN if named.get(item, 0.0) >= weight else 1.0) for item, weight in candidate.items.items()
    )
    return covered * math.log(candidate.lift)


def _pairs(items: Sequence[Words], language: str) -> dict[tuple[str, str], str]:
    """Two terms that mostly stand side by side in titles of this language, as they are written there, most frequent
    first."""
    counts: dict[tuple[str, str], list[str]] = {}
    alone: dict[str, int] = {}
    for item in items:
        if item.language == language:
            for pair, written in item.pairs.items():
                counts.setdefault(pair, []).append(written)
            for term in item.titled:
                alone[term] = alone.get(term, 0) + 1
    usual = {}
    for pair, forms in sorted(counts.items(), key=lambda each: (-len(each[1]), each[0])):
        if len(forms) >= max(_FEWEST_WITH_WORD, _TOGETHER * min(alone[term] for term in pair)):
            usual[pair] = min(set(forms), key=lambda form: (-forms.count(form), len(form), form))
    return usual


def _first_free(parts: Sequence[str], taken: Collection[str]) -> str:
    """The first name that is not taken: of the first parts, then with other last ones, then with a number."""
    for name in _possible(parts):
        if name.casefold() not in {other.casefold() for other in taken}:
            return name
    return ""


def _possible(parts: Sequence[str]) -> Iterator[str]:
    if not parts:
        return
    first = list(dict.fromkeys(parts))[:_PARTS]
    while len(first) > 1 and len(SEPARATOR.join(first)) > _LONGEST:
        first.pop()
    yield SEPARATOR.join(first)
    for other in parts[_PARTS:]:
        yield SEPARATOR.join([*first[: _PARTS - 1], other])
    for count in range(len(first) - 1, 0, -1):
        yield SEPARATOR.join(first[:count])
        yield SEPARATOR.join(first[-count:])
    for number in range(2, 1000):
        yield f"{SEPARATOR.join(first)} ({number})"
