"""The page that says what is computed from what, for whom, and how long it is kept. docs/insights-and-people.md has the
same sentences, for works councils; a test compares them."""

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask_babel import gettext

from web.sign_in.session import signed_in

blueprint = Blueprint("insights_about", __name__, url_prefix="/insights")


@dataclass(frozen=True)
class Computed:
    """What is computed, from what, who sees it, and how long it is kept."""

    what: str
    source: str
    readers: str
    kept: str


@blueprint.get("/about")
def show() -> str:
    """The page, for everybody who has signed in."""
    signed_in()
    return render_template("insights/about.html", computed=[*of_topics(), *of_service()], never=never())


def of_topics() -> list[Computed]:
    """What is computed of topics, and of who knows them."""
    return [
        Computed(
            gettext("Topics, and their names"),
            gettext("Solved requests and guides that all who see the topic may read, at least 5 of them."),
            gettext("Whoever may read all of its items."),
            gettext("Until they are computed anew; a topic goes with an item that is erased."),
        ),
        Computed(
            gettext("Who knows a topic, and how much would find no answer without them"),
            gettext("Who answered its requests and keeps its verified guides; its past questions are asked again."),
            gettext("The leads of the team that handles the topic, and each person for themself."),
            gettext("Until it is computed anew. Of each week only figures of the topic are kept, none of a person."),
        ),
        Computed(
            gettext("What is worth doing about it"),
            gettext("The same, and which guides there are."),
            gettext("The leads of the team that handles the topic."),
            gettext("Until it is done or dropped, and what it has changed afterwards."),
        ),
        Computed(
            gettext("“I am teaching this to ...”"),
            gettext("What a person writes on their own page."),
            gettext("That colleague, and the leads of the team that handles the topic."),
            gettext("Until the person takes it back."),
        ),
        Computed(
            gettext("How many people looked for something about a topic"),
            gettext("Searches of people who have signed in; never the words. Shown from 6 people on, rounded."),
            gettext("The leads of the team that handles the topic."),
            gettext("A year. The key that tells people apart is destroyed when the week has ended."),
        ),
    ]


def of_service() -> list[Computed]:
    """What is computed of the service of a team."""
    return [
        Computed(
            gettext("Which teams ask a team, and about what"),
            gettext("The requests to the team, and in which team their askers are; not for requests without a name."),
            gettext("The members of the team."),
            gettext("It is counted when the page is opened, and kept nowhere."),
        ),
        Computed(
            gettext("How long people wait for a first answer and for a solution"),
            gettext("The times of the team's requests. At least 3 colleagues must have answered, none more than half."),
            gettext("The members of the team."),
            gettext("It is counted when the page is opened, and kept nowhere."),
        ),
        Computed(
            gettext("Solved by itself, read and left, said it did not help, opened again"),
            gettext("Clicks on answers of the team and requests that were opened again, with their day; not who."),
            gettext("The members of the team, a week later, and from 5 times on."),
            gettext("As long as the answer is kept."),
        ),
        Computed(
            gettext("Whether somebody sent a request after an answer had helped"),
            gettext("A mark made of the person and the topic, with a key that is destroyed after 7 days."),
            gettext("Nobody. It only lowers the figures above."),
            gettext("The mark: 7 days. Then a count for four weeks and a topic, without person, answer and day."),
        ),
        Computed(
            gettext("By what the team measures its success"),
            gettext("What the team writes down itself."),
            gettext("The members of the team."),
            gettext("Always, also after the team has stopped using it."),
        ),
    ]


def never() -> list[str]:
    """What is never computed or shown."""
    return [
        gettext("A list of people by how much they do, or any order of people but that of their names."),
        gettext("How fast a person is. A time that would be that of few colleagues is not shown."),
        gettext("A total for a person, over topics, teams or time."),
        gettext("What somebody searched for or read."),
        gettext("A part in a topic of somebody who asked to be left out of it, or that they have asked."),
        gettext("A figure of fewer than 5 requests or people."),
    ]
