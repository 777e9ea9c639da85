"""people/teams.py: which team handles a question, and when two are offered."""

from recommender.people.teams import clear_or_two, likely_teams
from tests.recommender.people.conftest import make_trace


def test_a_team_is_named_alone_when_it_is_clear() -> None:
    traces = [make_trace(1, 1.0, team="it"), make_trace(2, 0.8, team="hr"), make_trace(3, 0.9)]
    assert likely_teams(traces) == ("it",)  # 1 against 0.8 ** 4 = 0.41


def test_two_teams_are_offered_when_neither_is_clear_however_many_there_are() -> None:
    traces = [make_trace(number, 1.0, team=team) for number, team in enumerate(("law", "it", "hr", "it", "hr"))]
    assert likely_teams(traces) == ("hr", "it")
    assert clear_or_two({"it": 0.65, "hr": 0.35}) == ("it",)  # ahead by 0.3
    assert clear_or_two({"it": 0.6, "hr": 0.4}) == ("it", "hr")


def test_only_the_nearest_twenty_items_vote() -> None:
    near = [make_trace(number, 0.9, team="it") for number in range(20)]
    far = [make_trace(number, 0.9, team="hr") for number in range(20, 200)]
    assert likely_teams(near + far) == ("it",)
    assert likely_teams([make_trace(1, 0.9)]) == likely_teams([]) == ()
