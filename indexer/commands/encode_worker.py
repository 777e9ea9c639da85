"""`kollega encode-worker`: encodes texts for the index of another machine."""

import logging
import time
from typing import TYPE_CHECKING

import click

from indexer.commands.running import database, note, stop_after_this_step, stop_when_terminated
from recommender.settings import Settings

if TYPE_CHECKING:
    import threading

    from recommender.database.encode_batches import EncodeBatches
    from recommender.encoder import Encoder

log = logging.getLogger(__name__)
_LOOKS = 0.5  # seconds between two looks for texts: a judgement
_AFTER_ERROR = 5.0  # seconds: a judgement


@click.command("encode-worker")
@click.option("--idle", type=float, help="End after so many seconds without texts, instead of waiting for more.")
@click.pass_obj
def encode_worker(settings: Settings, idle: float | None) -> None:
    """Encode texts for `kollega reindex --share`, which runs on another machine, until stopped.

    It needs the same KOLLEGA_DATABASE, on PostgreSQL, and the same model: where the home has no index of it, set
    KOLLEGA_MODEL. It writes nothing but vectors. Run it on as many machines as you like. What a killed one was at is
    taken by another one.
    """
    from recommender.database.encode_batches import EncodeBatches
    from recommender.database.outages import report_outages
    from recommender.encoder.load import load_encoder
    from recommender.index.model_in_use import with_model_in_use

    stop_when_terminated()
    with database(settings) as sessions:
        engine = sessions.kw["bind"]
        EncodeBatches(engine, "")  # before the model, which takes long to load
        report_outages(engine)
        encoder = load_encoder(with_model_in_use(settings))
        stopping = stop_after_this_step(settings.stop_seconds)
        count = work_until(EncodeBatches(engine, encoder.card.key), encoder, stopping, idle)
    note(log, f"{count} texts encoded", "texts encoded", texts=count)


def work_until(
    batches: "EncodeBatches", encoder: "Encoder", stopping: "threading.Event", idle: float | None = None
) -> int:
    """Encode what waits until it is time to stop, or nothing has been to do for `idle` seconds; how many texts."""
    from indexer.background import Complaints
    from indexer.indexing.encoding_together import encode_for

    encode, complaints, count = encode_for(encoder), Complaints("Texts could not be encoded; trying again", log), 0
    worked_at, told = time.monotonic(), frozenset[str]()
    while not stopping.is_set() and (idle is None or time.monotonic() < worked_at + idle):
        try:
            done = batches.work(encode)
            complaints.succeeded()
        except Exception as error:
            complaints.failed(error)
            stopping.wait(_AFTER_ERROR)
            continue
        count += done
        if done:
            worked_at = time.monotonic()
        else:
            told = _tell_of_others(batches, encoder, told)
            stopping.wait(_LOOKS)
    return count


def _tell_of_others(batches: "EncodeBatches", encoder: "Encoder", told: frozenset[str]) -> frozenset[str]:
    """Log once for each other model that its texts wait; the models that are told of now."""
    waiting = batches.other_models()
    for model in sorted(waiting - told):
        name, own = model.partition(" ")[0], encoder.card.name
        log.warning("Texts for the model %s wait, and this worker has %s. Set KOLLEGA_MODEL=%s here.", name, own, name)
    return waiting
