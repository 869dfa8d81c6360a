"""Marks that speak: texts that do not collide, axes in words, panels side by side."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.columns import Columns
from core.charts.marks import APART, apart, at_position, clipped, line_ends, position, worded

PLACES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(PLACES)
def test_texts_are_moved_apart_and_keep_their_order(places):
    moved = apart(places)
    order = np.argsort(places, kind="stable")
    assert (np.diff(moved[order]) >= APART - 1e-9).all()
    assert moved.mean() == pytest.approx(np.mean(places), abs=1e-9)


def test_texts_that_do_not_collide_stay():
    np.testing.assert_allclose(apart([0.9, 0.1, 0.5]), [0.9, 0.1, 0.5])


@pytest.mark.parametrize("log", [False, True])
def test_positions_and_values_are_each_others_inverse(log):
    values = np.array([0.01, 0.5, 3])
    back = at_position(position(values, (0.001, 10), log), (0.001, 10), log)
    np.testing.assert_allclose(back, values)


def test_what_is_not_finite_leaves_the_axis_at_its_end():
    values = clipped([np.nan, np.inf, -np.inf, 0, 5], 1, 10)
    np.testing.assert_array_equal(values, [10, 10, 1, 1, 5])


def test_lines_that_end_together_are_named_together():
    ends = {
        "relu": (10, 0.5, "ReLU"),
        "leaky_relu": (10, 0.501, "Leaky"),
        "tanh": (10, 0.1, "tanh"),
    }
    (data,) = line_ends(ends, domain=(0, 1)).to_dict()["datasets"].values()
    assert [row["text"] for row in data] == ["ReLU, Leaky", "tanh"]


def test_an_axis_in_words_labels_its_values_only():
    axis = worded({1e-6: "1 in a million", 1: "all of it"})
    assert axis["values"] == [1e-6, 1]
    assert '"1 in a million"' in axis["labelExpr"] and axis["labelExpr"].endswith("''")


def test_columns_shift_each_case_by_its_own_offset():
    columns = Columns(("relu", "tanh"), -1, 1, gap=0.5)
    data = pd.DataFrame({"case": ["relu", "tanh"], "x": [0.0, 0.0]})
    assert columns.shifted(data, "x")["x"].tolist() == [0, 3]
    assert columns.end == 4
