"""Several seeds in a few numbers: mean and range as columns of a table, epochs to a target."""

import numpy as np

Array = np.ndarray


def band(name: str, values: Array, axis: int) -> dict[str, Array]:
    """Return columns `name`, `name low` and `name high`: mean, least and greatest along the axis.

    axis: that of the seeds; the others are flattened, the last one fastest.
    """
    return {
        name: values.mean(axis=axis).ravel(),
        f"{name} low": values.min(axis=axis).ravel(),
        f"{name} high": values.max(axis=axis).ravel(),
    }


def epochs_to(target: float, accuracy: Array) -> Array:
    """Return (...): the mean over seeds of the first epoch with the target accuracy.

    accuracy: (..., seeds, epochs + 1), from before training; a seed that never gets there counts
    as one epoch more than there are.
    """
    reached = accuracy >= target
    first = np.where(reached.any(axis=-1), reached.argmax(axis=-1), accuracy.shape[-1])
    return first.mean(axis=-1)
