"""Finds what the topics of a token are now, from those there were: items are grouped, groups are named, and each new
item stands under the name that it fits. What is stored is written by update.py."""

import math
from collections import deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from recommender.insights.topics import clustering
from recommender.insights.topics.bags import Bags
from recommender.insights.topics.clustering import NOWHERE, Labels, Mask, Vectors
from recommender.insights.topics.fitting import Named, fitted
from recommender.insights.topics.matching import match
from recommender.insights.topics.questions import WithoutName
from recommender.insights.topics.stored import NewTopic, StoredTopic
from recommender.insights.topics.texts import Texts
from recommender.insights.topics.topic import LANGUAGES, LEAST_ITEMS

_GROWN = 1.05
"""The names of a topic are looked at again when it has about so many times as many items."""
_PASSES = 4
"""How many times items are grouped and named at most until nothing changes any more; a judgement."""
_SETTLED_UP_TO = 20_000
"""Items of a token up to which this is done more than once at a time: of more, each update does the next step. A
judgement."""
Names = Mapping[str, set[str]]
"""Names of topics by language."""
_NO_ROWS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class _Groups:
    """The groups of a token's items: their vectors and labels, and the id of the topic that each label continues, if
    any."""

    keys: Sequence[str]
    vectors: Vectors
    labels: Labels
    topics: Mapping[int, int]

    def rows(self) -> dict[int, Labels]:
        """The rows of each group's items, by label."""
        if not len(self.labels):
            return {}
        order = np.argsort(self.labels, kind="stable")
        labels, firsts = np.unique(self.labels[order], return_index=True)
        parts = zip(labels.tolist(), np.split(order, firsts[1:]), strict=True)
        return {label: rows for label, rows in parts if label != NOWHERE}

    def keys_in(self, rows: Labels) -> frozenset[str]:
        """The keys of the items in these rows."""
        return frozenset([self.keys[row] for row in rows.tolist()])


def settled(
    texts: Texts,
    keys: Sequence[str],
    vectors: Vectors,
    bags: Bags,
    before: Mapping[int, StoredTopic],
    taken: Names,
    again: bool,
    unnamed: WithoutName,
) -> tuple[list[NewTopic], dict[str, set[str]]]:
    """The topics as they are to be stored, and the names of theirs and of `taken`: items are grouped, the groups named,
    and each new item put under the name that it fits, until an update of the result would change nothing. For topics
    that are nameless and have not changed no name is looked for, since none was found the last time; those whose name
    was forgotten get another one as easily as topics that have one."""
    state, after, names = dict(before), list[NewTopic](), dict[str, set[str]]()
    movable = _movable(keys, before, unnamed.forgotten)
    passes = _PASSES if len(keys) <= _SETTLED_UP_TO else 1
    for left in reversed(range(passes)):
        groups = _regroup(keys, vectors, state, again and left == passes - 1)
        named, rows_of, names = _named(texts, groups, state, taken, unnamed)
        found = _fitted(texts, groups, named, rows_of, bags, before, movable)
        after = _with_right_names(texts, groups, named, found, state, names)
        kept = {number for number, topic in before.items() if topic.kept}
        after = [topic for topic in after if topic.items or topic.id in kept]
        if not left:
            break
        next_state = _as_stored(after, state)
        if next_state == state:
            break
        state = next_state
    return [replace(topic, id=topic.id if topic.id in before else None) for topic in after], names


def _as_stored(topics: Sequence[NewTopic], state: Mapping[int, StoredTopic]) -> dict[int, StoredTopic]:
    """The topics as if they had been stored; new ones have negative ids."""
    free = min([0, *state]) - 1
    found = {}
    for place, topic in enumerate(topics):
        number = topic.id if topic.id is not None else free - place
        had = state.get(number) or StoredTopic(number, {}, dict.fromkeys(LANGUAGES, ""), {})
        chosen = {key: had.items.get(key, False) for key in topic.items}
        found[number] = replace(had, names=dict(topic.names), items=chosen)
    return found


