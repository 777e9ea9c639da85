"""The storage format of Confluence, XHTML with macros, as Markdown.

Macros become what they show (code, panels, expands, tasks, states), or nothing when they show what stands elsewhere (a
table of contents, a list of pages). Of a macro that is not known, the text stays. Links and pictures are their names.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

from lxml import etree

from indexer.texts import html_to_markdown, markdown
from indexer.texts.html import decoded
from indexer.texts.html_links import with_whole_addresses

_PREFIXED = re.compile(r"<(/?)(ac|ri|at):([^<>]*)>")
_ATTRIBUTE = re.compile(r"(\s)(ac|ri|at):(?=[\w-]+\s*=)")
_CONTROL = re.compile(
    r"[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]"
    r"|&#(?:[xX]0*1?[0-8b-fB-F]|0*[0-8]|0*1[124-9]|0*2\d|0*3[01]);"
)
_CDATA = "<![CDATA["
_SHOWN_ELSEWHERE = """
toc children pagetree pagetreesearch recently-updated recently-updated-dashboard livesearch anchor contributors
contributors-summary change-history attachments gallery space-attachments spaces-list spaces content-by-label
contentbylabel blog-posts profile-picture profile favpages index navmap popular-labels related-labels
recently-used-labels listlabels search tasks-report-macro detailssummary create-from-template space-details pagelinks
roadmap timeline maplinks
"""
_DROPPED = frozenset(_SHOWN_ELSEWHERE.split())
"""Macros that show what stands elsewhere, or nothing to read."""
_QUOTES = frozenset({"info", "note", "tip", "warning", "panel", "alert"})
_INCLUDES = frozenset({"include", "excerpt-include"})
_EMOTICONS = {"tick": "✔", "cross": "✘", "warning": "⚠", "information": "ℹ", "question": "?", "plus": "+", "minus": "-"}
_NAMED = ("ri-page", "ri-blog-post", "ri-attachment", "ri-space", "ri-user", "ri-url", "ri-shortcut")
_NAMING = (
    "ri-content-title",
    "ri-filename",
    "ri-space-key",
    "ri-account-id",
    "ri-userkey",
    "ri-username",
    "ri-value",
    "ri-parameter",
)


def from_storage_format(text: str, names: Mapping[str, str] | None = None, site: str = "") -> str:
    """The text as Markdown. `names` are those of people, by their keys or account ids, for who is mentioned; `site` is
    the address of the wiki, from which addresses without a host are seen."""
    root = _tree(text)
    if root is None:
        return ""
    rewrite = _Rewriting(names or {})
    for element in reversed(list(root.iter())):  # what is inside first
        if isinstance(element.tag, str):
            rewrite.element(element)
    with_whole_addresses(root, site)
    try:
        return html_to_markdown.write(root)
    except RecursionError:  # nested too deeply
        return markdown.one_line(" ".join(root.itertext()))


def _tree(text: str) -> Any:
    """The tree, with names such as `ac-link`. What is no XML is read as browsers read HTML; None when it is empty."""
    prepared = f"<div>{''.join(_prepared(_CONTROL.sub('', text)))}</div>"
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
    try:
        return etree.fromstring(prepared.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return html_to_markdown.parse(prepared)


def _prepared(text: str) -> Iterator[str]:
    """The text without CDATA sections and entities that XML does not know."""
    position, last = 0, "]]>" if "]]>" in text else "]] >"  # how old exports write it inside their own CDATA
    while (start := text.find(_CDATA, position)) >= 0:
        yield _without_prefixes(text[position:start])
        start += len(_CDATA)
        end = text.find(last, start)
        yield escape(text[start : end if end >= 0 else len(text)])
        if end < 0:
            return
        position = end + len(last)
    yield _without_prefixes(text[position:])


def _without_prefixes(text: str) -> str:
    return decoded(_PREFIXED.sub(_without_prefix, text), keep="<>&\"'")


def _without_prefix(tag: re.Match[str]) -> str:
    attributes = _ATTRIBUTE.sub(r"\1\2-", tag[3])
    return f"<{tag[1]}{tag[2]}-{attributes}>"


class _Rewriting:
    """Makes HTML of elements whose children are HTML already."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._ways: dict[str, Callable[[Any], None]] = {
            "ac-structured-macro": self._macro,
            "ac-macro": self._macro,
            "ac-link": self._link,
            "ac-image": self._image,
            "ac-task-list": lambda element: _rename(element, "ul"),
            "ac-task": self._task,
            "ac-emoticon": self._emoticon,
            "ac-placeholder": _drop,
            "ac-adf-extension": self._extension,
            "at-declarations": _drop,
            "time": lambda element: _become(element, "span", element.get("datetime") or _text(element)),
        }

    def element(self, element: Any) -> None:
        """Change an element; one that is not known stays, and what is in it is written."""
        change = self._ways.get(element.tag)
        if change is not None:
            change(element)
        elif element.tag.startswith(("ac-layout", "ac-rich-text-body", "ac-adf-content")):
            _rename(element, "div")

    def _macro(self, macro: Any) -> None:
        name = (macro.get("ac-name") or "").lower()
        if name in _DROPPED:
            _drop(macro)
            return
        named = self._target(macro)
        settings = {child.get("ac-name") or "": _text(child) for child in macro.findall("ac-parameter")}
        for parameter in macro.findall("ac-parameter"):
            _drop(parameter)
        code = macro.find("ac-plain-text-body")
        title = settings.get("title", "")
        if code is not None:
            self._code(macro, _text(code), settings.get("language", ""), title)
        elif name == "status":
            _become(macro, "span", title)
        elif name == "jira":
            _become(macro, "span", settings.get("key", ""))
        elif name in _INCLUDES:
            _become(macro, "p", named or settings.get("", ""))
        elif name.startswith("view") and named:
            _become(macro, "span", named)
        else:
            _rename(macro, "blockquote" if name in _QUOTES else "div")
            if title:
                macro.insert(0, _made("p", title))

    def _code(self, macro: Any, code: str, language: str, title: str) -> None:
        block = _made("pre", code)
        if language and language.lower() not in ("none", "text", "plain"):
            block.set("class", f"language-{language}")
        _become(macro, "div", "")
        macro.extend([_made("p", title), block] if title else [block])

    def _link(self, link: Any) -> None:
        body = next((child for child in link if child.tag in ("ac-link-body", "ac-plain-text-link-body")), None)
        words = _text(body).strip() if body is not None else ""
        url = link.find("ri-url")
        target = self._target(link) or link.get("ac-anchor") or ""
        if link.find("ri-user") is not None:
            target = f"@{target}" if target else ""
        if url is not None and (address := url.get("ri-value")):
            _become(link, "a", words or address)
            link.set("href", address)
        elif body is not None and len(body):
            for child in list(link):
                if child is not body:
                    _drop(child)
        else:
            _become(link, "span", words or target)

    def _image(self, image: Any) -> None:
        """A picture lying elsewhere stays one; an attached one is its name or what describes it."""
        url = image.find("ri-url")
        words = image.get("ac-alt") or image.get("ac-title") or ""
        caption = image.find("ac-caption")
        said = _text(caption).strip() if caption is not None else ""
        target = self._target(image)
        if url is not None:
            _become(image, "span", "")
            picture = _made("img", "")
            picture.set("src", target)
            picture.set("alt", words)
            picture.tail = f" {said}" if said else None
            image.append(picture)
        else:
            _become(image, "span", " ".join(part for part in (words or target, said) if part))

    def _task(self, task: Any) -> None:
        body, status = task.find("ac-task-body"), task.find("ac-task-status")
        done = status is not None and _text(status).strip() == "complete"
        for child in list(task):
            if child is not body:
                _drop(child)
        _rename(task, "li")
        task.text = "[x] " if done else "[ ] "
        if body is not None:
            _rename(body, "span")

    def _emoticon(self, emoticon: Any) -> None:
        fallback = emoticon.get("ac-emoji-fallback") or ""
        sign = _EMOTICONS.get(emoticon.get("ac-name") or "", "")
        _become(emoticon, "span", sign or (fallback if not fallback.startswith(":") else ""))

    def _extension(self, extension: Any) -> None:
        """What an app shows: its content, or what is there for those that do not know the app."""
        content = list(extension.iter("ac-adf-fallback")) or [
            element for element in extension.iter("div") if element is not extension
        ]
        for child in list(extension):
            _drop(child)
        extension.text = None
        extension.extend(content[:1])
        _rename(extension, "div")

    def _target(self, element: Any) -> str:
        """The name of what an element leads to: a page, a file, a person, an address."""
        for found in element.iter(*_NAMED):
            for attribute in _NAMING:
                value = found.get(attribute)
                if value:
                    return self._names.get(value, value) if found.tag == "ri-user" else str(value)
        return ""


def _text(element: Any) -> str:
    return "".join(element.itertext())


def _made(name: str, text: str) -> Any:
    element = etree.Element(name)
    element.text = text
    return element


def _rename(element: Any, name: str) -> None:
    element.tag = name
    for attribute in list(element.attrib):
        del element.attrib[attribute]


def _become(element: Any, name: str, text: str) -> None:
    """Put a text in place of all that is in an element; what stands behind it stays."""
    _rename(element, name)
    for child in list(element):
        element.remove(child)
    element.text = text


def _drop(element: Any) -> None:
    """Take out an element; the text behind it stays."""
    parent, tail = element.getparent(), element.tail
    if parent is None:
        return
    before = element.getprevious()
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(element)
