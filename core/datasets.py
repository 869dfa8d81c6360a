"""Data sets. The digits are real and shipped; see data/README.md for source and licence."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
VAL_SHARE = 0.2
SPLIT_SEED = 6


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features (samples, features) as stored, and labels (samples,), in two fixed splits."""

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    classes: int
    image_shape: tuple[int, ...]

    def map(self, transform: Callable[[np.ndarray], np.ndarray]) -> "Dataset":
        """Return the data set with `transform` applied to the features of both splits."""
        return replace(self, x_train=transform(self.x_train), x_val=transform(self.x_val))


def stratified_split(
    labels: np.ndarray, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return train and validation indices: the same share of every class is held out."""
    val = [
        rng.permutation(np.flatnonzero(labels == label))[
            : round(VAL_SHARE * np.sum(labels == label))
        ]
        for label in np.unique(labels)
    ]
    held_out = np.sort(np.concatenate(val))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


@cache
def load_digits() -> Dataset:
    """Return 1,797 real 8x8 images of handwritten digits, values 0 to 16, in 10 classes.

    The arrays are shared by all callers and read-only.
    """
    with np.load(DATA / "digits.npz", allow_pickle=False) as stored:
        x, y = stored["images"].reshape(-1, 64).astype(np.float64), stored["labels"].astype(int)
    train, val = stratified_split(y, rng=np.random.default_rng(SPLIT_SEED))
    splits = x[train], y[train], x[val], y[val]
    for array in splits:
        array.setflags(write=False)
    return Dataset("digits", *splits, classes=10, image_shape=(8, 8))
