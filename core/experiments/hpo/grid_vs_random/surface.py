"""The real surface: how well a small network learns digits at each learning rate and reg.

python -m core.experiments.hpo.grid_vs_random.surface    trains all of it again (a few minutes) and
writes core/data/surface.npz, which core/data/README.md describes
"""

import json
from functools import cache
from io import BytesIO

import numpy as np

from core.experiments.hpo.trials import (
    BATCH,
    DECAY,
    MOMENTUM,
    TRAIN,
    UNITS,
    VAL,
    draw_network,
    split_digits,
    watch_trials,
)
from core.lab.datasets import DATA
from core.lab.results import write_file
from core.lab.streams import streams
from core.nn.search import Range
from core.nn.training import Hyper

Array = np.ndarray

FILE = DATA / "surface.npz"
CELLS = 60  # on either axis: ten per decade
LEARNING_RATE, REG = Range(1e-5, 10, log=True), Range(1e-5, 10, log=True)
STARTS = 4  # each with its own split, starting weights and batches; their mean is stored
EPOCHS = 5
STACKS = 6  # that train one after the other
PLACES = 4  # decimals that are stored


def middles(searched: Range) -> Array:
    """Return (CELLS,) the values in the middles of the cells of an axis."""
    return searched.at((np.arange(CELLS) + 0.5) / CELLS)


def train_cells(rates: Array, regs: Array) -> Array:
    """Train at (cells,) learning rates and regs; return (cells,) mean validation accuracy."""
    hyper = Hyper(learning_rate=rates, reg=regs, momentum=MOMENTUM, decay=DECAY)
    accuracies = []
    for start in range(STARTS):
        splits, weights, batches = streams(start, "split", "weights", "batches")
        data, network = split_digits(splits).data, draw_network(len(rates), weights)
        *_, end = watch_trials(network, data, hyper, epochs=EPOCHS, rng=batches, abandon=False)
        accuracies.append(end.val_accuracy[:, -1])
    return np.asarray(np.mean(accuracies, axis=0)).round(PLACES)


def train_surface() -> Array:
    """Train every cell; return (CELLS of reg, CELLS of the learning rate) accuracies."""
    rates, regs = np.meshgrid(middles(LEARNING_RATE), middles(REG))
    stacks = zip(np.split(rates.ravel(), STACKS), np.split(regs.ravel(), STACKS))
    return np.concatenate([train_cells(*stack) for stack in stacks]).reshape(CELLS, CELLS)


def settings() -> dict[str, float]:
    """Return how the cells are trained."""
    return {
        "hidden units": UNITS,
        "momentum": MOMENTUM,
        "decay": DECAY,
        "batch size": BATCH,
        "epochs": EPOCHS,
        "starts": STARTS,
        "training digits": TRAIN,
        "validation digits": VAL,
    }


def write_surface(accuracy: Array) -> None:
    """Store (CELLS, CELLS) accuracies, the values of both axes and the settings."""
    content = BytesIO()
    np.savez_compressed(
        content,
        accuracy=accuracy.astype(np.float32),
        learning_rate=middles(LEARNING_RATE),
        reg=middles(REG),
        settings=np.array(json.dumps(settings())),
    )
    write_file(FILE, content.getvalue())


@cache
def load_surface() -> Array:
    """Return (CELLS of reg, CELLS of the learning rate) mean validation accuracies, as shipped."""
    with np.load(FILE, allow_pickle=False) as stored:
        return stored["accuracy"].astype(float)


if __name__ == "__main__":
    write_surface(train_surface())
