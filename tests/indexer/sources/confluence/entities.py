"""Writes small exports of Confluence spaces, with invented texts."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape


def value(name: str, text: str) -> str:
    return f'<property name="{name}">{escape(text)}</property>'


def cdata(name: str, text: str) -> str:
    return f'<property name="{name}"><![CDATA[{text.replace("]]>", "]]]]><![CDATA[>")}]]></property>'


def reference(name: str, kind: str, foreign: str) -> str:
    key = "key" if kind == "ConfluenceUserImpl" else "id"
    return (
        f'<property name="{name}" class="{kind}" package="x"><id name="{key}"><![CDATA[{foreign}]]></id>\n</property>'
    )


def entity(kind: str, foreign: str, *parts: str) -> str:
    key = "key" if kind == "ConfluenceUserImpl" else "id"
    inside = "\n".join(parts)
    return f'<object class="{kind}" package="x">\n<id name="{key}">{foreign}</id>\n{inside}\n</object>\n'


def page(foreign: str, title: str, *parts: str, parent: str = "", status: str = "current", kind: str = "Page") -> str:
    """A page of space 1 that aino wrote."""
    return entity(
        kind,
        foreign,
        cdata("title", title),
        cdata("contentStatus", status),
        value("creationDate", "2026-01-05 09:00:00.000"),
        value("lastModificationDate", "2026-03-02 10:10:00.000"),
        reference("creator", "ConfluenceUserImpl", "u1"),
        reference("space", "Space", "1"),
        reference("parent", "Page", parent) if parent else "",
        *parts,
    )


def body(of: str, text: str, form: str = "2", kind: str = "Page") -> str:
    return entity("BodyContent", f"9{of}", cdata("body", text), reference("content", kind, of), value("bodyType", form))


def restricted(of: str, groups: tuple[str, ...] = (), people: tuple[str, ...] = (), operation: str = "View") -> str:
    """A restriction of a page."""
    owning = reference("owningSet", "ContentPermissionSet", f"7{of}{operation}")
    permissions = [
        entity("ContentPermission", f"6{of}{who}", cdata("type", operation), subject, owning)
        for who, subject in [
            *((group, cdata("groupName", group)) for group in groups),
            *((key, reference("userSubject", "ConfluenceUserImpl", key)) for key in people),
        ]
    ]
    held = entity(
        "ContentPermissionSet",
        f"7{of}{operation}",
        cdata("type", operation),
        reference("owningContent", "Page", of),
    )
    return "".join([*permissions, held])


def viewer(*subject: str) -> str:
    return entity("SpacePermission", "5", cdata("type", "VIEWSPACE"), reference("space", "Space", "1"), *subject)


SPACE = entity("Space", "1", cdata("key", "IT"), cdata("name", "Help desk"))
AINO = entity("ConfluenceUserImpl", "u1", cdata("name", "aino"), cdata("email", "aino@example.org"))


def document(*entities: str) -> str:
    start = '<?xml version="1.0" encoding="UTF-8"?>\n<hibernate-generic datetime="x">\n'
    return f"{start}{''.join(entities)}</hibernate-generic>\n"


def packed(folder: Path, text: str | bytes, name: str = "entities.xml") -> Path:
    """A ZIP with this file."""
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("exportDescriptor.properties", "exportType=space\n")
        file.writestr(name, text)
    return path
