"""private_matters.py: which questions are about something private."""

import pytest

from recommender.language.private_matters import is_private_matter


@pytest.mark.parametrize(
    "text",
    [
        "I am pregnant, when must I tell my manager",
        "How do I report harassment",
        "Can I get a pay rise?",
        "my child is ill",
        "Sick leave: where do I send the certificate",
        "esimies kiusaa minua",
        "miten ilmoitan häirinnästä",
        "miten ilmoitan hairinnasta",
        "sairauslomatodistus",
        "Palkkani on väärin",
        "olen raskaana",
        "mun lapsi on kipeä",
        "jag är sjuk",
        "jag blir mobbad på jobbet",
        "hur ber jag om löneförhöjning",
        "närståendevård av min mamma",
        "begravning",
        "utmattad, ska jag ringa företagshälsan",
    ],
)
def test_health_harassment_pay_and_family_are_private(text: str) -> None:
    assert is_private_matter(text)


@pytest.mark.parametrize(
    "text",
    [
        "VPN does not connect from home",
        "How do I pay an invoice",
        "I'll need a new laptop",
        "my account is disabled",
        "long file names",
        "tulostimessa on häiriö",
        "raskas tiedosto ei lähde",
        "skrivaren fungerar inte",
        "en ny skärm till mötesrummet",
        "",
    ],
)
def test_other_questions_are_not(text: str) -> None:
    assert not is_private_matter(text)
