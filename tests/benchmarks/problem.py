"""What all contenders of a benchmark share: data, start and the order of the samples."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from core.lab.datasets import Dataset, load_digits
from core.nn.activations import ACTIVATIONS
from core.nn.initializers import init_weight
from core.nn.network import Network
from core.nn.preprocessing import fit_standardizer

Start = list[tuple[np.ndarray, np.ndarray]]  # weight and bias of each layer


def digits() -> Dataset:
    """Return the digits, standardized."""
    data = load_digits()
    return data.map(fit_standardizer(data.x_train).transform)


def start(sizes: Sequence[int], scheme: str | float, seed: int) -> Start:
    """Return the parameters that every contender begins with."""
    rng = np.random.default_rng(seed)
    return [
        (init_weight(scheme, fan_in, fan_out, rng=rng), np.zeros((1, fan_out)))
        for fan_in, fan_out in zip(sizes, sizes[1:])
    ]


def relu_network(start: Start, *, dtype: type = np.float64, batch_norm: bool = False) -> Network:
    """Return our network with copies of some parameters; batch norm stands before the ReLU."""
    layers = [{"weight": w.astype(dtype), "bias": b.astype(dtype)} for w, b in start]
    if not batch_norm:
        return Network(layers, ACTIVATIONS["relu"])
    running = []
    for layer in layers[:-1]:
        zeros, ones = np.zeros_like(layer["bias"]), np.ones_like(layer["bias"])
        layer |= {"gamma": ones.copy(), "beta": zeros.copy()}
        running.append({"mean": zeros, "var": ones})
    return Network(layers, ACTIVATIONS["relu"], running, "before")


def orders(seed: int, samples: int, epochs: int) -> list[np.ndarray]:
    """Return the order of the samples in each epoch that train() draws from a seed."""
    rng, _ = np.random.default_rng(seed).spawn(2)
    return [rng.permutation(samples) for _ in range(epochs)]


def sklearn_fit(
    data: Dataset, *, epochs: int, batch: int, rate: float, reg: float, momentum: float
) -> MLPClassifier:
    """Train scikit-learn's 64-50-10 network with one call of fit: its own start and order."""
    model = MLPClassifier(
        (50,),
        solver="sgd",
        learning_rate_init=rate,
        alpha=reg * batch,  # it divides alpha by the size of the batch
        momentum=momentum,
        nesterovs_momentum=False,
        batch_size=batch,
        max_iter=epochs,
        tol=0,
        n_iter_no_change=epochs,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(data.x_train, data.y_train)
