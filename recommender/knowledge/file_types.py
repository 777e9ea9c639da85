"""Which type a file is, by what is in it: the name that a browser sends may be anything."""

import io
import re
import unicodedata
import zipfile
from collections.abc import Collection

import puremagic

MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "txt": "text/plain",
    "zip": "application/zip",
}
"""The media type with which a file of each type is sent."""
IMAGES = frozenset({"png", "jpg", "gif", "webp"})
LONGEST_NAME = 150  # characters, as in the table
_NAMES_OF = {"jpg": ("jpg", "jpeg"), "txt": ("txt", "log", "csv", "md")}
_OFFICE = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx", "ppt/presentation.xml": "pptx"}
_BY_MEDIA_TYPE = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # not tab, line ends and the escape of coloured logs
_LONGEST_TYPE = 200  # bytes of the entry of an OpenDocument file that names its type: a judgement


def kind_of(content: bytes, allowed: Collection[str]) -> str | None:
    """The type of a file's content, one of `allowed`; None when it is none of them. What is no other type and is
    readable text is `txt`, whatever language it is written in: it is only ever sent as plain text."""
    found = {_kind_of_zip(content)} if content[:4] == b"PK\x03\x04" else _by_magic(content)
    known = sorted(kind for kind in found if kind and kind in allowed and kind != "txt")
    if known:
        return known[0]
    return "txt" if "txt" in allowed and _is_text(content) else None


def clean_name(sent: str, kind: str) -> str:
    """The name of a file as it is shown: the last part of what was sent, without control and direction characters, and
    with an ending that agrees with its type, so that nobody opens it as something else."""
    shown = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", re.split(r"[/\\]", sent)[-1])
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
    )
    shown = re.sub(r"\s+", " ", shown).strip()
    stem, dot, ending = shown.rpartition(".")
    if not (dot and ending.lower() in _NAMES_OF.get(kind, (kind,))):
        stem, ending = shown, kind
    stem = stem.strip(" .")[: LONGEST_NAME - len(ending) - 1]
    return f"{stem or 'file'}.{ending}"


def words_of(name: str) -> str:
    """What search reads of a file's name: the words in it, and the name, which is one word for search."""
    stem = name.rpartition(".")[0]
    words = " ".join(re.split(r"[\W_]+", stem)).strip()
    return f"{words} ({name})" if words else name


def _by_magic(content: bytes) -> set[str | None]:
    try:
        matches = puremagic.magic_string(content)
    except (puremagic.PureError, ValueError):
        return set()
    return {_BY_MEDIA_TYPE.get(match.mime_type) for match in matches if match.byte_match}


def _kind_of_zip(content: bytes) -> str | None:
    """Office files are zip files. One with macros is none of ours."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                macros = any(name.lower().endswith("vbaproject.bin") for name in names)
                return None if macros else next((kind for part, kind in _OFFICE.items() if part in names), None)
            entry = archive.getinfo("mimetype") if "mimetype" in names else None
            if entry is not None and entry.file_size <= _LONGEST_TYPE:
                return _BY_MEDIA_TYPE.get(archive.read(entry).decode("ascii", "replace").strip())
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, KeyError):
        return None
    return "zip"


def _is_text(content: bytes) -> bool:
    for encoding in ("utf-8-sig", "utf-16"):
        if encoding == "utf-16" and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            return bool(content.strip()) and not _CONTROLS.search(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    return False
