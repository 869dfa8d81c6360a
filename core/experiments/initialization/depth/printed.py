"""The numbers that the lecture printed, and where 40 networks of our own lie around them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.lab.results import reference

Array = np.ndarray
Case = tuple[str, str]  # activation and scheme

SEEDS = range(1000, 1040)
WIDTH = 4  # of a band: standard deviations to either side of the mean
NOT_AT_HAND = "not at hand"

# One run of the lecture's own: 10 layers of 500 units, 1,000 inputs, no biases.
STD: dict[Case, tuple[float, ...]] = {
    ("tanh", "small"): (
        *(0.213081, 0.047551, 0.010630, 0.002378, 0.000532),
        *(0.000119, 0.000026, 0.000006, 0.000001, 0.000000),
    ),
    ("relu", "he"): (
        *(0.825232, 0.827835, 0.813855, 0.826902, 0.834092),
        *(0.860035, 0.870610, 0.889348, 0.845357, 0.844523),
    ),
    ("tanh", "xavier"): (0.627953,),
    ("relu", "xavier"): (0.582273,),
}
MEAN: dict[Case, tuple[float, ...]] = {
    ("relu", "he"): (
        *(0.562488, 0.553614, 0.545867, 0.565396, 0.547678),
        *(0.587103, 0.596867, 0.623214, 0.567498, 0.552531),
    ),
}
PRINTED: dict[str, Mapping[Case, tuple[float, ...]]] = {"std": STD, "mean": MEAN}
OF_INPUTS = {("tanh", "std"): 0.998388, ("relu", "mean"): 0.000501, ("relu", "std"): 0.999444}
CASES: tuple[Case, ...] = (*STD, ("tanh", "large"))


def band(activation: str, scheme: str, name: str = "std") -> Array | None:
    """Return (2, 11): least and greatest std (or mean) of the inputs and of ten layers.

    None for a case that the lecture does not show.
    """
    measured = reference("initialization", "depth").get(f"{activation}.{scheme}.{name}")
    if measured is None:
        return None
    mean, deviation = measured
    return np.stack([mean - WIDTH * deviation, mean + WIDTH * deviation])


def over_seeds(values: Sequence[Array]) -> Array:
    """Return (2, 11): mean and standard deviation of what each of the SEEDS gave, (11,) each."""
    return np.stack([np.mean(values, axis=0), np.std(values, axis=0, ddof=1)])


def table(activation: str, measured: Mapping[tuple[str, str], Array]) -> dict[str, list[Any]]:
    """Return a row per case and layer that has a band: printed, of this run, and the band.

    measured: (scheme, "std" or "mean") -> (11,) of this run, the inputs before the layers.
    """
    names = ("scheme", "of", "layer", "printed", "this run", "band from", "band to")
    rows = []
    for (scheme, name), values in measured.items():
        within, printed = band(activation, scheme, name), PRINTED[name].get((activation, scheme))
        if within is None or (printed is None and name != "std"):
            continue
        known = [OF_INPUTS.get((activation, name)), *(printed or ())]
        known += [None] * (len(values) - len(known))
        for layer, (number, value, (low, high)) in enumerate(zip(known, values, within.T)):
            told = NOT_AT_HAND if number is None else f"{number:.6f}"
            ours = (f"{v:.6f}" for v in (value, low, high))
            rows.append((scheme, name, str(layer or "inputs"), told, *ours))
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
