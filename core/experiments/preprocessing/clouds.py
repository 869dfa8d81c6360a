"""A cloud of two inputs with an offset, unequal scales and a correlation, and what repairs it."""

import numpy as np

from core.nn.preprocessing import fit_center, fit_standardizer, fit_whitener

Array = np.ndarray


def cloud(z: Array, offset: float, scale: float, correlation: float) -> Array:
    """Turn draws z (..., 2) from N(0, 1) into two correlated inputs with stds 1 and `scale`.

    offset: mean of each input, in units of its std.
    """
    second = correlation * z[..., 0] + np.sqrt(1 - correlation**2) * z[..., 1]
    return (np.stack([z[..., 0], second], axis=-1) + offset) * np.array([1, scale])


def prepared(x: Array) -> dict[str, Array]:
    """Return a cloud (samples, 2) raw, centred, normalized and whitened."""
    return {
        "raw": x,
        "centred": fit_center(x).transform(x),
        "normalized": fit_standardizer(x).transform(x),
        "whitened": fit_whitener(x).transform(x),
    }
