"""A fully connected network as plain data: one dictionary of parameters per layer.

A hidden layer is affine, batch norm if wanted, the nonlinearity, dropout if wanted; the last layer
is affine only. Every parameter may have a leading axis of runs, and nothing here looks at it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.nn.activations import ACTIVATIONS, Activation
from core.nn.initializers import init_weight
from core.nn.layers import (
    activation_backward,
    activation_forward,
    batchnorm_backward,
    batchnorm_forward,
    check_dropout,
    dropout_backward,
    dropout_forward,
    first_linear_backward,
    linear_backward,
    linear_forward,
    maxout_backward,
    maxout_forward,
    prelu_backward,
    prelu_forward,
)

Array = np.ndarray
# "weight" (..., fan_in, fan_out), "bias" (..., 1, fan_out); "gamma" and "beta" with batch norm;
# "slope" of a PReLU. A layer's running averages are no parameters: "mean", "var".
Layer = dict[str, Array]
Runs = slice | Array  # which runs of a stack: a slice, or a mask (...)

PRELU_SLOPE = 0.25  # at the start, as in He et al. 2015
MAXOUT_PIECES = 2
BATCH_NORM = ("none", "before", "after")  # the nonlinearity

# The backward half of each step of a layer, and the parameters it returns gradients for.
BACKWARD: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "first_linear": (first_linear_backward, ("weight", "bias")),
    "linear": (linear_backward, ("weight", "bias")),
    "batchnorm": (batchnorm_backward, ("gamma", "beta")),
    "activation": (activation_backward, ()),
    "prelu": (prelu_backward, ("slope",)),
    "maxout": (maxout_backward, ()),
    "dropout": (dropout_backward, ()),
}
NONLINEARITIES = {"activation", "prelu", "maxout"}


@dataclass(eq=False)
class Network:
    """The parameters of a network, or of a stack of runs, and what its layers compute.

    activation: one of core.nn.activations, or "prelu" or "maxout" (of two pieces: its weights have
    twice the columns). running: the running averages of each hidden layer with batch norm, which
    refuses to train on one sample unless allow_batch_of_one. dropout: share of a hidden layer's
    outputs that training sets to 0; ValueError unless it is at least 0 and less than 1.
    """

    layers: list[Layer]
    activation: Activation | str
    running: list[Layer] = field(default_factory=list)
    batch_norm: str = "none"
    bn_momentum: float = 0.1
    eps: float = 1e-5
    dropout: float = 0.0
    allow_batch_of_one: bool = False

    def __post_init__(self) -> None:
        check_dropout(self.dropout)

    @property
    def activation_name(self) -> str:
        """Return the name of the nonlinearity."""
        return self.activation if isinstance(self.activation, str) else self.activation.name

    @property
    def runs(self) -> tuple[int, ...]:
        """Return the shape of the leading axes: () for one network, (R,) for a stack of R."""
        return self.layers[0]["weight"].shape[:-2]

    @property
    def dtype(self) -> np.dtype:
        """Return the dtype of the parameters."""
        return self.layers[0]["weight"].dtype


@dataclass(eq=False)
class Trace:
    """What one layer did in a forward pass.

    z and out: what entered and left its nonlinearity, (..., samples, units), one array in the last
    layer; caches: what each of its steps left for the backward pass, by name, in order.
    """

    z: Array
    out: Array
    caches: dict[str, Any]

    @property
    def nonlinearity(self) -> str:
        """Return the name of the layer's nonlinearity, "linear" for the last layer."""
        name = next(iter(NONLINEARITIES & self.caches.keys()), "linear")
        return self.caches[name][-1].name if name == "activation" else name

    def local_gradient(self) -> Array:
        """Return f'(z), shaped as z: what the nonlinearity's backward half makes of ones."""
        upstream = np.ones_like(self.out)
        for name in NONLINEARITIES & self.caches.keys():
            back, parameters = BACKWARD[name]
            dz = back(upstream, self.caches[name])
            return dz[0] if parameters else dz
        return upstream


