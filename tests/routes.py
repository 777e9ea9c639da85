"""Values for the parts of addresses, to try every route of the application."""

from typing import Any

from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule


def values_of(rule: Rule, number: int = 1, text: str = "it") -> dict[str, Any]:
    """A value for each part of the address of a route: the number, the text, or one of the words that it may be."""
    return {name: _value(converter, number, text) for name, converter in rule._converters.items()}


def _value(converter: BaseConverter, number: int, text: str) -> Any:
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return number if isinstance(converter, IntegerConverter) else text
