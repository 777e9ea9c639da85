"""The form of a person's settings: its fields, what is wrong with them, and the preferences they give."""

from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from recommender.database.days import current_day
from recommender.database.tables import Person
from recommender.language.words import LANGUAGES
from recommender.people.availability import question_terms
from recommender.people.preferences import LONGEST_TOPIC, MOST_A_WEEK, MOST_TOPICS, Preferences
from web import current
from web.current import session


@dataclass
class SettingsForm:
    """The fields of the form, with a topic on each line, and what is wrong with them, by field."""

    away_until: str = ""
    paused: bool = False
    capacity: str = ""
    deputy: str = ""
    languages: tuple[str, ...] = ()
    muted: str = ""
    stated: str = ""
    problems: dict[str, str] = field(default_factory=dict)


def form_of(preferences: Preferences) -> SettingsForm:
    """The form filled with stored preferences; a day in the past is left empty."""
    away = preferences.away_until is not None and preferences.away_until >= current_day()
    return SettingsForm(
        away_until=str(preferences.away_until) if away else "",
        paused=preferences.paused,
        capacity="" if preferences.capacity is None else str(preferences.capacity),
        deputy=preferences.deputy.handle if preferences.deputy else "",
        languages=preferences.languages,
        muted="\n".join(preferences.muted),
        stated="\n".join(preferences.stated),
    )


def offered_languages(person: Person) -> tuple[str, ...]:
    """The languages to choose from: those the person has chosen already, in their order, then the others that Kollega
    knows."""
    return tuple(dict.fromkeys((*person.languages, *LANGUAGES)))


def read_form(sent: MultiDict[str, str], person: Person) -> tuple[SettingsForm, Preferences | None]:
    """(the form as it was sent, its preferences; None when something is wrong with it)."""
    form = SettingsForm(
        away_until=sent.get("away_until", "").strip(),
        paused=bool(sent.get("paused")),
        capacity=sent.get("capacity", "").strip(),
        deputy=_single_line(sent.get("deputy", "")),
        languages=tuple(sent.getlist("languages")),
        muted=sent.get("muted", ""),
        stated=sent.get("stated", ""),
    )
    away_until, capacity, deputy = _away_until(form), _capacity(form), _deputy(form, person)
    languages = tuple(code for code in offered_languages(person) if code in form.languages)
    muted, stated = _topics(form, "muted", form.muted), _topics(form, "stated", form.stated)
    both = {topic.casefold() for topic in muted} & {topic.casefold() for topic in stated}
    if both and "stated" not in form.problems:
        form.problems["stated"] = gettext("“%(topic)s” is in both lists. Leave it in one.", topic=min(both))
    if form.problems:
        return form, None
    return form, Preferences(away_until, form.paused, capacity, deputy, languages, muted, stated)


def _away_until(form: SettingsForm) -> date | None:
    if not form.away_until:
        return None
    try:
        day = date.fromisoformat(form.away_until)
    except ValueError:
        form.problems["away_until"] = gettext("Write the day as year-month-day, such as 2027-01-31.")
        return None
    if day < current_day():
        form.problems["away_until"] = gettext("This day has passed. Choose today or a later one, or leave it empty.")
    return day


def _capacity(form: SettingsForm) -> int | None:
    if not form.capacity:
        return None
    if not form.capacity.isdecimal() or len(form.capacity) > 9 or int(form.capacity) > MOST_A_WEEK:
        form.problems["capacity"] = gettext(
            "Write a whole number from 0 to %(most)d, or leave it empty.", most=MOST_A_WEEK
        )
        return None
    return int(form.capacity)


def _deputy(form: SettingsForm, person: Person) -> Person | None:
    """The colleague named in the field, by user name or by full name."""
    if not form.deputy:
        return None
    deputy = session().scalar(select(Person).where(Person.handle == form.deputy))
    if deputy is None:
        by_name = select(Person).where(func.lower(Person.name) == form.deputy.lower())
        people = list(session().scalars(by_name.limit(2)))
        if len(people) > 1:
            form.problems["deputy"] = gettext("Several people have this name. Write the user name.")
            return None
        deputy = people[0] if people else None
    if deputy is None:
        form.problems["deputy"] = gettext("Nobody has this name. Write the user name or the whole name.")
    elif deputy.id == person.id:
        form.problems["deputy"] = gettext("Name somebody other than yourself.")
    elif deputy.has_left(current_day()):
        form.problems["deputy"] = gettext("This person has left the organisation. Name somebody else.")
    return deputy


def _topics(form: SettingsForm, name: str, text: str) -> tuple[str, ...]:
    """The topics of a field, one on each line; of topics that differ only in case, the first."""
    first: dict[str, str] = {}
    for line in map(_single_line, text.splitlines()):
        if line:
            first.setdefault(line.casefold(), line)
    topics = tuple(first.values())
    long = next((topic for topic in topics if len(topic) > LONGEST_TOPIC), None)
    if len(topics) > MOST_TOPICS:
        form.problems[name] = gettext("At most %(n)d topics: keep the most important.", n=MOST_TOPICS)
    elif long is not None:
        form.problems[name] = gettext(
            "“%(topic)s …” is too long: a topic has at most %(n)d characters.", topic=long[:30], n=LONGEST_TOPIC
        )
    else:
        wordless = next((topic for topic in topics if not question_terms(topic, current.analyzer())), None)
        if wordless is not None:
            form.problems[name] = gettext("“%(topic)s” contains only common words. Use other words.", topic=wordless)
    return topics


def _single_line(text: str) -> str:
    """A text on one line: single spaces, without invisible characters."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
