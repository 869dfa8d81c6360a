"""Named random streams."""

import numpy as np

from core.lab.streams import streams


def test_a_stream_depends_on_seed_and_name_alone():
    data, weights = streams(3, "data", "weights")
    (again,) = streams(3, "weights")
    draws = [s.standard_normal(100) for s in (data, weights, again)]
    np.testing.assert_array_equal(draws[1], draws[2])
    assert not np.array_equal(draws[0], draws[1])
    (other,) = streams(4, "data")
    assert not np.array_equal(draws[0], other.standard_normal(100))


def test_streams_are_not_correlated():
    draws = np.stack([s.standard_normal(20_000) for s in streams(0, "a", "b", "c")])
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.03