def _fitted(
    texts: Texts,
    groups: _Groups,
    topics: Sequence[NewTopic],
    rows_of: Sequence[Labels],
    bags: Bags,
    before: Mapping[int, StoredTopic],
    movable: Mask,
) -> list[NewTopic]:
    """The topics, with the rows of their items, in which each item that is `movable` is under the name that it fits, if
    any."""
    shown = [
        place
        for place, topic in enumerate(topics)
        if len(topic.items) >= LEAST_ITEMS and all(topic.names.values())
        if topic.id is None or topic.id not in before or not before[topic.id].closed
    ]
    place_of, labels = np.full(len(groups.keys), NOWHERE, np.int64), np.full(len(groups.keys), NOWHERE, np.int64)
    for place, rows in enumerate(rows_of):
        place_of[rows] = place
    for label, place in enumerate(shown):
        labels[rows_of[place]] = label
    given = {number: {lang: name for lang, name in topic.given.items() if name} for number, topic in before.items()}
    read_names = [{**topics[place].names, **given.get(topics[place].id or 0, {})} for place in shown]
    named = Named(bags, {label: texts.namer.terms(names) for label, names in enumerate(read_names)})
    found = fitted(groups.vectors, labels, movable, named)
    place_of[labels != NOWHERE] = NOWHERE
    place_of[found != NOWHERE] = np.array(shown, np.int64)[found[found != NOWHERE]]
    now = replace(groups, labels=place_of).rows()
    return [
        topic
        if np.array_equal(rows, now.get(place, _NO_ROWS))
        else replace(topic, items=groups.keys_in(now.get(place, _NO_ROWS)))
        for place, (topic, rows) in enumerate(zip(topics, rows_of, strict=True))
    ]


def _movable(keys: Sequence[str], before: Mapping[int, StoredTopic], forgotten: Set[int]) -> Mask:
    """True for each item that had no topic, or one without a name; those of a name that was forgotten stay."""
    stay = [topic for topic in before.values() if topic.kept or any(topic.names.values()) or topic.id in forgotten]
    had = {key for topic in stay for key in topic.items}
    return np.array([key not in had for key in keys], np.bool_)


def _with_right_names(
    texts: Texts,
    groups: _Groups,
    named: Sequence[NewTopic],
    topics: Sequence[NewTopic],
    before: Mapping[int, StoredTopic],
    names: dict[str, set[str]],
) -> list[NewTopic]:
    """The topics, where those that have lost items which they were `named` from have another name, unless that is still
    right: a name comes from nothing that is not in the topic. `names` is kept up to date."""
    row_of = {key: row for row, key in enumerate(groups.keys)}
    found = []
    for was, topic in zip(named, topics, strict=True):
        stored = before.get(topic.id or 0)
        lost = was.items - topic.items and len(topic.items) >= LEAST_ITEMS and any(topic.names.values())
        if lost and not (stored and stored.closed):
            rows = np.array(sorted(row_of[key] for key in topic.items), np.int64)
            right = texts.namer.holds(topic.names, texts.nearest(groups.vectors, rows))
            wrong = {language for language in LANGUAGES if not right[language]}
            for language in wrong:
                names[language] -= {topic.names[language]}
            easily = stored is not None and all(stored.names.values())
            topic = replace(
                topic, names=_replaced(topic.names, wrong, stored, texts, groups.vectors, rows, names, easily)
            )
            for language in LANGUAGES:
                names[language] |= {topic.names[language]} - {""}
        found.append(topic)
    return found


def _regroup(keys: Sequence[str], vectors: Vectors, before: Mapping[int, StoredTopic], again: bool) -> _Groups:
    """The groups of these items now, and which topic each continues."""
    ids = sorted(before)
    place_of = {key: place for place, key in enumerate(keys)}
    labels, fixed = np.full(len(keys), NOWHERE, np.int64), np.zeros(len(keys), np.bool_)
    for label, topic in enumerate(ids):
        for key, chosen in before[topic].items.items():
            if key in place_of:
                labels[place_of[key]], fixed[place_of[key]] = label, chosen or before[topic].closed
    kept = {label for label, topic in enumerate(ids) if before[topic].kept}
    had = labels
    if (labels == NOWHERE).all():
        labels = clustering.form(vectors)
    else:
        labels = clustering.join(vectors, clustering.grow(vectors, clustering.join(vectors, labels)))
        if again or clustering.outgrown(len(keys), len(np.unique(labels[labels != NOWHERE]))):
            labels = clustering.form_again(vectors, labels, fixed, kept)
    return _Groups(keys, vectors, labels, match(had, labels, ids, {ids[label] for label in kept}))


