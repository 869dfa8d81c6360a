"""Ranges that are typed or drawn: taken, or refused with a sentence while the old one stays."""

import pytest

from core.charts.picture import Pick
from core.experiments import load
from core.nn.search import Range

EXPERIMENT = load("hpo", "edge")
STATE = "hpo.edge.learning_rates"


def typed(app, text):
    """Type into the field of learning rates."""
    label = EXPERIMENT.words["knobs"]["learning_rates"]["label"]
    next(field for field in app.text_input if field.label == label).set_value(text).run()
    assert not app.exception
    return [c.value for c in app.caption if c.value.startswith(f":orange[{label} must")]


def test_a_typed_range_moves_the_knob_and_the_link(open_link):
    app = open_link("hpo", "experiment=edge&answer=shown&trials=10")
    assert typed(app, "0.001, 1e-1") == []
    assert app.session_state[STATE] == (0.001, 0.1)
    assert app.query_params["learning_rates"] == "0.001 to 0.1"


@pytest.mark.parametrize(
    "text", ["1 to 0.1", "0 to 1", "-1 1", "a to b", "1 to 1e400", "1 1", "", "5"]
)
def test_what_is_no_range_is_refused_with_a_sentence_and_the_old_one_stays(open_link, text):
    app = open_link("hpo", "experiment=edge&answer=shown&trials=10&learning_rates=0.001 to 0.1")
    (said,) = typed(app, text)
    assert said.endswith(".]")
    assert app.session_state[STATE] == (0.001, 0.1)
    assert typed(app, "0.01 to 0.1") == []
    assert app.session_state[STATE] == (0.01, 0.1)


def test_an_area_of_a_picture_is_read_as_two_ends():
    pick = Pick("learning_rates", "x", Range(1e-4, 1.0, log=True))
    assert pick.ends({"x": [0.75, 0.25]}) == (0.001, 0.1)
    assert pick.ends({"x": [-3, 0.5], "y": [0, 1]}) == (1e-4, 0.01)
    assert Pick("regs", "y").ends({"y": [0.123456, 7]}) == (0.123, 7.0)


NO_ENDS = [None, 1, "ab", [], [0, 0.5, 1], [0, 10**400], ["a", "b"], [[0, 1], [0, 1]], [{}, {}]]


@pytest.mark.parametrize(
    "area", [None, {}, [], "x", {"y": [0, 1]}, *({"x": ends} for ends in NO_ENDS)]
)
def test_what_is_no_area_has_no_ends(area):
    assert Pick("learning_rates", "x", Range(1e-4, 1.0, log=True)).ends(area) is None
