"""A hundred runs: digits 64-50-10, 5 epochs of batches of 64, a rate, reg and start for each."""

from functools import partial

import numpy as np
import torch

from core.nn.network import stack_networks
from core.nn.search import log_uniform
from core.nn.training import Hyper, train_many
from tests.benchmarks.compare import Bar, Benchmark
from tests.benchmarks.problem import digits, orders, relu_network, sklearn_fit, start
from tests.benchmarks.torch_peers import measure, relu_model, sgd, splits, train_epoch, train_stack

RUNS, EPOCHS, BATCH, SEED, MOMENTUM = 100, 5, 64, 1, 0.9
DATA = digits()
STARTS = [start((64, 50, 10), "he", seed) for seed in range(RUNS)]
RATES = log_uniform(1e-4, 1e-1, RUNS, rng=np.random.default_rng(2))
REGS = log_uniform(1e-5, 1e-1, RUNS, rng=np.random.default_rng(3))


def ours(dtype: type) -> np.ndarray:
    """Train the stack with train_many()."""
    records = train_many(
        stack_networks([relu_network(s, dtype=dtype) for s in STARTS]),
        DATA,
        Hyper(learning_rate=RATES, reg=REGS, momentum=MOMENTUM),
        batch_size=BATCH,
        epochs=EPOCHS,
        measure=("val",),
        rng=np.random.default_rng(SEED),
    )
    return np.stack([r.val_loss for r in records], axis=1)


def torch_loop() -> np.ndarray:
    """Train one run after the other."""
    torch.set_num_threads(1)
    train_split, val_split = splits(DATA)
    losses = []
    for parameters, rate, reg in zip(STARTS, RATES.tolist(), REGS.tolist()):
        model = relu_model(parameters)
        optimizer = sgd(model, rate, reg, MOMENTUM)
        losses.append([measure(model, val_split)[0]])
        for order in orders(SEED, len(DATA.y_train), EPOCHS):
            train_epoch(model, optimizer, train_split, order, BATCH)
            losses[-1].append(measure(model, val_split)[0])
    return np.array(losses)


def torch_stack(dtype: torch.dtype, threads: int) -> np.ndarray:
    """Train all runs at once."""
    torch.set_num_threads(threads)
    return train_stack(
        STARTS,
        DATA,
        orders(SEED, len(DATA.y_train), EPOCHS),
        batch=BATCH,
        rates=RATES,
        regs=REGS,
        momentum=MOMENTUM,
        dtype=dtype,
    )


def sklearn_loop() -> None:
    """Train one run after the other; the score is taken at the end only."""
    for rate, reg in zip(RATES, REGS):
        model = sklearn_fit(DATA, epochs=EPOCHS, batch=BATCH, rate=rate, reg=reg, momentum=MOMENTUM)
        model.score(DATA.x_val, DATA.y_val)


BENCHMARK = Benchmark(
    "(b) 100 runs: digits 64-50-10, 5 epochs of batches of 64, validation measured per epoch",
    {
        "ours": partial(ours, np.float64),
        "torch loop": torch_loop,
        "torch baddbmm, 1 thread": partial(torch_stack, torch.float64, 1),
        "torch baddbmm, 2 threads": partial(torch_stack, torch.float64, 2),
        "sklearn loop": sklearn_loop,
        "ours float32": partial(ours, np.float32),
        "torch baddbmm float32, 1 thread": partial(torch_stack, torch.float32, 1),
        "torch baddbmm float32, 2 threads": partial(torch_stack, torch.float32, 2),
    },
    (
        Bar("ours", "torch loop", 10),
        Bar("ours", "sklearn loop", 6, losses=None),
        Bar("ours", "torch baddbmm, 1 thread", 1.5),
        Bar("ours", "torch baddbmm, 2 threads", 1.5),
        Bar("ours float32", "torch baddbmm float32, 1 thread", 1.5, losses=1e-4),
        Bar("ours float32", "torch baddbmm float32, 2 threads", 1.5, losses=1e-4),
    ),
    module=__name__,
)
