"""monitoring/quality.py: the numbers of a calibration, computed by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.monitoring.quality import Bin, First, FoundThreshold, Report, Threshold, report

GIVEN, TRUTH = [0.0, 0.1, 0.15, 0.5, 0.9, 1.0], [False, False, True, True, True, False]


def test_expected_and_found_answers_are_compared_in_groups_and_thresholds_tried() -> None:
    made = report(GIVEN, TRUTH, 30, 40, own=True)
    assert (made.answered, made.unanswered, made.judged, made.own) == (30, 40, 6, True)
    assert [(each.low, each.high, each.questions) for each in made.bins] == [
        (0.0, 0.2, 3),
        (0.4, 0.6, 1),
        (0.8, 1.0, 2),
    ]
    assert made.bins[0].expected == pytest.approx(0.25 / 3) and made.bins[0].answered == pytest.approx(1 / 3)
    assert made.bins[2].answered == 0.5
    by_value = {each.value: each for each in made.thresholds}
    assert by_value[0.1] == Threshold(0.1, 1.0, pytest.approx(2 / 3))
    assert by_value[0.5] == Threshold(0.5, pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_what_other_thresholds_would_have_called_found_is_counted_by_hand() -> None:
    firsts = [First(0.95, True, True), First(0.75, True, False), First(0.2, True, True), First(0.8, False, False)]
    by_value = {each.value: each for each in report(GIVEN, TRUTH, 30, 40, True, firsts).found}
    assert by_value[0.7] == FoundThreshold(0.7, pytest.approx(2 / 3), 1.0, 0.5)
    assert by_value[0.9] == FoundThreshold(0.9, pytest.approx(1 / 3), 0.0, 1.0)
    assert report(GIVEN, TRUTH, 30, 40, True).found == ()


def test_a_report_of_an_earlier_version_has_no_such_figures(tmp_path: Path) -> None:
    made = report(GIVEN, TRUTH, 30, 40, True, [First(0.9, True, True)])
    made.write(tmp_path)
    assert Report.read(tmp_path) == made and made.found
    values = json.loads((tmp_path / "quality.json").read_text())
    del values["found"]
    (tmp_path / "quality.json").write_text(json.dumps(values))
    assert Report.read(tmp_path) == replace(made, found=())


def test_a_report_is_read_as_it_was_written_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    made = report(GIVEN, TRUTH, 30, 40, own=False)
    assert Report.read(tmp_path) is None
    made.write(tmp_path)
    assert Report.read(tmp_path) == made
    (tmp_path / "quality.json").write_text('{"at": 1}')
    assert Report.read(tmp_path) is None
    assert replace(made, bins=(Bin(0.0, 0.2, 1, 0.1, 1.0),)).bins[0].answered == 1.0
