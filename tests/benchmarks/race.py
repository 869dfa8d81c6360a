"""The batch norm race: 16 weight scales with and without it, 5 hidden layers of 100 ReLU."""

from functools import partial

import numpy as np
import torch

from core.nn.network import stack_networks
from core.nn.training import Hyper, train_many
from tests.benchmarks.compare import Bar, Benchmark
from tests.benchmarks.problem import digits, orders, relu_network, start
from tests.benchmarks.torch_peers import measure, relu_model, sgd, splits, train_epoch

EPOCHS, BATCH, SEED, RATE = 4, 100, 1, 0.01
# Small scales with batch norm are chaotic: rounding grows from step to step.
COMPARED_STEPS = 15
DATA = digits()
SIZES = (64, 100, 100, 100, 100, 100, 10)
STARTS = [start(SIZES, scale, 0) for scale in np.logspace(0, -4, 16).tolist()]


def ours(dtype: type) -> np.ndarray:
    """Train 16 stacked networks, twice."""
    losses = []
    for batch_norm in (False, True):
        networks = [relu_network(s, dtype=dtype, batch_norm=batch_norm) for s in STARTS]
        records = train_many(
            stack_networks(networks),
            DATA,
            Hyper(learning_rate=RATE),
            batch_size=BATCH,
            epochs=EPOCHS,
            measure=("train",),
            rng=np.random.default_rng(SEED),
        )
        losses.append(np.concatenate([r.batch_loss for r in records], axis=1))
    return np.concatenate(losses)[:, :COMPARED_STEPS]


def torch_loop(dtype: torch.dtype, threads: int) -> np.ndarray:
    """Train 32 networks one after the other."""
    torch.set_num_threads(threads)
    train_split, _ = splits(DATA, dtype)
    losses = []
    for batch_norm in (False, True):
        for parameters in STARTS:
            model = relu_model(parameters, batch_norm=batch_norm).to(dtype)
            optimizer = sgd(model, RATE, 0, 0)
            run = []
            measure(model, train_split)
            for order in orders(SEED, len(DATA.y_train), EPOCHS):
                run += train_epoch(model, optimizer, train_split, order, BATCH)
                measure(model, train_split)
            losses.append(torch.stack(run).numpy())
    return np.stack(losses)[:, :COMPARED_STEPS]


BENCHMARK = Benchmark(
    "(c) batch norm race: 32 networks of 5x100, 4 epochs of batches of 100",
    {
        "ours": partial(ours, np.float64),
        "ours, float32": partial(ours, np.float32),
        "torch loop, 1 thread": partial(torch_loop, torch.float64, 1),
        "torch loop, 2 threads": partial(torch_loop, torch.float64, 2),
        "torch loop, float32, 1 thread": partial(torch_loop, torch.float32, 1),
        "torch loop, float32, 2 threads": partial(torch_loop, torch.float32, 2),
    },
    (
        Bar("ours", "torch loop, 1 thread", 2),
        Bar("ours", "torch loop, 2 threads", 2),
        Bar("ours, float32", "torch loop, float32, 1 thread", 2.5, losses=None),
        Bar("ours, float32", "torch loop, float32, 2 threads", 2.5, losses=None),
    ),
    module=__name__,
)
