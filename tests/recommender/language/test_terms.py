"""language/terms.py: the tokens of a text. What `Analyzer` makes of them is in test_analyzer.py."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from recommender.language.terms import _SIGNS, _TOKEN, unify, written_tokens

_PIECES = (
    "vpn", "C++", "C#", "Z:", "F#", ".NET", "a_b", "VPN:ssä", "lodz’s", "e\u0301", "10.3", "--", "\u00ad", "#", "’"
)  # fmt: skip
_texts = st.lists(
    st.one_of(st.sampled_from(_PIECES), st.text(max_size=8), st.sampled_from([" ", "\n", "\u00a0", "\x1c", "\u3000"]))
).map("".join)


@given(_texts)
def test_tokens_are_what_the_pattern_finds_in_the_whole_text(text: str) -> None:
    assert written_tokens(text) == _TOKEN.findall(unify(text))


@given(_texts)
def test_a_text_that_needs_no_change_is_unified_as_any_other(text: str) -> None:
    if not text.isascii():
        assert unify(text) == unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
