"""Slack's markup as Markdown: mentions, channels, links, bold and struck-out words, entities."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_ANGLE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]*[^\s*])\*(?![\w*])")
_STRUCK = re.compile(r"(?<![\w~])~(?![\s~])([^~\n]*[^\s~])~(?![\w~])")


def markdown_of(text: str, people: Mapping[str, str]) -> str:
    """A text of Slack as Markdown. `people` are the names of users by their ids."""
    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_words(text[end : code.start()], people), _code(code[0])]
        end = code.end()
    return "".join([*parts, _words(text[end:], people)]).strip()


def _words(text: str, people: Mapping[str, str]) -> str:
    text = _STRUCK.sub(r"~~\1~~", _BOLD.sub(r"**\1**", text))
    return unescape(_ANGLE.sub(lambda found: _named(found, people), text))


def _code(text: str) -> str:
    plain = unescape(_ANGLE.sub(lambda found: found[3] or found[2], text))
    if not text.startswith("```"):
        return plain
    return f"\n```\n{plain[3:-3].strip(chr(10))}\n```\n"


def _named(found: re.Match[str], people: Mapping[str, str]) -> str:
    kind, target, label = found[1], found[2], found[3]
    if kind == "@":
        return f"@{people.get(target) or label or target}"
    if kind == "#":
        return f"#{label or target}"
    if kind == "!":
        return label or f"@{target.split('^')[0]}"
    if target.startswith(("mailto:", "tel:")):
        return label or target.partition(":")[2]
    if label and label != target and not target.endswith(label):
        return f"[{label}]({target})"
    return target


def text_of_blocks(blocks: Any) -> str:
    """The words of the blocks of a message that has no text beside them, in Slack's markup."""
    lines: list[str] = []
    for block in blocks if isinstance(blocks, list) else []:
        lines.append(_block(block))
    return "\n".join(line for line in lines if line).strip()


def _block(element: Any) -> str:
    """The words of a block or of an element in it."""
    if isinstance(element, str):
        return element
    if not isinstance(element, dict):
        return ""
    kind = element.get("type", "")
    inside = element.get("elements") or element.get("fields") or []
    if kind == "text":
        return str(element.get("text", ""))
    if kind == "user":
        return f"<@{element.get('user_id', '')}>"
    if kind == "channel":
        return f"<#{element.get('channel_id', '')}>"
    if kind == "link":
        label = element.get("text")
        return f"<{element.get('url', '')}|{label}>" if label else f"<{element.get('url', '')}>"
    if kind == "emoji":
        return f":{element.get('name', '')}:"
    joined = [_block(each) for each in inside] if isinstance(inside, list) else []
    if kind == "rich_text_preformatted":
        return f"```{''.join(joined)}```"
    if kind == "rich_text_list":
        return "\n".join(f"- {line}" for line in joined)
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in "".join(joined).splitlines())
    if kind == "rich_text_section":
        return "".join(joined)
    return "\n".join(part for part in (_block(element.get("text")), *joined) if part)
