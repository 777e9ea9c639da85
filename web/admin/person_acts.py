"""What an admin does with one person: links to a password, sessions, tokens, second factor, the whole account. What
cannot be taken back is first said, and done when it is confirmed."""

from collections.abc import Callable

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext, ngettext

from recommender import accounts
from recommender.accounts import second_factor, sessions, tokens
from recommender.database.tables import Person
from recommender.errors import AccountError
from recommender.membership import invitations
from recommender.outbox import mail
from web import current
from web.addresses import absolute
from web.admin.frame import current_admin
from web.admin.people import blueprint, get_person, person_page
from web.admin.people_words import problem_of
from web.current import session
from web.sign_in import token_form


@blueprint.post("/<int:number>/invite")
def invite(number: int) -> ResponseReturnValue:
    """Send a link to a password, or show it once where it cannot be sent. That of somebody who has signed in before is
    never shown: whoever has it could sign in as them."""
    admin, person = current_admin(), get_person(number)
    account = accounts.open_account(session(), person)
    can_mail = invitations.can_mail(current.settings()) and bool(account.email)
    if not can_mail and (account.password_hash or account.subject):
        abort(403)
    try:
        invitation = invitations.invite(
            session(), current.settings(), person, str(get_locale()), absolute(""), by=admin.id
        )
    except AccountError:  # the page shows no button then
        abort(409)
    session().commit()
    if invitation.link:
        return person_page(person, link=invitation.link)
    return redirect(url_for("admin_people.show", number=number, done="invited"))


@blueprint.post("/<int:number>/sessions/end")
def end_sessions(number: int) -> ResponseReturnValue:
    """Sign a person out everywhere."""
    admin, person = current_admin(), get_person(number)
    sessions.end_all(session(), person.id, by=admin.id)
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="signed_out"))


@blueprint.post("/<int:number>/tokens")
def make_token(number: int) -> ResponseReturnValue:
    """Make a token for a program, and show it once. 403 for that of another person, which would show the admin what
    only they may read."""
    admin, person = current_admin(), get_person(number)
    if person.id != admin.id and not tokens.is_for_programs(session(), person):
        abort(403)
    name, scopes, days = token_form.read(accounts.SCOPES)
    if not name or not scopes or days is None:
        return redirect(url_for("admin_people.show", number=number, done="token_refused", _anchor="tokens"))
    token = accounts.make_token(session(), person, name, scopes, days or None, by=admin.id)
    session().commit()
    return person_page(person, token=token)


@blueprint.post("/<int:number>/tokens/revoke")
def revoke_token(number: int) -> ResponseReturnValue:
    """End one of the person's tokens; 404 for others."""
    admin, person = current_admin(), get_person(number)
    chosen = request.form.get("token", "")
    known = chosen.isascii() and chosen.isdecimal() and len(chosen) < 10
    if not known or not tokens.revoke(session(), int(chosen), person.id, by=admin.id):
        abort(404)
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="token_revoked", _anchor="tokens"))


@blueprint.post("/<int:number>/disable")
def disable(number: int) -> ResponseReturnValue:
    """Stop a person from signing in, once that is confirmed."""

    def act(person: Person, by: int) -> None:
        accounts.disable(session(), person, by)

    return _confirmed(number, "disable", gettext("Disable the account"), _disabling, act)


@blueprint.post("/<int:number>/enable")
def enable(number: int) -> ResponseReturnValue:
    """Let a person sign in again."""
    admin, person = current_admin(), get_person(number)
    accounts.enable(session(), person, admin.id)
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done="enabled"))


@blueprint.post("/<int:number>/second-factor/reset")
def reset_second_factor(number: int) -> ResponseReturnValue:
    """Take the second factor away from somebody who has lost it, once that is confirmed, and tell them by mail."""

    def act(person: Person, by: int) -> None:
        second_factor.turn_off(session(), person.id, by)
        sessions.end_all(session(), person.id, by=by)
        account = accounts.open_account(session(), person)
        if account.email and current.settings().mail_server:
            mail.queue(session(), person.id, mail.SECOND_FACTOR_OFF, current.settings().language)

    return _confirmed(number, "reset_second_factor", gettext("Turn off two-step sign-in"), _resetting, act)


@blueprint.post("/<int:number>/unlink")
def unlink(number: int) -> ResponseReturnValue:
    """Forget a person's account at the OpenID provider, once that is confirmed."""

    def act(person: Person, by: int) -> None:
        accounts.unlink(session(), person, by)

    return _confirmed(number, "unlink", gettext("Forget the link"), _unlinking, act)


def _confirmed(
    number: int, endpoint: str, button: str, consequences: Callable[[Person], list[str]],
    act: Callable[[Person, int], None],
) -> ResponseReturnValue:  # fmt: skip
    """The page that says what will happen; when the form was confirmed, do it."""
    admin, person = current_admin(), get_person(number)
    if not request.form.get("confirmed"):
        return render_template(
            "admin/person_confirm.html", person=person, button=button, consequences=consequences(person),
            action=url_for(f"admin_people.{endpoint}", number=number),
        )  # fmt: skip
    try:
        act(person, admin.id)
    except AccountError as error:
        session().rollback()
        return person_page(get_person(number), refused=next(iter(problem_of(error).values()))), 409
    session().commit()
    return redirect(url_for("admin_people.show", number=number, done=endpoint))


def _disabling(person: Person) -> list[str]:
    made = len(tokens.of(session(), person.id))
    return [
        gettext("%(name)s cannot sign in any more, until you allow it again.", name=person.name),
        _signed_out(person),
        ngettext("%(num)d token is deleted for good.", "%(num)d tokens are deleted for good.", made),
        gettext("Nobody is sent to them for help any more. What they have written stays."),
    ]


def _resetting(person: Person) -> list[str]:
    return [
        gettext("%(name)s signs in with the password alone, or sets up a new app if one is needed.", name=person.name),
        _signed_out(person),
        gettext("Make sure that it is really them who asks."),
    ]


def _unlinking(person: Person) -> list[str]:
    return [
        gettext("The next account there with the user name %(handle)s is linked to them.", handle=person.handle),
        _signed_out(person),
    ]


def _signed_out(person: Person) -> str:
    number = len(sessions.of(session(), person.id, current.settings().session_idle_days))
    return str(ngettext("%(num)d browser is signed out.", "%(num)d browsers are signed out.", number))
