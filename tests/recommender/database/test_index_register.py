"""database/index_register.py: one generation is live, and all who ask are told the same."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from recommender.database import index_register
from recommender.database.index_register import IndexRegister
from recommender.errors import IndexLocked
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings


def test_one_generation_is_live_and_those_that_nobody_needs_are_forgotten(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    register, other = IndexRegister(settings, sessions), IndexRegister(settings, sessions)
    assert (register.live(), register.names(), register.files("gen-000001")) == (None, [], {})
    register.publish("gen-000001", {"manifest.json": b"one", "space.npz": bytes(range(256))}, [])
    register.publish("gen-000002", {"manifest.json": b"two"}, ["gen-000001"])
    assert (other.live(), other.names()) == ("gen-000002", ["gen-000001", "gen-000002"])
    assert other.files("gen-000001") == {"manifest.json": b"one", "space.npz": bytes(range(256))}
    other.make_live("gen-000001")
    assert register.live() == "gen-000001"
    register.publish("gen-000003", {"manifest.json": b"three"}, ["gen-000001"])
    assert other.names() == ["gen-000001", "gen-000003"]
    register.publish("gen-000003", {"manifest.json": b"again"}, ["gen-000001"])
    assert other.files("gen-000003") == {"manifest.json": b"again"}
    register.forget_others()
    assert (other.live(), other.names()) == ("gen-000003", ["gen-000003"])


def test_the_name_of_the_installation_is_drawn_once(settings: Settings, sessions: sessionmaker[Session]) -> None:
    name = IndexRegister(settings, sessions).store()
    assert name.startswith("kollega_") and IndexRegister(settings, sessions).store() == name


def test_a_register_without_sessions_leaves_no_connection_open(
    settings: Settings, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sessionmaker[Session]] = []

    def remember(given: Settings) -> sessionmaker[Session]:
        opened.append(index_register_opens(given))
        return opened[-1]

    index_register_opens = index_register.open_database
    monkeypatch.setattr(index_register, "open_database", remember)
    register = IndexRegister(settings)
    with register.locked(), pytest.raises(IndexLocked, match="being written"), register.locked():
        pass
    register.publish("gen-000001", {"manifest.json": b"one"}, [])
    assert (register.live(), register.names()) == ("gen-000001", ["gen-000001"])
    assert opened and all(each.kw["bind"].pool.checkedin() == 0 for each in opened)


def test_a_lock_that_nobody_has_signed_is_told_in_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_register, "leader", lambda *_: None)
    register = IndexRegister(settings)
    with register.locked(), pytest.raises(IndexLocked, match="another process") as refused, register.locked():
        pass
    said = str(refused.value)
    assert isinstance(said, Sentence) and isinstance(said.values["holder"], Sentence)
