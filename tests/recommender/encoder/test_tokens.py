"""encoder/tokens.py: a text of Latin letters has the same tokens when only the pieces for such texts are loaded."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer as Library

from recommender.encoder import tokens
from recommender.encoder.load import load_encoder
from recommender.encoder.openvino import card_of_export, exported_in
from recommender.encoder.packaged import NAME, folder_in
from recommender.encoder.tokens import Tokenizer
from recommender.settings import Settings
from tests.conftest import MODELS

TEXTS = [
    "", " ", "query: Tulostin ei tulosta, mitä teen?", "passage: VPN-yhteys katkeaa (virhe 809)\n\n\tC:\\Temp\\x.log",
    "Där står “fel 0x80070005” – prova igen…", "ﬁle №5 ½ ™ x² ｅ", "naïve café a\u0308iti", "tee näin → ✓ OK 🙂",
    "Привет, как дела?", "打印机卡纸", "\u2581already", "<s> </s> <unk> <mask>", "a\x00b\u200bc\ufeffd", "¨ ´ ¸", "é" * 30,  # noqa: E501
    "日本 and Latin", "Zürich 北京", "www.example.org/a?b=c&d=%20#e", "ĸŋŧłøæßþð", "ŉ ǆ ǅ", "①② ㎏ Å Ω", "❤️ ☎️ 1️⃣",
    "x" * 5000, "tulosti men " * 300,
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tokenizer of the packaged model."""
    own = Settings(home=tmp_path_factory.mktemp("home"))
    (own.home / "models").symlink_to(MODELS, target_is_directory=True)
    card = card_of_export(NAME, folder_in(own.models_dir), own.models_dir) or load_encoder(own).card
    return exported_in(own.models_dir, NAME, card.revision) / "tokenizer.json"


@pytest.fixture(scope="module")
def stored_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def library(path: Path) -> Library:
    """The tokenizer with all of its pieces."""
    whole = Library.from_file(str(path))
    whole.no_padding()
    whole.enable_truncation(512)
    return whole


def _drawn(texts: int) -> list[str]:
    """Texts of characters that are drawn by chance, most of them Latin."""
    chance = random.Random(0)  # noqa: S311 - not for secrets
    ranges = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x1E00, 0x1EFF), (0x2000, 0x2BFF), (0x1F300, 0x1FAFF)]

    def character() -> str:
        first, last = chance.choice(ranges)
        return chr(chance.randint(first, last))

    return ["".join(character() for _ in range(chance.randint(1, 60))) for _ in range(texts)]


def test_texts_have_the_same_tokens_as_with_all_pieces(path: Path, stored_in: Path, library: Library) -> None:
    tokenizer = Tokenizer(path, stored_in, 512)
    assert tokenizer._latin is not None
    texts = [*TEXTS, *_drawn(3000)]
    latin = [text for text in texts if tokenizer._is_latin(text)]
    others = [text for text in texts if not tokenizer._is_latin(text)]
    assert len(latin) > 1000 and len(others) > 10
    for some in (latin, others, texts):
        wanted = [encoding.ids for encoding in library.encode_batch(some)]
        assert [numbers.tolist() for numbers in tokenizer.numbers(some)] == wanted
    for text in texts:
        whole = library.encode(text, add_special_tokens=False)
        assert tokenizer.count(text) == len(whole.ids) + sum(len(part.ids) for part in whole.overflowing)


def test_all_pieces_are_loaded_for_the_first_text_that_needs_them(path: Path, stored_in: Path) -> None:
    tokenizer = Tokenizer(path, stored_in, 512)
    assert tokenizer.count("Tulostin ei tulosta 🙂") and tokenizer._whole is None
    assert tokenizer.count("打印机") and tokenizer._whole is not None


def test_a_part_that_cannot_be_stored_is_left_out(
    path: Path, tmp_path: Path, library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    tokenizer = Tokenizer(path, tmp_path / "file", 512)
    assert "A part of the tokenizer cannot be stored" in caplog.text
    assert tokenizer.numbers(["Tulostin"])[0].tolist() == library.encode("Tulostin").ids


def test_pieces_that_cannot_be_divided_are_all_loaded(
    path: Path, tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_is_divisible", lambda _content: False)
    for _ in range(2):
        tokenizer = Tokenizer(path, tmp_path, 512)
        assert (
            tokenizer._latin is None and tokenizer.numbers(["Tulostin"])[0].tolist() == library.encode("Tulostin").ids
        )
    assert len(list(tmp_path.glob("tokenizer-*"))) == 1


def _content(**changed: Any) -> dict[str, Any]:
    """A tokenizer that can be divided, but for what is changed."""
    return {
        "model": {"type": "Unigram", "vocab": []}, "added_tokens": [{"id": 0}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581"},
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"model": {"type": "BPE"}},
        {"model": {"type": "Unigram", "byte_fallback": True}},
        {"added_tokens": [{"id": 250_001}]},
        {"normalizer": None},
        {"normalizer": {"type": "Precompiled"}},
        {"pre_tokenizer": None},
        {"pre_tokenizer": {"type": "Metaspace", "replacement": "\u0120"}},
        {"pre_tokenizer": {"type": "Metaspace", "replacement": "\u4e00"}},
    ],
)
def test_only_pieces_of_one_kind_of_tokenizer_are_divided(changed: dict[str, Any]) -> None:
    assert tokens._is_divisible(_content())
    assert not tokens._is_divisible(_content(**changed))


def test_a_pattern_matches_the_characters_that_are_named_and_no_others() -> None:
    import re

    pattern = re.compile(tokens._pattern([0, 9, 45, 92, 93, 94, 0x1F642]))
    assert [number for number in range(0x20000) if pattern.fullmatch(chr(number))] == [0, 9, 45, 92, 93, 94, 0x1F642]
    assert np.all([pattern.fullmatch("")])
