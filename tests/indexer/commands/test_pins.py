"""`kollega pin`: answers that are shown first for a phrase."""

import json

from tests.indexer.conftest import AINO, REQUEST, TEAM, Kollega, WriteLines


def test_pins_are_added_listed_shown_and_removed(kollega: Kollega, write_lines: WriteLines) -> None:
    kollega("import", "jsonl", write_lines(TEAM, AINO, REQUEST))
    kollega("reindex")
    assert "kollega pin add" in kollega("pin", "list").stderr
    added = kollega("pin", "add", "zebra", "request:1", "--until", "2999-01-31", "--chosen-by", "it")
    assert added.stdout == "pin 1: request:1 is first for 'zebra' until 2999-01-31\n"
    [row] = json.loads(kollega("pin", "list", "--json").stdout)
    assert row == {
        "number": 1, "phrase": "zebra", "item": "request:1", "audience": "everyone", "until": "2999-01-31",
        "chosen_by": "it",
    }  # fmt: skip
    assert kollega("pin", "list").stdout == "1\tzebra\trequest:1\teveryone\t2999-01-31\tit\n"
    assert "chosen by it until 2999-01-31" in kollega("ask", "where is the zebra").stdout
    assert kollega("pin", "remove", "1").exit_code == 0
    assert "chosen by" not in kollega("ask", "where is the zebra").stdout
    gone = kollega("pin", "remove", "1")
    assert gone.exit_code == 1 and "There is no pin 1." in gone.stderr
    wrong = kollega("pin", "add", "zebra", "document:7", "--until", "2999-01-31")
    assert wrong.exit_code == 1 and "is no guide or solved request" in wrong.stderr
