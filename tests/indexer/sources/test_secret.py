"""sources/secret.py: tokens come from the environment or from a file that only its owner can read."""

from pathlib import Path

import pytest

from indexer.sources.secret import read_secret
from recommender.errors import SourceError
from recommender.sentences.sentence import Sentence


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        SourceError, match=r"help-desk: there is no token\. Set KOLLEGA_HELP_DESK_TOKEN, or write it"
    ) as caught:
        read_secret("help-desk")
    assert isinstance(str(caught.value), Sentence)
    monkeypatch.setenv("KOLLEGA_HELP_DESK_TOKEN", " abc \n")
    assert read_secret("help-desk") == "abc"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("very-secret\n", encoding="utf-8")
    path.chmod(0o640)
    with pytest.raises(SourceError, match=r"others can read .* Run: chmod 600") as caught:
        read_secret("desk", file=path)
    assert "very-secret" not in str(caught.value) and isinstance(str(caught.value), Sentence)
    path.chmod(0o600)
    assert read_secret("desk", file=path) == "very-secret"
    path.write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="is empty") as caught:
        read_secret("desk", file=path)
    assert isinstance(str(caught.value), Sentence)
    with pytest.raises(SourceError, match="cannot be read: No such file") as caught:
        read_secret("desk", file=tmp_path / "none")
    assert isinstance(str(caught.value), Sentence)
