"""commands/demo_vectors.py: the demo's texts are not encoded again while it is here, and others always are."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session, sessionmaker

from indexer.commands import demo_vectors
from indexer.commands.demo_vectors import WithDemoVectors
from indexer.sources.demo import vectors
from recommender.database.tables import HelpRequest
from recommender.encoder import Vectors
from recommender.index.model_in_use import FollowingEncoder
from recommender.settings import Settings
from tests.conftest import FakeEncoder


def test_vectors_that_ship_are_taken_while_the_demo_is_here(
    settings: Settings, sessions: sessionmaker[Session], add_request: Callable[..., int], encoder: FakeEncoder,
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    encoded: list[str] = []
    encode = encoder.encode_passages

    def noting(texts: Sequence[str]) -> Vectors:
        encoded.extend(texts)
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_passages", noting)
    shipped = {vectors._digest("passage", "of the demo"): encode(["of the demo"])[0]}
    vectors.save(tmp_path / "vectors.npz", encoder.card, shipped)
    monkeypatch.setattr(
        demo_vectors,
        "with_shipped_vectors",
        lambda given: vectors.with_shipped_vectors(given, tmp_path / "vectors.npz"),
    )
    encoders = WithDemoVectors(FollowingEncoder(replace(settings, model="fake"), encoder), sessions)
    assert not hasattr(encoders, "load")  # only what it answers for: nothing of the other one is half made in it
    assert encoders.get() is encoder
    number = add_request("Printer")
    with sessions.begin() as session:
        request = session.get_one(HelpRequest, number)
        request.source, request.external_id = "demo", "it-001"
    found = encoders.get().encode_passages(["of the demo", "of one's own"])
    assert encoded == ["of one's own"] and np.allclose(found[0], encode(["of the demo"])[0], atol=1e-3)
