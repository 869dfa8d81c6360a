"""Write what PyTorch computes for every layer, every activation and three short trainings.

Run once, with PyTorch 2.13.0 for the CPU, from the top of the project:

    python -m tests.oracles.write

The .npz files beside this script hold inputs, outputs and gradients, all float64; a name reads
case/array. tests/test_oracles.py compares, without PyTorch. Weights are stored as (fan_in, fan_out)
and vectors as (1, units), our shapes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

HERE = Path(__file__).parent
Arrays = dict[str, np.ndarray]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda z: z * 1,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    # beyond its threshold of 20 PyTorch leaves out the last 2e-9
    "softplus": lambda z: F.softplus(z, threshold=100),
}


def maxout(z: Tensor) -> Tensor:
    """Return the greater of two pieces, stored one after the other."""
    return torch.maximum(*z.chunk(2, dim=-1))


def normalize(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Return batch norm by the batch's own statistics."""
    return F.batch_norm(x, None, None, gamma[0], beta[0], training=True)


def gradients(
    function: Callable[..., Tensor], rng: np.random.Generator, **inputs: np.ndarray
) -> Arrays:
    """Return inputs, output, a random upstream gradient and the gradient of each input."""
    tensors = {name: torch.tensor(x, requires_grad=True) for name, x in inputs.items()}
    out = function(*tensors.values())
    dout = rng.standard_normal(tuple(out.shape))
    out.backward(torch.from_numpy(dout))
    grads = {f"d{name}": t.grad.numpy() for name, t in tensors.items()}
    return {**inputs, "out": out.detach().numpy(), "dout": dout, **grads}


def activations(rng: np.random.Generator) -> dict[str, Arrays]:
    """Return the cases of the activation functions, from -1000 to 1000 and at 0."""
    z = np.concatenate([np.linspace(-12, 12, 49), [-1000, -50, 50, 1000]])
    return {name: gradients(f, rng, z=z) for name, f in ACTIVATIONS.items()}


def layers(rng: np.random.Generator) -> dict[str, Arrays]:
    """Return the cases of the layers."""
    draw = rng.standard_normal
    cases = {
        "linear": gradients(
            lambda x, weight, bias: x @ weight + bias,
            rng,
            x=draw((7, 5)),
            weight=draw((5, 4)),
            bias=draw((1, 4)),
        ),
        "prelu_layer": gradients(
            lambda z, slope: F.prelu(z, slope[0]), rng, z=draw((7, 4)), slope=draw((1, 1))
        ),
        "prelu_unit": gradients(
            lambda z, slope: F.prelu(z, slope[0]), rng, z=draw((7, 4)), slope=draw((1, 4))
        ),
        "maxout": gradients(maxout, rng, z=draw((7, 8))),
        "softmax": {
            "logits": (x := 9 * draw((7, 4))),
            "out": F.softmax(torch.from_numpy(x), -1).numpy(),
        },
    }
    for name, scale in (("cross_entropy", 1), ("cross_entropy_large", 1e4)):
        labels = rng.integers(4, size=7)
        target = torch.from_numpy(labels)
        cases[name] = gradients(
            partial(F.cross_entropy, target=target), rng, logits=scale * draw((7, 4))
        )
        cases[name]["labels"] = labels
    for name, shape in (("batchnorm", (7, 4)), ("spatial_batchnorm", (3, 4, 2, 5))):
        for training in (True, False):
            cases[f"{name}_{'training' if training else 'inference'}"] = batchnorm_case(
                rng, 3 * draw(shape) + 1, training
            )
    torch.manual_seed(0)
    cases["dropout"] = gradients(lambda x: F.dropout(x, 0.3), rng, x=draw((7, 4)))
    return cases


def batchnorm_case(rng: np.random.Generator, x: np.ndarray, training: bool) -> Arrays:
    """Return batch norm of (N, C) or (N, C, H, W) with running averages before and after."""
    mean, var = rng.standard_normal(4), rng.uniform(0.5, 2, 4)
    running = torch.tensor(mean), torch.tensor(var)
    case = gradients(
        lambda x, gamma, beta: F.batch_norm(x, *running, gamma[0], beta[0], training),
        rng,
        x=x,
        gamma=rng.standard_normal((1, 4)),
        beta=rng.standard_normal((1, 4)),
    )
    after = {"mean_after": running[0].numpy()[None], "var_after": running[1].numpy()[None]}
    return {**case, "mean": mean[None], "var": var[None], **after}


def training(rng: np.random.Generator, activation: str, batch_norm: str, steps: int = 15) -> Arrays:
    """Return start, loss of each step and end of a 6-5-4-3 net: momentum, L2 and decay, full batch.

    Names are parameter + layer: weight0, bias0, gamma0 ...; those with "end_" are after training.
    """
    x, y = rng.standard_normal((20, 6)), rng.integers(3, size=20)
    pieces = 2 if activation == "maxout" else 1
    start: Arrays = {}
    for i, (fan_in, units) in enumerate([(6, 5), (5, 4), (4, 3)]):
        columns = units * (1 if i == 2 else pieces)
        start[f"weight{i}"] = 0.7 * rng.standard_normal((fan_in, columns))
        start[f"bias{i}"] = 0.1 * rng.standard_normal((1, columns))
        if i < 2 and activation == "prelu":
            start[f"slope{i}"] = np.full((1, 1), 0.25)
        if i < 2 and batch_norm != "none":
            normalized = columns if batch_norm == "before" else units
            start[f"gamma{i}"], start[f"beta{i}"] = (
                np.ones((1, normalized)),
                np.zeros((1, normalized)),
            )
    p = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}

    def logits() -> Tensor:
        h = torch.from_numpy(x)
        for i in range(2):
            h = h @ p[f"weight{i}"] + p[f"bias{i}"]
            if batch_norm == "before":
                h = normalize(h, p[f"gamma{i}"], p[f"beta{i}"])
            if activation == "prelu":
                h = F.prelu(h, p[f"slope{i}"][0])
            else:
                h = maxout(h) if activation == "maxout" else ACTIVATIONS[activation](h)
            if batch_norm == "after":
                h = normalize(h, p[f"gamma{i}"], p[f"beta{i}"])
        return h @ p["weight2"] + p["bias2"]

    decayed = [t for name, t in p.items() if name.startswith("weight")]
    others = [t for name, t in p.items() if not name.startswith("weight")]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
    losses = []
    for _ in range(steps):  # one step is one epoch
        optimizer.zero_grad()
        loss = F.cross_entropy(logits(), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    end = {f"end_{name}": t.detach().numpy() for name, t in p.items()}
    return {"x": x, "y": y, **start, **end, "losses": np.array(losses)}


def trainings(rng: np.random.Generator) -> dict[str, Arrays]:
    """Return the cases of training, named activation and place of batch norm."""
    return {
        f"{activation}-{batch_norm}": training(rng, activation, batch_norm)
        for activation, batch_norm in (("tanh", "none"), ("prelu", "before"), ("maxout", "after"))
    }


if __name__ == "__main__":
    for number, write in enumerate((activations, layers, trainings)):
        cases = write(np.random.default_rng(number))
        flat = {f"{case}/{name}": a for case, arrays in cases.items() for name, a in arrays.items()}
        np.savez_compressed(HERE / f"{write.__name__}.npz", **flat)
