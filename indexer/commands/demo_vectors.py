"""The encoder of `kollega watch` where the demo organisation was loaded into an installation: its texts have vectors
that ship with it, so that it is found within seconds."""

from sqlalchemy.orm import Session, sessionmaker

from indexer.sources.demo.vectors import with_shipped_vectors
from recommender.encoder import Encoder
from recommender.first_run import demo
from recommender.index.model_in_use import Encoders


class WithDemoVectors:
    """Gives the encoder that another one gives, which takes the vectors of the demo's texts from where they ship while
    the demo is here."""

    def __init__(self, encoders: Encoders, sessions: sessionmaker[Session]) -> None:
        self._encoders, self._sessions = encoders, sessions

    def get(self) -> Encoder:
        """The encoder to use now. Raises IndexMismatch as the other one does."""
        encoder = self._encoders.get()
        with self._sessions() as session:
            is_here = bool(demo.here(session))
        return with_shipped_vectors(encoder) if is_here else encoder

    def give_back(self, seconds: float) -> None:
        """Free the memory of the model as the other one does."""
        self._encoders.give_back(seconds)
