"""The index as insights read it. Opening it means reading and checking all of its files, so it stays open from one
update to the next while nothing has changed in it, but not for long without being used: it is all in memory."""

import time

from sqlalchemy.orm import Session, sessionmaker

from recommender.database.index_register import IndexRegister
from recommender.datatypes import LEARNED_MISSING
from recommender.encoder import Encoder
from recommender.index import SearchIndex, generations
from recommender.index.engines import Engine, engine_of
from recommender.live import Live
from recommender.settings import Settings


class OpenIndex:
    """What answers now, opened when it is needed. For one thread."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session]) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._sessions = sessions
        self._live: Live | None = None
        self._used_at = 0.0

    def get(self, encoder: Encoder) -> tuple[Live, SearchIndex]:
        """What answers now, with this encoder, and its index, which is opened once for everything. Raises KollegaError
        when something of the index cannot be used."""
        self._engine = self._engine or engine_of(self._settings, IndexRegister(self._settings, self._sessions))
        self._engine.follow()
        live = self._kept(encoder)
        if live is None:
            self._live = None  # before the new one is opened: both together would take twice the memory
            live = Live.load(self._settings.index_dir, encoder, self._engine)
        index = live.snapshot.index
        if index is None or set(live.snapshot.notices) - {LEARNED_MISSING}:
            directory = generations.live(self._settings.index_dir)
            return live, self._engine.open_generation(directory, encoder.card)  # raises what is wrong
        self._live, self._used_at = live, time.monotonic()
        return live, index

    def close_unless_used(self, seconds: float) -> None:
        """Free its memory, unless it was used in the last `seconds` and still answers: an earlier generation may have
        texts that were erased since."""
        if self._live is None:
            return
        is_another = self._live.snapshot.generation != generations.live_name(self._settings.index_dir)
        if is_another or time.monotonic() - self._used_at >= seconds:
            self._live = None

    def _kept(self, encoder: Encoder) -> Live | None:
        """What was opened before, if it is still the live generation and of the model of this encoder."""
        live = self._live
        if live is None or live.snapshot.generation != generations.live_name(self._settings.index_dir):
            return None
        held = live.snapshot.encoder
        if held is None or held.card != encoder.card:
            return None
        live.encode_with(encoder)
        live.refresh(wait=True)  # learned models, and files that were written in place
        return live
