"""insights/gaps/differences.py: which answers say different things, and which only have different numbers."""

import pytest

from recommender.insights.gaps.differences import difference, translated_difference

TEN_DAYS = "At most 10 working days in a year for remote work."


@pytest.mark.parametrize(
    ("first", "second", "unit", "values"),
    [
        (
            "The limit is 10 working days per calendar year, only in EU countries.",
            "No exception needed: it's 20 working days in a calendar year now, in EU countries and the UK.",
            "day", ("10 working days", "20 working days"),
        ),
        (
            "Kulkukortin päiväys vanhenee 14 päivässä.",
            "Huomenta! Kortin päiväys vanhenee 30 päivässä, siis kulkukortin.",
            "day", ("14 päivässä", "30 päivässä"),
        ),
        (
            "Small purchases under 1 500 € need no purchase order.",
            "Purchases under €2,000 need no order: small purchases are paid by card.",
            "euro", ("1 500 €", "€2,000"),
        ),
        (
            "Send the signed form to payroll by mail: payroll@example.org",
            "Send the signed form by mail to payroll: salaries@example.org",
            "mail", ("payroll@example.org", "salaries@example.org"),
        ),
    ],
)  # fmt: skip
def test_sentences_about_the_same_with_another_amount_or_address_differ(
    first: str, second: str, unit: str, values: tuple[str, str]
) -> None:
    found = difference(f"Hello. {first}\nRegards", f"{second}\n\nCall if it does not work.")
    assert found is not None and (found.unit, found.first, found.second) == (unit, *values)
    assert found.first_sentence in first and found.second_sentence in second
    assert difference(second, first) is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Restart it and wait 5 minutes.", "Restart it and wait 5 minutes."),
        (
            "The order takes 1 500,50 € from your budget for tools.",
            "The order takes 1500.5 € from your budget for tools.",
        ),
        ("Invoice 44120 was paid to the supplier today.", "Invoice 44121 was paid to the supplier today."),
        ("The laptop order takes 10 working days.", "The certificate lasts 2 years, then order another."),
        ("Demo units: at most 14 days.", "Swedish texts up to two pages: 3 days."),
        ("Over 10 hours gives full per diem, over 2 hours gives half per diem.", "Over 6 hours gives half per diem."),
        ("Send it to alv@example.org.", "Customers' requests go to orders@example.org."),
        ("", "Everything is 10 days."),
    ],
)
def test_other_numbers_are_no_difference(first: str, second: str) -> None:
    assert difference(first, second) is None and difference(second, first) is None


def test_a_sentence_is_shown_without_the_signs_of_markdown() -> None:
    found = difference("- At most **20 working days in a year** for `remote` work.", TEN_DAYS)
    assert found is not None and found.first_sentence == "At most 20 working days in a year for remote work."


def test_a_translation_differs_when_its_only_amount_of_a_unit_does() -> None:
    english, finnish = "Notice is 14 days. Pay within 30 €.", "Irtisanomisaika on 30 päivää. Maksa enintään 30 €."
    found = translated_difference(english, finnish)
    assert found is not None and (found.first, found.second) == ("14 days", "30 päivää")
    assert translated_difference(english, "Irtisanomisaika on 14 päivää.") is None
    assert translated_difference("14 days, later 7 days.", "30 päivää.") is None


def test_a_long_log_takes_no_long_time() -> None:
    log = "\n".join(f"error {n} after {n} seconds and {n} days " + "x" * 500 for n in range(2_000))
    assert difference(log, log[1:]) is None
