"""What a network is trained on: features and labels in two splits."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features (samples, features) as stored, and labels (samples,), in two splits.

    Runs of a stack may have their own: (runs, samples, features) and (runs, samples).
    image_shape: (height, width) or (height, width, channels), empty for points.
    """

    name: str
    x_train: Array
    y_train: Array
    x_val: Array
    y_val: Array
    classes: int
    image_shape: tuple[int, ...]

    def map(self, transform: Callable[[Array], Array]) -> "Dataset":
        """Return the data set with `transform` applied to the features of both splits."""
        return replace(self, x_train=transform(self.x_train), x_val=transform(self.x_val))
