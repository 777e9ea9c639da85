"""The form of a person's settings: what is in its fields, what is wrong with it, and the choices it says."""

from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from recommender.database.tables import Person, utc_now
from recommender.language.words import LANGUAGES
from recommender.people.availability import question_terms
from recommender.people.preferences import LONGEST_TOPIC, MOST_A_WEEK, MOST_TOPICS, Preferences
from web import current
from web.current import session


@dataclass
class Form:
    """What is in the settings' fields, topics one a line, and what is wrong with it by field."""

    away_until: str = ""
    paused: bool = False
    capacity: str = ""
    deputy: str = ""
    languages: tuple[str, ...] = ()
    muted: str = ""
    stated: str = ""
    problems: dict[str, str] = field(default_factory=dict)


def form_of(chosen: Preferences) -> Form:
    """The form as things are; a day that has passed is none any more."""
    away = chosen.away_until is not None and chosen.away_until >= utc_now().date()
    return Form(
        away_until=str(chosen.away_until) if away else "",
        paused=chosen.paused,
        capacity="" if chosen.capacity is None else str(chosen.capacity),
        deputy=chosen.deputy.handle if chosen.deputy else "",
        languages=chosen.languages,
        muted="\n".join(chosen.muted),
        stated="\n".join(chosen.stated),
    )


def offered_languages(person: Person) -> tuple[str, ...]:
    """The languages to choose from: what the person has already, in its order, then the others that Kollega knows."""
    return tuple(dict.fromkeys((*person.languages, *LANGUAGES)))


def read_form(sent: MultiDict[str, str], person: Person) -> tuple[Form, Preferences | None]:
    """The form as it was sent, and the choices it says when nothing is wrong with it."""
    form = Form(
        away_until=sent.get("away_until", "").strip(),
        paused=bool(sent.get("paused")),
        capacity=sent.get("capacity", "").strip(),
        deputy=_line(sent.get("deputy", "")),
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


def _away_until(form: Form) -> date | None:
    if not form.away_until:
        return None
    try:
        found = date.fromisoformat(form.away_until)
    except ValueError:
        form.problems["away_until"] = gettext("Write the day as year-month-day, such as 2027-01-31.")
        return None
    if found < utc_now().date():
        form.problems["away_until"] = gettext("This day has passed. Choose today or a later one, or leave it empty.")
    return found


def _capacity(form: Form) -> int | None:
    if not form.capacity:
        return None
    if not form.capacity.isdecimal() or len(form.capacity) > 9 or int(form.capacity) > MOST_A_WEEK:
        form.problems["capacity"] = gettext(
            "Write a whole number from 0 to %(most)d, or leave it empty.", most=MOST_A_WEEK
        )
        return None
    return int(form.capacity)


def _deputy(form: Form, person: Person) -> Person | None:
    """The colleague whom the field names, by user name or by the whole name."""
    if not form.deputy:
        return None
    found = session().scalar(select(Person).where(Person.handle == form.deputy))
    if found is None:
        named = list(session().scalars(select(Person).where(func.lower(Person.name) == form.deputy.lower()).limit(2)))
        found = named[0] if len(named) == 1 else None
        if len(named) > 1:
            form.problems["deputy"] = gettext("Several people have this name. Write the user name.")
            return None
    today = utc_now().date()
    if found is None:
        form.problems["deputy"] = gettext("Nobody has this name. Write the user name or the whole name.")
    elif found.id == person.id:
        form.problems["deputy"] = gettext("Name somebody other than yourself.")
    elif found.left_on and found.left_on <= today:
        form.problems["deputy"] = gettext("This person has left the organisation. Name somebody else.")
    return found


def _topics(form: Form, name: str, text: str) -> tuple[str, ...]:
    """The topics of a field, one a line; of those that differ in case only the first."""
    first: dict[str, str] = {}
    for line in map(_line, text.splitlines()):
        if line:
            first.setdefault(line.casefold(), line)
    found = tuple(first.values())
    long = next((topic for topic in found if len(topic) > LONGEST_TOPIC), None)
    if len(found) > MOST_TOPICS:
        form.problems[name] = gettext("At most %(n)d topics: leave the most important.", n=MOST_TOPICS)
    elif long is not None:
        form.problems[name] = gettext(
            "“%(topic)s …” is too long: a topic has at most %(n)d characters.", topic=long[:30], n=LONGEST_TOPIC
        )
    else:
        wordless = [topic for topic in found if not question_terms(topic, current.analyzer())]
        if wordless:
            text = gettext("“%(topic)s” holds no word to go by. Say it in other words.", topic=wordless[0])
            form.problems[name] = text
    return found


def _line(text: str) -> str:
    """One line of a text: single spaces, and nothing that cannot be seen."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())
