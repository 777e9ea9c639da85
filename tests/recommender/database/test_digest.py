"""database/import_tables.py: digests are stored, so they must stay what they are."""

import base64
import hashlib
import json
from datetime import date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.database.import_tables import digest

_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates() | st.datetimes(),
    lambda inside: st.lists(inside) | st.lists(inside).map(tuple) | st.dictionaries(st.text(), inside),
)


def _of_json(value: Any) -> str:
    def iso(time: date | datetime) -> str:
        return time.isoformat()

    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=iso)
    hashed = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=9)
    return base64.urlsafe_b64encode(hashed.digest()).decode()


@settings(max_examples=50)
@given(_VALUES)
def test_a_digest_is_that_of_the_value_as_json(value: Any) -> None:
    assert digest(value) == _of_json(value)


def test_a_digest_stays_as_it_was_stored() -> None:
    assert digest(("resolved", datetime(2026, 1, 2, 8), None, ["1", "ä\n"])) == "KAb78Kl7qsVb"