def _named(
    texts: Texts, groups: _Groups, before: Mapping[int, StoredTopic], taken: Names, unnamed: WithoutName
) -> tuple[list[NewTopic], list[Labels], dict[str, set[str]]]:
    """(the topics as they are to be stored; the rows of the items of each; their names and those of `taken`). A topic
    keeps its name unless that has become wrong, or no longer tells it apart. A group that no words describe is divided
    where that gives one that they do, as long as there are not too many; else it is stored without a name, and not
    shown. For those that are nameless and have not changed none is looked for again."""
    members = groups.rows()
    names = {language: set(taken[language]) for language in LANGUAGES}
    for stored in before.values():
        for language in LANGUAGES:
            names[language] |= {stored.given[language]} - {""}
    after, rows_of = list[NewTopic](), list[Labels]()
    order = sorted(members, key=lambda label: (label not in groups.topics, -len(members[label]), label))
    waiting = deque((groups.topics.get(label), members[label]) for label in order)
    while waiting:
        number, rows = waiting.popleft()
        topic, keys = before.get(number or 0), groups.keys_in(rows)
        name = dict(topic.names) if topic else dict.fromkeys(LANGUAGES, "")
        closed = topic is not None and topic.closed and topic.items.keys() <= keys  # the name may be of what has left
        known = topic and (closed or _known_nameless(topic, keys, unnamed.nameless))
        if len(rows) >= LEAST_ITEMS and not known:
            forgotten = topic is not None and topic.id in unnamed.forgotten
            name = _right_name(topic, keys, texts, groups.vectors, rows, names, forgotten)
            if not all(name.values()) and (not topic or (not topic.kept and _changed(topic.items.keys(), keys))):
                count = len(after) + len(waiting) + 2  # else they would be made fewer again the next time
                possible = count <= clustering.TOO_MANY * clustering.wanted(len(groups.keys))
                parts = _parts(texts, groups.vectors, rows, names) if possible else [rows]
                if len(parts) > 1:
                    waiting.extendleft([(None, parts[1]), (number, parts[0])])
                    continue
        for language in LANGUAGES if not (topic and topic.closed) else ():
            names[language] |= {name[language]} - {""}
        after.append(NewTopic(number, keys, name))
        rows_of.append(rows)
    gone = sorted({number for number, stored in before.items() if stored.kept} - {topic.id for topic in after})
    after += [NewTopic(number, frozenset(), before[number].names) for number in gone]
    return after, [*rows_of, *([_NO_ROWS] * len(gone))], names


def _known_nameless(topic: StoredTopic, keys: Set[str], nameless: Set[int]) -> bool:
    """True for a topic that has no name, and for whose items none was found the last time."""
    return topic.id in nameless and not any(topic.names.values()) and not _changed(topic.items.keys(), keys)


def _right_name(
    topic: StoredTopic | None,
    keys: frozenset[str],
    texts: Texts,
    vectors: Vectors,
    rows: Labels,
    names: Names,
    forgotten: bool,
) -> dict[str, str]:
    """The names of a group: those it has, where they are right, else new ones."""
    had = dict(topic.names) if topic else dict.fromkeys(LANGUAGES, "")
    wrong = {language for language in LANGUAGES if not had[language] or had[language] in names[language]}
    if topic and not wrong and not _changed(topic.items.keys(), keys):
        return had
    if topic and len(wrong) < len(LANGUAGES):
        right = texts.namer.holds(had, texts.nearest(vectors, rows))
        wrong |= {language for language in LANGUAGES if not right[language]}
    return _replaced(had, wrong, topic, texts, vectors, rows, names, forgotten or all(had.values()))


def _replaced(
    had: Mapping[str, str],
    wrong: Set[str],
    topic: StoredTopic | None,
    texts: Texts,
    vectors: Vectors,
    rows: Labels,
    names: Names,
    easily: bool,
) -> dict[str, str]:
    """The names of a group, new ones in the languages where they are wrong."""
    if not wrong:
        return dict(had)
    new = dict(had) if topic and topic.kept else texts.names(vectors, rows, names, easily)
    if topic and (topic.kept or (len(wrong) < len(LANGUAGES) and not all(new.values()))):
        new = texts.namer.any_names(texts.nearest(vectors, rows), names)
    return {language: new[language] if language in wrong else had[language] for language in LANGUAGES}


def _changed(before: Set[str], after: Set[str]) -> bool:
    """True when a name has to be looked at again: an item that it may have come from has left, or the topic has grown
    by more than a few."""
    return bool(before - after) or _size_class(len(before)) != _size_class(len(after))


def _size_class(items: int) -> int:
    return int(math.log(items, _GROWN)) if items else 0


def _parts(texts: Texts, vectors: Vectors, rows: Labels, names: Names) -> list[Labels]:
    """The two parts of a group, when there are names for one of them; else the whole."""
    halves = clustering.halves(vectors[rows])
    parts = [rows[halves == part] for part in (0, 1)] if halves.any() else [rows]
    named = (texts.names(vectors, part, names) for part in parts if len(parts) > 1)
    return parts if any(all(name.values()) for name in named) else [rows]
