"""What the pages of teams say about changes, in the page's language."""

from flask_babel import gettext, ngettext

from recommender.database.handles import LONGEST_HANDLES
from recommender.database.lengths import LONGEST_CONTACT
from recommender.database.tables import Team
from recommender.errors import AccountError
from recommender.teams.preview import Deletions, Restricting
from recommender.teams.removing import Belongings, Merging
from recommender.teams.team import LONGEST_NAME
from web.formatting import team_name


def what_is_wrong(error: AccountError) -> str:
    """A sentence about why a team cannot be made or changed like this, and what would be right."""
    if error.reason == "long":
        longest = LONGEST_CONTACT.get(getattr(error, "field", ""), LONGEST_NAME)
        return str(gettext("Shorten the text to %(most)d characters.", most=longest))
    texts = {
        "unusable": gettext(
            "The short name has 1 to %(most)d characters, without spaces and the characters / ? # %%.",
            most=LONGEST_HANDLES["team"],
        ),
        "taken": gettext("Another team has this short name. Choose another one."),
        "empty": gettext("Write a name."),
        "mail": gettext("Write an e-mail address such as it@example.org."),
        "mail_server": gettext("This server cannot send mail yet. Set KOLLEGA_MAIL_SERVER first."),
        "webhook": gettext("Write an address that begins with https://."),
        "handle": gettext("There is nobody with this user name."),
    }
    return str(texts.get(error.reason) or error)


def of_restricting(team: Team, means: Restricting, restricted: bool, anyone: bool) -> list[str]:
    """What changes, and for whom, when new requests to a team are restricted (or shared) by default."""
    name = team_name(team)
    if restricted:
        who = ngettext(
            "New requests to %(team)s can by default be read only by the person who asks and by the %(num)d member"
            " of the team.",
            "New requests to %(team)s can by default be read only by the person who asks and by the %(num)d members"
            " of the team.",
            means.members, team=name,
        )  # fmt: skip
        lines = [who, gettext("Whoever asks can still choose to share their request with everyone.")]
    else:
        who = ngettext(
            "New requests to %(team)s can by default be read by everyone here: %(num)d person.",
            "New requests to %(team)s can by default be read by everyone here: %(num)d people.",
            means.people, team=name,
        )  # fmt: skip
        lines = [who, gettext("Whoever asks can still choose to keep their request to the team.")]
        if anyone:
            lines.append(gettext("People who have not signed in can read them too, since this server lets them read."))
    stay = gettext(
        "Requests that are here already stay as they are: everyone can read %(shared)d of them, and %(kept)d are kept"
        " to those in the request.",
        shared=means.shared, kept=means.restricted,
    )  # fmt: skip
    return [*lines, stay]


def of_keeping(of: Deletions, days: int) -> list[str]:
    """How many requests would be deleted, and when."""
    lines = [
        ngettext(
            "Solved and withdrawn requests are deleted %(num)d day after they were solved or last replied to.",
            "Solved and withdrawn requests are deleted %(num)d days after they were solved or last replied to.",
            days,
        ),
        ngettext(
            "%(num)d request is older than that now, and is deleted within a day.",
            "%(num)d requests are older than that now, and are deleted within a day.",
            of.now,
        ),
    ]
    later = of.in_a_month - of.now, of.in_a_year - of.in_a_month
    lines.append(
        gettext(
            "Of the others, %(month)d are deleted within 30 days and %(year)d more within a year, unless somebody"
            " replies to them.",
            month=later[0], year=later[1],
        )
    )  # fmt: skip
    return [*lines, gettext("Deleted requests cannot be brought back. Guides are not deleted.")]


def of_removing(team: Team, of: Belongings, into: Team | None, means: Merging | None) -> list[str]:
    """What moves when a team is removed, and who may then read more."""
    name = team_name(team)
    if into is None or means is None:
        members = ngettext("%(num)d person is no longer in it.", "%(num)d people are no longer in it.", of.members)
        return [
            gettext("%(team)s and its settings are deleted. No request or guide belongs to it.", team=name),
            members,
        ]
    other = team_name(into)
    lines = [
        gettext("%(team)s is deleted. What belongs to it belongs to %(other)s then:", team=name, other=other),
        ngettext("%(num)d open request", "%(num)d open requests", of.open_requests),
        ngettext("%(num)d solved request", "%(num)d solved requests", of.solved_requests),
        ngettext("%(num)d guide", "%(num)d guides", of.documents),
        gettext("%(notes)d internal notes and %(replies)d canned replies", notes=of.notes, replies=of.canned_replies),
        gettext(
            "%(num)d people join %(other)s, and can then read %(items)d of its items that are not for everyone.",
            num=means.joining, other=other, items=means.for_joining,
        ),
        gettext(
            "%(num)d people who are in %(other)s only can then read %(items)d items of %(team)s that are not for"
            " everyone.",
            num=means.others, other=other, items=means.for_others, team=name,
        ),
        gettext("Who has asked without a name is not shown to the members of %(other)s.", other=other),
    ]  # fmt: skip
    if of.sent_on:
        lines.append(
            ngettext(
                "%(num)d request was sent on to where %(team)s works; later replies to it stay here.",
                "%(num)d requests were sent on to where %(team)s works; later replies to them stay here.",
                of.sent_on, team=name,
            )
        )  # fmt: skip
    return lines
