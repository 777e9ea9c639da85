"""Makes the vectors that ship with the demo organisation (`indexer/sources/demo/vectors.npz`).

Usage: python -m indexer.research.demo_vectors. It takes a minute or two. Run it after a change of the demo's texts, of
how they are cut into passages, or of the packaged model. The texts are encoded by PyTorch in float32, because OpenVINO
computes in bfloat16 on some processors.
"""

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

from indexer.indexing.reindex import reindex
from indexer.loading.load import load
from indexer.sources.demo import DemoSource
from indexer.sources.demo.vectors import FILE, StoredVectorsEncoder, save
from recommender.database.engine import open_database
from recommender.encoder.load import load_encoder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings


def main() -> None:
    """Index the demo in a temporary home directory, and write the vectors that were encoded for it."""
    settings = Settings.from_environment()
    encoder = StoredVectorsEncoder(load_encoder(replace(settings, backend="torch")), {})
    analyzer = Analyzer(settings.models_dir / "dictionaries")
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = Settings(home=Path(folder))
        sessions = open_database(elsewhere)
        load(DemoSource(date.today()), sessions, analyzer)
        reindex(elsewhere, sessions, encoder, analyzer)
        sessions.kw["bind"].dispose()
    save(FILE, encoder.card, encoder.vectors)
    print(f"{len(encoder.vectors)} vectors, {FILE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
