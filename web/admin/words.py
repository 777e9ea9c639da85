"""The organisation's synonyms: written here, tried on questions before they are saved, and taken back."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender import audit
from recommender.access import ANYONE, Reader, reader_of
from recommender.database.days import current_day
from recommender.datatypes import Heading, Verdict
from recommender.errors import SynonymsError
from recommender.insights.gaps.gap import searched
from recommender.insights.topics.topic import Topic, visible_topics
from recommender.knowledge import vocabulary
from recommender.language.synonyms import MOST_PHRASES, Synonyms, SynonymsFile, wrong_lines
from recommender.recommender import Recommender
from recommender.search.snippet import heading_of
from web import current
from web.admin.frame import current_admin

blueprint = Blueprint("admin_words", __name__, url_prefix="/admin/words")
_MOST_QUESTIONS, _SHOWN = 5, 5
_LONGEST_QUESTION = 500


@dataclass(frozen=True)
class Tried:
    """What a question finds with the synonyms in force and with the new ones; `new` are the keys that only these find,
    `gone` those that they find no more."""

    question: str
    before: tuple[Heading, ...]
    after: tuple[Heading, ...]

    @property
    def new(self) -> frozenset[str]:
        """The keys that only the new synonyms find."""
        return frozenset(item.key for item in self.after) - {item.key for item in self.before}

    @property
    def gone(self) -> frozenset[str]:
        """The keys that the new synonyms find no more."""
        return frozenset(item.key for item in self.before) - {item.key for item in self.after}

    @property
    def is_same(self) -> bool:
        """True when the new synonyms change nothing."""
        return self.before == self.after


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The synonyms in force and the earlier versions; 403 for people who are not admins."""
    current_admin()
    newest = vocabulary.newest(current.session())
    return _page(newest.text if newest else "")


@blueprint.post("/preview")
def preview() -> ResponseReturnValue:
    """What some questions find now and with the new synonyms. Nothing is stored."""
    admin = current_admin()
    text, asked = _typed()
    wrong = wrong_lines(text, current.analyzer())
    tried = () if wrong else _try(text, asked, reader_of(admin))
    return _page(text, wrong=wrong, questions=asked, tried=tried, is_preview=True), 422 if wrong else 200


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """Put the synonyms in force; 422 with the lines that cannot be used."""
    admin = current_admin()
    text, asked = _typed()
    try:
        changed = vocabulary.save(current.session(), audit.actor(current.session(), admin.id), text, current.analyzer())
    except SynonymsError:
        return _page(text, wrong=wrong_lines(text, current.analyzer()), questions=asked), 422
    current.session().commit()
    return redirect(url_for("admin_words.show", done="saved" if changed else "same"))


@blueprint.post("/undo")
def undo() -> ResponseReturnValue:
    """Go back to the version before."""
    admin = current_admin()
    vocabulary.undo(current.session(), audit.actor(current.session(), admin.id))
    current.session().commit()
    return redirect(url_for("admin_words.show", done="undone"))


def _typed() -> tuple[str, list[str]]:
    """(the synonyms, the questions to try, one a line)."""
    text = request.form.get("words", "").replace("\r\n", "\n")[: vocabulary.LONGEST + 1]
    lines = (line.strip()[:_LONGEST_QUESTION] for line in request.form.get("questions", "").splitlines())
    return text, [line for line in lines if line][:_MOST_QUESTIONS]


def _try(text: str, questions: list[str], reader: Reader) -> tuple[Tried, ...]:
    now, session = current.recommender(), current.session()
    new = now.with_stored(Synonyms.parse(text, current.analyzer()))
    newest = vocabulary.newest(session)
    old = now.with_stored(vocabulary.usable(newest.text if newest else "", current.analyzer()))

    def found(by: Recommender, question: str) -> tuple[Heading, ...]:
        suggestions = by.answers(question, reader, session, _SHOWN).suggestions
        return tuple(heading_of(suggestion.item) for suggestion in suggestions)

    return tuple(Tried(question, found(old, question), found(new, question)) for question in questions)


def _page(
    text: str,
    wrong: list[tuple[int, str]] | None = None,
    questions: list[str] | None = None,
    tried: tuple[Tried, ...] = (),
    is_preview: bool = False,
) -> str:
    file = SynonymsFile(current.settings().synonyms_path, current.analyzer())
    in_file = len(file.synonyms.rules)
    lines = text.splitlines()
    return render_template(
        "admin/words.html",
        text=text,
        wrong=[(number, lines[number - 1], _what_is_wrong(reason)) for number, reason in wrong or ()],
        questions="\n".join(questions or ()),
        tried=tried,
        is_preview=is_preview,
        versions=vocabulary.versions(current.session()),
        in_file=in_file,
        file_problem=bool(file.problem),
        unanswered=_unanswered(),
        done=request.args.get("done", "") if request.method == "GET" else "",
        longest=vocabulary.LONGEST,
    )


def _what_is_wrong(reason: str) -> str:
    known: dict[str, str] = {
        "arrows": gettext("There is more than one =>."),
        "empty": gettext("There is nothing between two commas, or before or after one."),
        "many": gettext("There are more than %(most)d words or phrases: write fewer in one line.", most=MOST_PHRASES),
        "single": gettext("There is one word only: write its synonyms too, separated by commas."),
    }
    return known.get(reason) or str(gettext("These words are too common to be searched for."))


def _unanswered() -> list[tuple[Topic, int]]:
    """Topics of everybody about which at least five people found nothing in one week, and the most that did."""
    topics = visible_topics(current.session(), ANYONE)
    found = searched(current.session(), topics, current_day())
    counts = {
        topic.id: max((week.people for week in found.get(topic.id, ()) if week.verdict is Verdict.UNKNOWN), default=0)
        for topic in topics
    }
    ranked = sorted((topic for topic in topics if counts[topic.id]), key=lambda topic: -counts[topic.id])
    return [(topic, counts[topic.id]) for topic in ranked[:10]]
