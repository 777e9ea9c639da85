"""An encoder whose model is loaded when something has to be encoded, and given back when nothing had to be for a while.
For processes that seldom encode, such as `kollega watch`: the model is most of their memory, and takes seconds to load.
"""

import threading
import time
from collections.abc import Callable, Sequence

from recommender.checksums import FileState
from recommender.encoder import Encoder, ModelCard, Vectors
from recommender.errors import ModelError
from recommender.sentences.sentence import Sentence


class RestingEncoder:
    """Encodes as the encoder does that `load` gives, which is the one of `card`. Threads may share it. Everything that
    needs the model raises ModelError when it cannot be loaded, or is another one by now."""

    def __init__(self, card: ModelCard, backend: str, load: Callable[[], Encoder]) -> None:
        self.card, self.backend = card, backend
        self._load = load
        self._loading = threading.Lock()
        self._encoder: Encoder | None = None
        self._needed_at = 0.0

    @property
    def files(self) -> tuple[FileState, ...]:
        """The states of the files of the model while it is loaded."""
        return getattr(self._encoder, "files", ())

    @property
    def is_loaded(self) -> bool:
        """True while the model is in memory."""
        return self._encoder is not None

    def load(self) -> None:
        """Load the model now, if it is not loaded."""
        self._loaded()

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._loaded().encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._loaded().encode_passages(texts)

    def count_tokens(self, text: str) -> int:
        return self._loaded().count_tokens(text)

    def give_back(self, seconds: float) -> None:
        """Free the memory of the model, unless it was needed in the last `seconds`."""
        with self._loading:
            if time.monotonic() - self._needed_at >= seconds:
                self._encoder = None

    def _loaded(self) -> Encoder:
        with self._loading:
            if self._encoder is None:
                encoder = self._load()
                if encoder.card != self.card:
                    raise ModelError(
                        Sentence("The files of %(name)s were changed. Start this command again.", name=self.card.name)
                    )
                self._encoder, self.backend = encoder, encoder.backend
            self._needed_at = time.monotonic()
            return self._encoder
