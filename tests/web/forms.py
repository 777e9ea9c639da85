"""Reads the forms of a page, so that tests send what a browser would send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass
class Form:
    """A form of a page: its address, and the names and values of its fields, as a browser sends them when the form is
    not touched. Buttons with a name, and further options, are in `others`."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = self._area = ""
        self._chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        if not self.forms:
            return
        form, name, value = self.forms[-1], values.get("name", ""), values.get("value", "")
        if tag == "input" and name:
            ticked = values.get("type") not in ("checkbox", "radio") or "checked" in values
            (form.fields if ticked else form.others).append((name, value))
        elif tag == "button" and name:
            form.others.append((name, value))
        elif tag == "select":
            self._select, self._chosen = name, False
        elif tag == "option" and self._select:
            first, self._chosen = not self._chosen, True
            if "selected" in values:
                form.fields = [pair for pair in form.fields if pair[0] != self._select]
            (form.fields if first or "selected" in values else form.others).append((self._select, value))
        elif tag == "textarea":
            self._area = name
            form.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area and self.forms and self.forms[-1].fields:
            name, value = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, (value + data).removeprefix("\n"))


def forms_of(page: str) -> list[Form]:
    """The forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def press(visitor: FlaskClient, path: str, action: str, **changed: str) -> TestResponse:
    """Open a page and send its form with this address, with some fields changed."""
    found = next(form for form in forms_of(visitor.get(path).text) if form.action == action)
    return visitor.post(action, data={**dict(found.fields), **changed})
