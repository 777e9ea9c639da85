"""Sentences in JSON, with what is needed to say them in any language later."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from recommender.sentences.sentence import Sentence, Size

_PARTS = ("$sentence", "$values")
"""Names that nothing else in the JSON has."""
_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "bytes": Size, "time": datetime.fromisoformat, "day": date.fromisoformat
}  # fmt: skip


def packed(value: Any) -> Any:
    """A value for JSON, in which sentences keep their parts."""
    if isinstance(value, Sentence):
        return dict(zip(_PARTS, (value.text, {name: packed(each) for name, each in value.values.items()}), strict=True))
    if isinstance(value, Size):
        return {"bytes": int(value)}
    if isinstance(value, date):  # and datetime
        return {"time" if isinstance(value, datetime) else "day": value.isoformat()}
    if isinstance(value, Mapping):
        return {name: packed(each) for name, each in value.items()}
    return [packed(each) for each in value] if isinstance(value, list | tuple) else value


def unpacked(value: Any) -> Any:
    """What was packed. Texts that were stored without their parts stay texts."""
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == set(_PARTS):
        text, values = (value[part] for part in _PARTS)
        return Sentence(text, **{name: _unpacked_value(each) for name, each in values.items()})
    return {name: unpacked(each) for name, each in value.items()}


def _unpacked_value(value: Any) -> Any:
    kind, held = next(iter(value.items())) if isinstance(value, dict) else ("", None)
    return _KINDS[kind](held) if kind in _KINDS else unpacked(value)
