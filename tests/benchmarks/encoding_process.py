"""What it would cost to encode questions in one process that several servers share, and what memory it would save.

The same titles of the demo are encoded in turns here, and by a process at the other end of a Unix socket. Memory is
proportional set size: here before and after the model is loaded, and of that process. Prints the figures and writes
results/encoding-process.json.

Usage: KOLLEGA_HOME=DIR python -m tests.benchmarks.encoding_process [--questions 200]
"""

import multiprocessing
import time
from multiprocessing.connection import Client, Connection, Listener
from statistics import median
from typing import Any

import click
import numpy as np
import psutil

from recommender.encoder.load import load_encoder
from recommender.settings import Settings
from tests.benchmarks.record import provenance, write
from tests.benchmarks.serving import titles

_FAMILY = "AF_UNIX"


def serve(settings: Settings, address: str) -> None:
    """Encode what comes until nothing comes any more."""
    encoder = load_encoder(settings)
    encoder.encode_queries(["warm"])
    with Listener(address, _FAMILY) as listener, listener.accept() as connection:
        while text := connection.recv():
            connection.send_bytes(encoder.encode_queries([text])[0].tobytes())


@click.command()
@click.option("--questions", default=200, show_default=True)
def main(questions: int) -> None:
    """Run it, print the figures and write them."""
    settings, here = Settings.from_environment(), psutil.Process()
    address = f"/tmp/kollega-encoding-{here.pid}"  # noqa: S108 - a socket of this benchmark alone
    there = multiprocessing.get_context("spawn").Process(target=serve, args=(settings, address))
    there.start()
    try:
        with _connected(address) as connection:
            figures = _measured(settings, connection, psutil.Process(there.pid), (titles() * 10)[:questions])
            connection.send("")
    finally:
        there.join(10)
        there.kill()
    for name, value in figures.items():
        click.echo(f"{name}: {value:.2f}")
    write("encoding-process", provenance("python -m tests.benchmarks.encoding_process") | figures)


def _connected(address: str) -> Connection:
    while True:
        try:
            return Client(address, _FAMILY)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.1)


def _measured(settings: Settings, connection: Connection, there: psutil.Process, texts: list[str]) -> dict[str, float]:
    here = psutil.Process()
    before = _megabytes(here)
    encoder = load_encoder(settings)
    encoder.encode_queries(["warm"])
    memory = {"model_mb": _megabytes(here) - before, "process_mb": _megabytes(there)}
    clock: dict[str, list[float]] = {"here": [], "socket": []}
    used: dict[str, list[float]] = {"here": [], "socket": []}
    for text in texts:
        vectors: list[Any] = []
        for way, encode in (
            ("here", lambda text: encoder.encode_queries([text])[0]),
            ("socket", lambda text: _asked(connection, text)),
        ):
            began, processor = time.perf_counter(), _processor(here) + _processor(there)
            vectors.append(encode(text))
            clock[way].append(1000 * (time.perf_counter() - began))
            used[way].append(1000 * (_processor(here) + _processor(there) - processor))
        assert np.allclose(vectors[0], vectors[1], atol=1e-4)
    times = {f"{way}_ms": median(each) for way, each in clock.items()}
    return (
        {"questions": len(texts)} | times | {f"{way}_processor_ms": sum(e) / len(e) for way, e in used.items()} | memory
    )


def _asked(connection: Connection, text: str) -> Any:
    connection.send(text)
    return np.frombuffer(connection.recv_bytes(), np.float32)


def _processor(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6


if __name__ == "__main__":
    main()
