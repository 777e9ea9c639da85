"""Reads what clients send, where it may be anything: addresses, numbers, and characters that cannot be stored."""

import re
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from flask import Flask, Request, abort, request
from werkzeug.datastructures import MultiDict

_CANNOT_BE_STORED = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of characters (lone surrogates)
_PAGE_DIGITS = 5  # of the largest number of a page
_DIGITS = 9  # of the largest number that is read: ids of rows have no more


class CleanRequest(Request):
    """A request whose query, form and JSON contain only characters that can be stored. Others become U+FFFD, the sign
    for a character that cannot be shown, so that nothing else of what somebody pasted is lost."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        try:
            return self._cleaned(super().args)
        except UnicodeDecodeError:  # bytes that are not UTF-8
            pairs = parse_qsl(self.query_string.decode("utf-8", "replace"), keep_blank_values=True)
            return self._cleaned(MultiDict(pairs))

    def _load_form_data(self) -> None:
        loaded = "form" in self.__dict__
        super()._load_form_data()
        if not loaded:
            self.__dict__["form"] = self._cleaned(self.__dict__["form"])

    def get_json(self, *arguments: Any, **options: Any) -> Any:
        """The JSON body, or what Flask's method says."""
        return clean_json(super().get_json(*arguments, **options))

    def _cleaned(self, fields: MultiDict[str, str]) -> MultiDict[str, str]:
        return self.parameter_storage_class(
            (clean(name or ""), clean(value)) for name, value in fields.items(multi=True)
        )


def attach(app: Flask) -> None:
    """Make all requests clean. An address that contains a character which cannot be stored is no address of ours."""
    app.request_class = CleanRequest
    app.before_request(_refuse_address)


def clean(text: str) -> str:
    """The text with U+FFFD for each character that cannot be stored."""
    return _CANNOT_BE_STORED.sub("\ufffd", text)


def clean_json(value: Any) -> Any:
    """A JSON value with clean texts."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): clean_json(each) for name, each in value.items()}
    return [clean_json(each) for each in value] if isinstance(value, list) else value


def sent_number(name: str) -> int:
    """The whole number in a field of the form; 0 when there is none."""
    text = request.form.get(name, "")
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else 0


def page_number() -> int:
    """The number of the page of a list in the address, from 1; 1 when there is none."""
    text = request.args.get("page", "")
    return int(text) if text.isdecimal() and len(text) <= _PAGE_DIGITS and int(text) else 1


def parts_of(address: str) -> SplitResult:
    """The parts of an address; all empty for one that is none, such as `http://[x`."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _refuse_address() -> None:
    if _CANNOT_BE_STORED.search(request.path):
        abort(404)
