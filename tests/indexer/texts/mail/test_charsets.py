"""Bytes of mail become the text that was meant."""

import pytest

from indexer.texts.mail.charsets import codec_name, decoded


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Näyttö".encode(), None, "Näyttö"),
        ("Näyttö".encode("cp1252"), None, "Näyttö"),
        ("Ääni, öljy ja å".encode("cp1252"), None, "Ääni, öljy ja å"),
        ("25 €".encode("cp1252"), "iso-8859-1", "25 €"),
        ("25 €".encode("iso-8859-15"), "iso-8859-15", "25 €"),
        ("тест".encode("koi8-r"), None, "тест"),
        ("Не работает принтер".encode("cp1251"), "us-ascii", "Не работает принтер"),
        ("ä".encode() * 200 + b"\xff", "utf-8", "ä" * 200 + "\ufffd"),
        (b"\x81\x8d", None, "\x81\x8d"),
        (b"", "utf-8", ""),
        (b"abc", "no such thing", "abc"),
        ("Ж".encode("koi8-r"), "koi8-r", "Ж"),
    ],
)
def test_bytes_become_the_text_that_was_meant(data: bytes, charset: str | None, text: str) -> None:
    assert decoded(data, charset) == text


@pytest.mark.parametrize("name", ["base64", "rot13", "zip", "", None, "x" * 500, "utf-8\0"])
def test_what_is_no_character_set_is_not_taken_for_one(name: str | None) -> None:
    assert codec_name(name) in (None, "utf-8")
