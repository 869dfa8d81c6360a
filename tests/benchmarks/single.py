"""One network: digits 64-50-10, 50 epochs of batches of 32, measured after every epoch."""

import numpy as np
import torch

from core.nn.training import Hyper, train
from tests.benchmarks.compare import Bar, Benchmark
from tests.benchmarks.problem import digits, orders, relu_network, sklearn_fit, start
from tests.benchmarks.torch_peers import measure, relu_model, sgd, splits, train_epoch

EPOCHS, BATCH, SEED = 50, 32, 1
HYPER = {"rate": 0.05, "reg": 1e-3, "momentum": 0.9}
DATA, START = digits(), start((64, 50, 10), "he", 0)


def ours() -> np.ndarray:
    """Train with train(): losses, accuracies, update ratios, dead and saturated shares."""
    records = train(
        relu_network(START),
        DATA,
        Hyper(learning_rate=HYPER["rate"], reg=HYPER["reg"], momentum=HYPER["momentum"]),
        batch_size=BATCH,
        epochs=EPOCHS,
        rng=np.random.default_rng(SEED),
    )
    return np.array([[r.data_loss, r.val_loss] for r in records])


def torch_eager(**options: bool) -> np.ndarray:
    """Train with PyTorch: losses, accuracies and update ratios."""
    torch.set_num_threads(1)
    train_split, val_split = splits(DATA)
    model = relu_model(START)
    optimizer = sgd(model, **HYPER, **options)
    weights = [model[0].weight, model[2].weight]
    losses = [[measure(model, split)[0] for split in (train_split, val_split)]]
    for order in orders(SEED, len(DATA.y_train), EPOCHS):
        last_batch = len(order) // BATCH * BATCH
        train_epoch(model, optimizer, train_split, order[:last_batch], BATCH)
        before = [w.detach().clone() for w in weights]
        train_epoch(model, optimizer, train_split, order[last_batch:], BATCH)
        with torch.no_grad():
            [((w - b).norm() / b.norm()).item() for w, b in zip(weights, before)]
        losses.append([measure(model, split)[0] for split in (train_split, val_split)])
    return np.array(losses)


def torch_fused() -> np.ndarray:
    """Train with PyTorch's fused optimizer."""
    return torch_eager(fused=True)


def sklearn() -> None:
    """Train with scikit-learn; it keeps the batch losses and measures nothing else."""
    sklearn_fit(DATA, epochs=EPOCHS, batch=BATCH, **HYPER)


BENCHMARK = Benchmark(
    "(a) one network: digits 64-50-10, 50 epochs of batches of 32, measured per epoch, float64",
    {
        "ours": ours,
        "torch eager": torch_eager,
        "torch eager, fused SGD": torch_fused,
        "sklearn fit": sklearn,
    },
    (
        Bar("ours", "torch eager", 3),
        Bar("ours", "torch eager, fused SGD", 3),
        Bar("ours", "sklearn fit", 1.6, losses=None),
    ),
    module=__name__,
)
