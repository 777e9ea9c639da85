"""The inbox of notifications, following a request, and the settings of mail with the link that turns it off."""

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from recommender.notifications import following, inbox
from recommender.notifications.kinds import KINDS
from recommender.notifications.mail_settings import save_mail_preferences, unsubscribe
from recommender.notifications.unsubscribing import read_token
from web.current import session
from web.inbox.told import read_mail_form
from web.input import sent_number
from web.reading import get_request
from web.sign_in.session import current_reader, signed_in

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")
PAGE = 50  # notifications on a page: a judgement
_LAST_PAGE = 1_000


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The notifications of the signed-in person, newest first; 401 when nobody has signed in."""
    signed_in()
    reader, text = current_reader(), request.args.get("page", "1")
    page = min(int(text), _LAST_PAGE) if text.isascii() and text.isdecimal() and 0 < len(text) < 6 else 1
    page = max(page, 1)
    total = inbox.count(session(), reader)
    return render_template(
        "inbox/index.html",
        entries=inbox.entries(session(), reader, first=(page - 1) * PAGE, most=PAGE),
        page=page,
        pages=max(1, -(-total // PAGE)),
    )


@blueprint.post("/read")
def read() -> ResponseReturnValue:
    """Mark one notification as read, or all of them when none is named."""
    signed_in()
    number = sent_number("notification") if request.form.get("notification") else None
    inbox.mark_read(session(), current_reader(), number)
    session().commit()
    return redirect(url_for("inbox.index", page=request.form.get("page") or None))


@blueprint.post("/follow/<int(max=2147483647):request_id>")
def follow(request_id: int) -> ResponseReturnValue:
    """Follow a request or stop that; say that one has the same problem, or take that back."""
    person, help_request = signed_in(), get_request(request_id)
    follows, me_too = following.following(session(), help_request, person)
    what, on = request.form.get("what", ""), bool(request.form.get("on"))
    if what not in ("follow", "me_too"):
        abort(404)
    follows, me_too = (on, me_too) if what == "follow" else (follows, on)
    following.follow(session(), help_request, person, follows=follows, me_too=me_too)
    session().commit()
    return redirect(url_for("requests.show", request_id=help_request.id, _anchor="follow"))


@blueprint.get("/settings")
def settings() -> ResponseReturnValue:
    """The settings of mail stand on the page of all settings."""
    signed_in()
    return redirect(url_for("profile.settings", _anchor="mail"))


@blueprint.post("/settings")
def save() -> ResponseReturnValue:
    """Store how the person wants to be mailed. When a field cannot be used, the form is shown again."""
    person = signed_in()
    form, preferences = read_mail_form(request.form)
    if preferences is None:
        return render_template("inbox/settings.html", person=person, mail_form=form), 422
    save_mail_preferences(session(), person.id, preferences)
    session().commit()
    return redirect(url_for("profile.settings", mail="saved", _anchor="mail"))


@blueprint.get("/unsubscribe/<token>")
def ask_to_unsubscribe(token: str) -> ResponseReturnValue:
    """The page with the button that turns mail off, for who has the link from a mail, also without signing in. Opening
    it changes nothing: programs that look at links do that too. 404 for a link that was not made here."""
    _person_id, kinds = _read(token)
    return _unsubscribe_page(token, kinds, done=False)


@blueprint.post("/unsubscribe/<token>")
def stop_mail(token: str) -> ResponseReturnValue:
    """Send no more mail of these kinds: the button of that page, and what mail programs send for "unsubscribe"
    (RFC 8058). 404 for a link that was not made here."""
    person_id, kinds = _read(token)
    if not unsubscribe(session(), person_id, kinds):
        abort(404)
    session().commit()
    return _unsubscribe_page(token, kinds, done=True)


def _unsubscribe_page(token: str, kinds: list[str], done: bool) -> str:
    language = str(get_locale())
    labels = [KINDS[kind].texts(language).label for kind in kinds]
    return render_template("inbox/unsubscribe.html", token=token, labels=labels, done=done)


def _read(token: str) -> tuple[int, list[str]]:
    found = read_token(str(current_app.config["SECRET_KEY"]), token)
    if found is None:
        abort(404)
    return found
