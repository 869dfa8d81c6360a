"""The deep pass: the lecture's five presets against nothing but their matrix products."""

import numpy as np

from core.nn.initializers import init_weight
from core.nn.pool import WORKERS, in_parallel
from core.nn.statistics import deep_pass
from tests.benchmarks.compare import Bar, Benchmark

DEPTH, WIDTH, SAMPLES = 10, 500, 1000
PRESETS = (
    ("tanh", "small"),
    ("tanh", "large"),
    ("tanh", "xavier"),
    ("relu", "xavier"),
    ("relu", "he"),
)
EDGES = np.linspace(-1, 1, 31)
RNG = np.random.default_rng(0)
X, DOUT = RNG.standard_normal((2, SAMPLES, WIDTH))
WEIGHTS = [
    [init_weight(scheme, WIDTH, WIDTH, rng=RNG) for _ in range(DEPTH)] for _, scheme in PRESETS
]


def ours() -> None:
    """Take statistics and histograms of every layer forward, statistics of dz backward.

    The gradients of the weights are left out: bare_products() does not form them either.
    """
    for (activation, _), weights in zip(PRESETS, WEIGHTS):
        deep_pass(X, weights, activation, EDGES, DOUT, weight_gradients=False)


def bare_products() -> None:
    """Form x @ W of every layer and dz @ W.T of all but the first, rows shared by the threads."""
    rows = np.array_split(np.arange(SAMPLES), WORKERS)
    for weights in WEIGHTS:
        in_parallel(
            lambda rows, weights=weights: products(X[rows], DOUT[rows], weights),
            [slice(r[0], r[-1] + 1) for r in rows],
        )


def products(x: np.ndarray, dz: np.ndarray, weights: list[np.ndarray]) -> None:
    """Multiply through all layers and back."""
    for weight in weights:
        x = x @ weight
    for weight in weights[:0:-1]:
        dz = dz @ weight.T


BENCHMARK = Benchmark(
    "(d) deep pass: five presets of 10 layers of 500, 1000 samples, float64",
    {"ours": ours, "its bare matrix products": bare_products},
    (Bar("ours", "its bare matrix products", 0.75, losses=None),),
    module=__name__,
)
