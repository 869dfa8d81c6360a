"""The peers in PyTorch: autograd and torch.optim.SGD as one writes them, and stacks of runs."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.lab.datasets import Dataset
from tests.benchmarks.problem import Start

Split = tuple[Tensor, Tensor]


def splits(data: Dataset, dtype: torch.dtype = torch.float64) -> tuple[Split, Split]:
    """Return features and labels of both splits as tensors."""
    return tuple(
        (torch.tensor(x, dtype=dtype), torch.tensor(y))
        for x, y in ((data.x_train, data.y_train), (data.x_val, data.y_val))
    )


def relu_model(start: Start, *, batch_norm: bool = False) -> nn.Sequential:
    """Return a float64 network of linear layers and ReLUs that begins at `start`."""
    modules: list[nn.Module] = []
    for weight, bias in start:
        linear = nn.Linear(*weight.shape).double()
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias[0]))
        norm = [nn.BatchNorm1d(weight.shape[1]).double()] if batch_norm else []
        modules += [linear, *norm, nn.ReLU()]
    return nn.Sequential(*modules[: -1 - batch_norm])


def sgd(model: nn.Module, rate: float, reg: float, momentum: float, **options: bool):
    """Return the optimizer; only weights of linear layers are regularized."""
    weights = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    others = [p for p in model.parameters() if not any(p is w for w in weights)]
    groups = [{"params": weights, "weight_decay": reg}, {"params": others}]
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, **options)


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, train: Split, order: np.ndarray, batch: int
) -> list[Tensor]:
    """Take one epoch of steps; return the loss of each batch."""
    x, y = train[0][order], train[1][order]
    losses = []
    for begin in range(0, len(y), batch):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[begin : begin + batch]), y[begin : begin + batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@torch.no_grad()
def measure(model: nn.Module, split: Split) -> tuple[float, float]:
    """Return loss and accuracy on a split."""
    model.eval()
    logits = model(split[0])
    model.train()
    accuracy = (logits.argmax(dim=1) == split[1]).double().mean()
    return F.cross_entropy(logits, split[1]).item(), accuracy.item()


def train_stack(
    starts: Sequence[Start],
    data: Dataset,
    orders: Iterable[np.ndarray],
    *,
    batch: int,
    rates: np.ndarray,
    regs: np.ndarray,
    momentum: float,
    dtype: torch.dtype,
) -> np.ndarray:
    """Train one-hidden-layer networks side by side with baddbmm; return (runs, epochs + 1) losses.

    These are of the validation split; its accuracy is computed as well.
    """
    (x_train, y_train), (x_val, y_val) = splits(data, dtype)
    runs = len(starts)
    parameters = [
        torch.tensor(np.stack([start[layer][part] for start in starts]), dtype=dtype)
        for layer in (0, 1)
        for part in (0, 1)
    ]
    for p in parameters:
        p.requires_grad_()
    velocity = [torch.zeros_like(p) for p in parameters]
    rate, reg = (torch.tensor(v, dtype=dtype)[:, None, None] for v in (rates, regs))

    def logits(x: Tensor) -> Tensor:
        weight, bias, weight_2, bias_2 = parameters
        hidden = torch.baddbmm(bias, x.expand(runs, -1, -1), weight).relu()
        return torch.baddbmm(bias_2, hidden, weight_2)

    def losses(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        scores = logits(x)
        flat = F.cross_entropy(scores.flatten(0, 1), y.repeat(runs), reduction="none")
        return flat.view(runs, -1).mean(dim=1), scores

    @torch.no_grad()
    def val_losses() -> np.ndarray:
        loss, scores = losses(x_val, y_val)
        (scores.argmax(dim=-1) == y_val).double().mean(dim=1)
        return loss.numpy()

    history = [val_losses()]
    for order in orders:
        x, y = x_train[order], y_train[order]
        for begin in range(0, len(y), batch):
            loss, _ = losses(x[begin : begin + batch], y[begin : begin + batch])
            gradients = torch.autograd.grad(loss.sum(), parameters)
            with torch.no_grad():
                for i, (p, g, v) in enumerate(zip(parameters, gradients, velocity)):
                    v.mul_(momentum).add_(g if i % 2 else g + reg * p)
                    p -= rate * v
        history.append(val_losses())
    return np.stack(history, axis=1)
