"""Several seeds in a few numbers."""

import numpy as np

from core.seeds import band, epochs_to


def test_band_is_mean_and_range_over_the_seeds():
    values = np.array(
        [[[0.0, 1.0], [2.0, 5.0]], [[4.0, 4.0], [6.0, 8.0]]]
    )  # (cases, seeds, epochs)
    columns = band("loss", values, axis=1)
    assert {name: column.tolist() for name, column in columns.items()} == {
        "loss": [1.0, 3.0, 5.0, 6.0],
        "loss low": [0.0, 1.0, 4.0, 4.0],
        "loss high": [2.0, 5.0, 6.0, 8.0],
    }


def test_epochs_to_counts_from_before_training_and_one_more_for_never():
    accuracy = np.array([[0.1, 0.9, 0.95], [0.1, 0.2, 0.9]])  # two seeds, two epochs
    assert epochs_to(0.9, accuracy) == 1.5
    assert epochs_to(0.99, accuracy) == 3
    assert epochs_to(0.1, accuracy) == 0
