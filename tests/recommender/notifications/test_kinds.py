"""notifications/kinds: each kind has its texts in every language of the pages."""

import pytest

from recommender.notifications.kinds import KINDS, Kind
from recommender.setting_values import PAGE_LANGUAGES


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_each_language_has_all_texts_and_its_own(kind: Kind) -> None:
    texts = [kind.texts(language) for language in PAGE_LANGUAGES]
    assert len({each.label for each in texts}) == len(PAGE_LANGUAGES)
    assert len({(bool(each.by), bool(each.happened), bool(each.next_step)) for each in texts}) == 1
    assert len({"{who}" in each.by for each in texts}) == 1


def test_another_language_is_told_in_english() -> None:
    kind = KINDS["reply"]
    assert kind.texts("de") == kind.en and kind.sentence("sv", "Aino") == "Aino svarade"
