"""What the pages about people say: what is wrong with a form, and what an act will do."""

from flask_babel import gettext

from recommender.errors import AccountError
from recommender.membership.people_file import Row

_FIELDS = {"handle": "handle", "handle_taken": "handle", "email": "email", "email_taken": "email", "team": "teams"}


def problem_of(error: AccountError) -> dict[str, str]:
    """What is wrong, by the id of the field in which it is."""
    texts = {
        "handle": gettext("A user name has at most 120 characters, without spaces and without / ? # %."),
        "handle_taken": gettext("Somebody has this user name already. Choose another one."),
        "email": gettext("This is not an e-mail address such as aino@example.org."),
        "email_taken": gettext("Somebody else has this e-mail address. An address belongs to one person."),
        "team": gettext("One of these teams is not there any more. Choose again."),
        "last_admin": last_admin(),
    }
    return {_FIELDS.get(error.reason, "role"): texts.get(error.reason, str(error))}


def line_problem(row: Row) -> str:
    """Why a line of a file was refused."""
    texts = {
        "role": gettext("no such role"), "team": gettext("no such team"), "day": gettext("not a day"),
        "twice": gettext("an earlier line is about the same person"),
    }  # fmt: skip
    known = texts.get(row.reason)
    return str(known) if known else next(iter(problem_of(AccountError(row.problem, row.reason)).values()))


def last_admin() -> str:
    """Why an act was refused that would have left nobody who is an admin."""
    return str(gettext("This is the only admin who may sign in and stays. Make somebody else an admin first."))


def name_missing() -> str:
    """What is said of an empty name."""
    return str(gettext("Write the name."))
