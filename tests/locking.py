"""Another process that holds the lock for writing the database."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from recommender.database.dialects.postgresql import WRITING
from recommender.settings import Settings

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN " + sys.argv[2])
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


@contextmanager
def locked_by_another_process(settings: Settings, kind: str = "EXCLUSIVE") -> Iterator[None]:
    """Another process holds the lock for writing; on PostgreSQL a connection of this one."""
    if settings.database:
        with psycopg.connect(settings.database.replace("+psycopg", "")) as connection:
            connection.execute(f"SELECT pg_advisory_xact_lock({WRITING})")
            yield
        return
    command = [sys.executable, "-c", LOCK, str(settings.home / "kollega.db"), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout and process.stdout.readline() == "locked\n"
        yield
        process.communicate("\n")
