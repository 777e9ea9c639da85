"""The XML that Jira writes of a search ("Export XML"), as the fields of its interface."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from indexer.sources.exported import Exported
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence, reason_of


def read_xml(path: Path) -> Iterator[Exported]:
    """The issues of a file, one after the other. Raises SourceError when it is cut short or no such XML."""
    number = 0
    try:
        for _event, element in iterparse(path, events=("end",)):
            if element.tag == "item":
                number += 1
                yield Exported(path.name, number, _issue(element))
                element.clear()
    except (ParseError, DefusedXmlException) as error:
        raise SourceError(
            Sentence(
                "%(file)s is cut short or no XML that can be read, after issue %(number)s; the issues before "
                "were loaded. Export it again.",
                file=path, number=number,
            )
        ) from error  # fmt: skip
    except OSError as error:
        raise SourceError(
            Sentence("%(file)s cannot be read: %(reason)s. Check the path.", file=path, reason=reason_of(error))
        ) from error
    if not number:
        raise SourceError(Sentence("%(file)s has no issues. Give the XML of a search in Jira.", file=path))


def _issue(item: Element) -> dict[str, Any]:
    key, category = item.find("key"), item.find("statusCategory")
    project = item.find("project")
    named = {name: _named(item, name) for name in ("priority", "resolution", "security", "type", "status")}
    if (named["resolution"] or {}).get("id") == "-1":  # not resolved
        named["resolution"] = None
    fields: dict[str, Any] = {
        "summary": _text(item, "summary"),
        "description": {"html": _text(item, "description")},
        "created": _text(item, "created"),
        "updated": _text(item, "updated"),
        "resolutiondate": _text(item, "resolved") or None,
        "status": {"statusCategory": {"key": category.get("key") if category is not None else ""}},
        "issuetype": named["type"],
        "priority": named["priority"],
        "resolution": named["resolution"],
        "security": named["security"],
        "reporter": _person(item.find("reporter")),
        "assignee": _person(item.find("assignee")),
        "project": {"key": project.get("key") if project is not None else ""},
        "labels": [label.text for label in item.iterfind("labels/label") if label.text],
        "components": [{"name": each.text} for each in item.iterfind("component") if each.text],
        "attachment": [{"filename": each.get("name")} for each in item.iterfind("attachments/attachment")],
        "comment": {"comments": [_comment(each) for each in item.iterfind("comments/comment")]},
        "issuelinks": list(_links(item)),
    }
    for field in item.iterfind("customfields/customfield"):
        values = "\n".join("".join(value.itertext()) for value in field.iterfind("customfieldvalues/*"))
        for name in (field.get("id"), _text(field, "customfieldname")):
            if name:
                fields.setdefault(name, {"html": values})
    identifier = key.get("id") if key is not None else ""
    return {"id": identifier, "key": _text(item, "key"), "link": _text(item, "link"), "fields": fields}


def _comment(comment: Element) -> dict[str, Any]:
    limits = {name: comment.get(name) for name in ("roleLevel", "groupLevel") if comment.get(name)}
    made = {
        "id": comment.get("id"),
        "author": {"name": comment.get("author")},
        "body": {"html": comment.text or ""},
        "created": comment.get("created"),
    }
    return {**made, "visibility": limits} if limits else made


def _links(item: Element) -> Iterator[dict[str, Any]]:
    for kind in item.iterfind("issuelinks/issuelinktype"):
        for key in kind.iterfind("outwardlinks/issuelink/issuekey"):
            yield {"type": {"name": _text(kind, "name")}, "outwardIssue": {"id": key.get("id"), "key": key.text}}


def _named(item: Element, name: str) -> dict[str, Any] | None:
    element = item.find(name)
    return {"id": element.get("id"), "name": element.text} if element is not None else None


def _person(element: Element | None) -> dict[str, Any] | None:
    """A person; "-1" stands for nobody."""
    if element is None:
        return None
    known = {"accountId": element.get("accountid"), "name": element.get("username")}
    return {**{name: value for name, value in known.items() if value != "-1"}, "displayName": element.text}


def _text(item: Element, name: str) -> str:
    return (item.findtext(name) or "").strip()
