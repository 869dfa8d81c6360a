"""Columns of a table stand in the order of the array beside them."""

import numpy as np

from core.lab.columns import crossed


def test_crossed_axes_name_every_entry_of_an_array():
    axes = {"net": ("a", "b"), "epoch": range(3), "rate": [0.1, 1.0]}
    values = np.array([[[f"{n} {e} {r}" for r in axes["rate"]] for e in range(3)] for n in "ab"])
    columns = crossed(**axes)
    assert list(columns) == list(axes)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    assert [f"{n} {e} {r}" for n, e, r in rows] == values.ravel().tolist()
