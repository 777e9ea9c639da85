"""What a lead changes about a topic: its names, another topic that it becomes part of, its two parts, the topic of one
item, and that it is not shown any more. Before topics are merged, divided or ended, a page says in numbers what will
happen."""

import hashlib
from collections.abc import Collection, Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from recommender.corpus import headings
from recommender.datatypes import Heading
from recommender.errors import TopicRefused
from recommender.insights.topics import editing
from recommender.insights.topics.topic import LANGUAGES, Topic
from web import current, once
from web.current import session
from web.insights.chosen import chosen_teams
from web.insights.topic_page import LedTopic, Typed, is_led, led_topic, topic_page
from web.sign_in.session import signed_in

blueprint = Blueprint("topic_changes", __name__, url_prefix="/insights/topics/<int(max=2147483647):topic_id>")


@blueprint.post("/names")
def rename(topic_id: int) -> ResponseReturnValue:
    """Give the topic other names; an empty one brings back the one that it has by itself. 422 when one cannot be
    used."""
    if earlier := _earlier():
        return redirect(earlier)
    led, names = led_topic(topic_id), {language: request.form.get(f"name_{language}", "") for language in LANGUAGES}
    try:
        editing.rename(session(), led.reader, topic_id, names)
    except TopicRefused as refused:
        session().rollback()
        return topic_page(led_topic(topic_id), Typed(names, {f"name_{refused.language}": _in_words(refused)})), 422
    return _changed(topic_id)


@blueprint.route("/merge", methods=("GET", "POST"))
def merge(topic_id: int) -> ResponseReturnValue:
    """Make the topic part of another one, after a page that says what will happen. 404 for a topic that is not among
    those of the same readers that the person leads."""
    if earlier := _earlier():
        return redirect(earlier)
    led = led_topic(topic_id)
    into = _other(led, request.values.get("into", ""))
    if request.method == "GET":
        return render_template("insights/change.html", what="merge", topic=led.topic, into=into)
    editing.merge(session(), led.reader, topic_id, into.id)
    return _changed(into.id)


@blueprint.route("/split", methods=("GET", "POST"))
def split(topic_id: int) -> ResponseReturnValue:
    """Divide the topic into the two parts that it falls into, after a page that shows them. 409 with that page when
    they have become others meanwhile."""
    if earlier := _earlier():
        return redirect(earlier)
    led = led_topic(topic_id)
    index = current.recommender().index
    parts = editing.parts_of(led.topic, index) if index else None
    if request.method == "GET" or parts is None:
        return _split_page(led, parts)
    if request.form.get("parts") != _digest(parts[1]):
        return _split_page(led, parts, other=True), 409
    try:
        new = editing.split(session(), led.reader, topic_id, parts[1], current.analyzer())
    except TopicRefused:  # somebody else has changed it since it was read
        session().rollback()
        led = led_topic(topic_id)
        return _split_page(led, editing.parts_of(led.topic, index) if index else None, other=True), 409
    return _changed(new, topic_id)


@blueprint.post("/move")
def move(topic_id: int) -> ResponseReturnValue:
    """Put an item of the topic into another one. 404 for an item that is not in the topic, and for a topic that is not
    among those of the same readers that the person leads."""
    if earlier := _earlier():
        return redirect(earlier)
    led = led_topic(topic_id)
    into, item = _other(led, request.form.get("into", "")), request.form.get("item", "")
    if item not in led.topic.items:
        abort(404)
    editing.move(session(), led.reader, item, into.id, current.analyzer())
    return _changed(topic_id, into.id)


@blueprint.route("/end", methods=("GET", "POST"))
def end(topic_id: int) -> ResponseReturnValue:
    """Show the topic to nobody any more, after a page that says what that means."""
    if earlier := _earlier():
        return redirect(earlier)
    led = led_topic(topic_id)
    if request.method == "GET":
        return render_template("insights/change.html", what="end", topic=led.topic)
    editing.end(session(), led.reader, topic_id)
    return redirect(once.commit_once(url_for("insights.home")))


@blueprint.post("/show-again")
def show_again(topic_id: int) -> ResponseReturnValue:
    """Show a topic again that was ended. 404 for a topic that is not among those that the person may show again."""
    if earlier := _earlier():
        return redirect(earlier)
    reader = chosen_teams().reader
    if topic_id not in {topic.id for topic in editing.may_show_again(session(), reader)}:
        abort(404)
    editing.show_again(session(), reader, topic_id, current.analyzer())
    return _changed(topic_id)


def _earlier() -> str | None:
    """Where the same form led to when it was sent before; 401 when nobody has signed in."""
    signed_in()
    return once.earlier_result() if request.method == "POST" else None


def _changed(*topic_ids: int) -> ResponseReturnValue:
    """Leads to the first of these topics that the person leads: when its items are others, the team that handles most
    of them may be another one."""
    led = next((topic_id for topic_id in topic_ids if is_led(topic_id)), None)
    address = url_for("insights.home") if led is None else url_for("insights.topic", topic_id=led, changed=1)
    return redirect(once.commit_once(address))


def _other(led: LedTopic, number: str) -> Topic:
    found = next((other for other in led.others if str(other.id) == number), None)
    if found is None:
        abort(404)
    return found


def _split_page(led: LedTopic, parts: tuple[Collection[str], Collection[str]] | None, other: bool = False) -> str:
    """The two parts with their items; `other` says that they are not those that the person has seen before."""
    found = headings(session(), led.topic.items, led.reader)
    return render_template(
        "insights/change.html",
        what="split",
        topic=led.topic,
        parts=[_listed(part, found) for part in parts] if parts else None,
        digest=_digest(parts[1]) if parts else "",
        other=other,
    )


def _listed(keys: Collection[str], found: Mapping[str, Heading]) -> list[Heading]:
    return sorted((found[key] for key in keys if key in found), key=lambda heading: heading.title.casefold())


def _digest(keys: Collection[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def _in_words(refused: TopicRefused) -> str:
    if refused.reason == "too_long":
        return str(gettext("Write a name of at most %(most)d characters.", most=editing.LONGEST_NAME))
    return str(gettext("Another topic has this name. Write another one, or make the two one topic."))