def init_network(
    sizes: Sequence[int],
    scheme: str | float,
    activation: str | Activation = "relu",
    *,
    rng: np.random.Generator,
    bias: float = 0.0,
    batch_norm: str = "none",
    dtype: type = np.float64,
    **options: Any,
) -> Network:
    """Draw one network of `sizes` units from input to output, such as (64, 50, 10).

    scheme: a name of core.nn.initializers, or a number, the std of all weights. Biases of hidden
    layers start at `bias`, those of the last layer at 0. batch_norm: "none", or "before" or "after"
    the nonlinearity of every hidden layer. options: bn_momentum, eps, dropout and
    allow_batch_of_one of the Network. ValueError for what is not among these.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be two or more numbers from 1 up, got {tuple(sizes)}")
    activation = _known_activation(activation)
    if batch_norm not in BATCH_NORM:
        raise ValueError(f"batch_norm must be one of {', '.join(BATCH_NORM)}, got {batch_norm!r}")
    pieces = MAXOUT_PIECES if activation == "maxout" else 1
    columns = [*(pieces * units for units in sizes[1:-1]), sizes[-1]]
    layers = [
        {
            "weight": init_weight(scheme, fan_in, fan_out, rng=rng, dtype=dtype),
            "bias": np.zeros((1, fan_out), dtype),
        }
        for fan_in, fan_out in zip(sizes, columns)
    ]
    running: list[Layer] = []
    for layer, units in zip(layers[:-1], sizes[1:-1]):
        layer["bias"] += bias
        if activation == "prelu":
            layer["slope"] = np.full((1, 1), PRELU_SLOPE, dtype)
        if batch_norm != "none":
            normalized = (1, layer["bias"].size if batch_norm == "before" else units)
            layer |= {"gamma": np.ones(normalized, dtype), "beta": np.zeros(normalized, dtype)}
            running.append({"mean": np.zeros(normalized, dtype), "var": np.ones(normalized, dtype)})
    return Network(layers, activation, running, batch_norm, **options)


def _known_activation(activation: str | Activation) -> str | Activation:
    """Look an activation up by name; "prelu" and "maxout" stay names, as they are no functions."""
    known: dict[str, str | Activation] = {**ACTIVATIONS, "prelu": "prelu", "maxout": "maxout"}
    if not isinstance(activation, str):
        return activation
    if activation not in known:
        raise ValueError(f"activation must be one of {', '.join(known)}, got {activation!r}")
    return known[activation]


def stack_networks(networks: Sequence[Network]) -> Network:
    """Stack networks of one shape along a leading axis of runs."""

    def stack(parts: Sequence[Layer]) -> Layer:
        return {name: np.stack([part[name] for part in parts]) for name in parts[0]}

    layers = [stack(parts) for parts in zip(*(network.layers for network in networks))]
    running = [stack(parts) for parts in zip(*(network.running for network in networks))]
    return replace(networks[0], layers=layers, running=running)


def layers_of_runs(layers: list[Layer], runs: Runs) -> list[Layer]:
    """Return some runs of stacked parameters, or of what is shaped like them."""
    return [{name: array[runs] for name, array in layer.items()} for layer in layers]


def take_runs(network: Network, runs: Runs) -> Network:
    """Return some runs of a stack.

    The arrays of a slice are views, so training them trains the stack; those of a mask are copies.
    """
    return replace(
        network,
        layers=layers_of_runs(network.layers, runs),
        running=layers_of_runs(network.running, runs),
    )


def put_runs(network: Network, runs: Runs, part: Network) -> None:
    """Copy what take_runs() took, and what has become of it, back into the stack."""
    for whole, own in zip((*network.layers, *network.running), (*part.layers, *part.running)):
        for name, array in own.items():
            whole[name][runs] = array


def forward(
    network: Network,
    x: Array,
    *,
    training: bool = False,
    rng: np.random.Generator | None = None,
) -> tuple[Array, list[Trace]]:
    """Return the logits (..., samples, classes) and one trace per layer; x: (..., samples, d).

    Training normalizes by the batch, moves the running averages and drops outputs drawn from rng.
    """
    traces = []
    for index in range(len(network.layers) - 1):
        x, trace = _hidden_forward(network, index, x, training, rng)
        traces.append(trace)
    last = network.layers[-1]
    logits, cache = linear_forward(x, last["weight"], last["bias"])
    return logits, [*traces, Trace(logits, logits, {"linear" if traces else "first_linear": cache})]


def _hidden_forward(
    network: Network, index: int, x: Array, training: bool, rng: np.random.Generator | None
) -> tuple[Array, Trace]:
    """Return what the next layer reads and the trace of a hidden layer."""
    layer, caches = network.layers[index], {}

    def normalize(x: Array) -> Array:
        out, caches["batchnorm"] = batchnorm_forward(
            x,
            layer["gamma"],
            layer["beta"],
            network.running[index],
            training=training,
            bn_momentum=network.bn_momentum,
            eps=network.eps,
            allow_batch_of_one=network.allow_batch_of_one,
        )
        return out

    linear = "linear" if index else "first_linear"
    z, caches[linear] = linear_forward(x, layer["weight"], layer["bias"])
    if network.batch_norm == "before":
        z = normalize(z)
    if isinstance(network.activation, Activation):
        out, caches["activation"] = activation_forward(z, network.activation)
    elif network.activation == "prelu":
        out, caches["prelu"] = prelu_forward(z, layer["slope"])
    else:
        out, caches["maxout"] = maxout_forward(z, MAXOUT_PIECES)
    x = normalize(out) if network.batch_norm == "after" else out
    if training and network.dropout:
        if rng is None:
            raise ValueError("rng must be a Generator to train with dropout, got None")
        x, caches["dropout"] = dropout_forward(x, network.dropout, rng=rng)
    return x, Trace(z, out, caches)


def backward(dlogits: Array, traces: list[Trace], *, with_z: bool = False) -> list[Layer]:
    """Return the gradients, shaped as the layers are, from the gradient of the logits.

    Every step of every layer is undone, the last one first. with_z: the gradient of each trace's z
    too, by the name "z".
    """
    gradients: list[Layer] = []
    dout: Any = dlogits
    for trace in reversed(traces):
        gradient: Layer = {"z": dout} if with_z else {}
        for name, cache in reversed(trace.caches.items()):
            step_backward, parameters = BACKWARD[name]
            dout = step_backward(dout, cache)
            if parameters:
                dout, *own = dout
                gradient |= zip(parameters, own)
            if with_z and name in NONLINEARITIES:
                gradient["z"] = dout
        gradients.insert(0, gradient)
    return gradients
