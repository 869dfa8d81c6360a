"""Borders in the plane: of affine maps exactly, of others between the cells of a grid."""

import numpy as np
import pytest

from core.charts.plane import affine_borders, affine_sides, borders, chained, clipped, lines, square
from core.lab.datasets import plane_grid


def test_a_line_is_clipped_to_half_planes():
    ends = clipped(np.array([1.0, 1.0]), 0.0, *square(1.0))
    np.testing.assert_allclose(sorted(ends.tolist()), [[-1, 1], [1, -1]])
    assert clipped(np.array([1.0, 0.0]), -2.0, *square(1.0)) is None
    assert clipped(np.array([0.0, 0.0]), 1.0, *square(1.0)) is None
    assert clipped(np.array([np.nan, 0.0]), 1.0, *square(1.0)) is None


def test_lines_that_miss_the_square_are_left_out():
    normals, offsets = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0.5, 5.0])
    np.testing.assert_allclose(lines(normals, offsets, 1.0)[..., 0], [[-0.5, -0.5]])


@pytest.mark.parametrize("classes", [2, 3])
def test_the_borders_of_an_affine_map_lie_where_its_two_best_scores_are_equal(classes):
    rng = np.random.default_rng(classes)
    weight, bias = rng.standard_normal((2, classes)), 0.1 * rng.standard_normal(classes)
    paths = affine_borders(weight, bias, 1.0)
    assert paths
    for path in paths:
        best = np.sort(path @ weight + bias, axis=-1)
        np.testing.assert_allclose(best[:, -1], best[:, -2], atol=1e-8)


def test_the_polygons_of_an_affine_map_fill_the_square():
    rng = np.random.default_rng(5)
    weight, bias = rng.standard_normal((2, 3)), 0.1 * rng.standard_normal(3)
    area = 0.0
    for label in range(3):
        corners = np.concatenate(affine_sides(weight, bias, label, 1.0)).reshape(-1, 2)
        away = corners - corners.mean(axis=0)
        x, y = corners[np.argsort(np.arctan2(away[:, 1], away[:, 0]))].T
        area += abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2
    assert area == pytest.approx(4)


def test_the_border_of_a_disc_is_one_closed_circle():
    radius = np.hypot(*plane_grid(1.0, 40).T).reshape(40, 40)
    (path,) = borders(np.stack([radius, np.full_like(radius, 0.6)], axis=-1), 1.0)
    np.testing.assert_allclose(np.hypot(*path.T), 0.6, atol=0.002)
    np.testing.assert_allclose(path[0], path[-1])


def test_one_class_everywhere_has_no_border():
    scores = np.stack([np.ones((8, 8)), np.zeros((8, 8))], axis=-1)
    assert borders(scores, 1.0) == []
    assert affine_borders(np.zeros((2, 2)), np.array([1.0, 0.0]), 1.0) == []


def test_segments_are_joined_once_each():
    corner = np.array(
        [[[0.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]]
    )
    (path,) = chained(corner)
    assert sorted(map(tuple, path.tolist())) == [(0, 0), (1, 0), (1, 1)]
