"""Gallery: activation functions side by side, their slopes, and their properties as computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import ACTIVATIONS, Activation, elu, leaky_relu
from core.columns import crossed
from core.finding import Finding
from core.knobs import Checked, numbers, real, several
from core.layers import activation_backward, activation_forward
from core.network import init_network

COST = "instant"
FUNCTIONS = (
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu"),
    *("selu", "gelu", "silu", "softplus", "linear"),
)
LINE = np.linspace(-10, 10, 161)  # where the functions are drawn
FAR = np.array([-1000.0, 1000.0])  # where their ends are read off
FLAT = 1e-4  # a slope below it is saturated
CENTERED = 1e-6  # mean output on N(0, 1) that counts as 0
EXPONENTIALS = {"exp", "expm1", "tanh", "logaddexp"}  # operations that are dear

# What the lecture says: range, zero-centered, saturates on the left, on the right, can die.
STATED = {
    "sigmoid": (0.0, 1.0, False, True, True, False),
    "tanh": (-1.0, 1.0, True, True, True, False),
    "relu": (0.0, np.inf, False, True, False, True),
    "leaky_relu": (-np.inf, np.inf, False, False, False, False),
    "elu": (-1.0, np.inf, False, True, False, False),
}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The functions that are drawn, and the probe."""

    functions: tuple[str, ...] = several(("sigmoid", "tanh", "relu", "leaky_relu"), FUNCTIONS)
    x: float = real(2.0, -10.0, 10.0, 0.25)
    upstream: float = real(1.0, -2.0, 2.0, 0.25)
    slope: float = numbers(0.01, [0.01, 0.1, 0.25, 0.5])
    alpha: float = numbers(1.0, [0.5, 1.0, 2.0])


@dataclass(frozen=True, eq=False)
class Result:
    """Per function of FUNCTIONS, drawn or not.

    value, slope: (functions, 161) on LINE; output, local: (functions,) at the probe; low, high:
    (functions,) ends of the range, infinite where it has none; mean: output on N(0, 1); flat:
    (functions, 2) saturated on the left, on the right; dies: slope exactly 0 on a whole side;
    parameters: learned numbers a unit has beside weights and bias; operations: (functions, 2)
    operations per element of f and f' together, and how many of them are exponentials.
    """

    config: Config
    value: np.ndarray
    slope: np.ndarray
    output: np.ndarray
    local: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    flat: np.ndarray
    dies: np.ndarray
    parameters: np.ndarray
    operations: np.ndarray


class Counted(np.ndarray):
    """An array that notes the name of every operation on it and on what comes of it."""

    def __array_finalize__(self, source: Any) -> None:
        """Share the notes of the array that this one was made from."""
        self.noted: list[str] = getattr(source, "noted", [])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Note the operation and do it on the plain arrays."""
        self.noted.append(ufunc.__name__)
        out = getattr(ufunc, method)(*map(np.asarray, inputs), **options).view(Counted)
        out.noted = self.noted
        return out


def function_of(name: str, config: Config) -> Activation:
    """Return a function by name, with the slope or alpha that is chosen."""
    chosen = {"leaky_relu": leaky_relu(config.slope), "elu": elu(config.alpha)}
    return chosen.get(name, ACTIVATIONS[name])


def range_of(function: Activation) -> tuple[float, float]:
    """Return the least and greatest output, infinite where it still grows far outside."""
    seen = function.value(np.concatenate([FAR, LINE]))
    grows = np.abs(function.derivative(FAR)) > FLAT
    ends = function.value(FAR)
    low = -np.inf if (grows & (ends < 0)).any() else seen.min()
    high = np.inf if (grows & (ends > 0)).any() else seen.max()
    return float(low), float(high)


def mean_output(function: Activation) -> float:
    """Return the mean of f(z) for z ~ N(0, 1), by quadrature."""
    z = np.linspace(-12, 12, 24_001)
    density = np.exp(-z * z / 2)
    return float((density * function.value(z)).sum() / density.sum())


def operations(function: Activation) -> tuple[int, int]:
    """Return how many operations an element takes through f and f', and how many are dear."""
    z = LINE.copy().view(Counted)
    function.derivative(z)
    return len(z.noted), sum(name in EXPONENTIALS for name in z.noted)


def extra_parameters(function: Activation) -> float:
    """Return how many numbers a unit learns beside its weights and bias."""
    rng = np.random.default_rng(0)
    first = init_network((3, 5, 1), "small", function, rng=rng).layers[0]
    return sum(p.size for name, p in first.items() if name not in ("weight", "bias")) / 5


def run(config: Config) -> Result:
    """Evaluate every function, read the probe off and compute the properties."""
    functions = [function_of(name, config) for name in FUNCTIONS]
    probe = np.array([config.x])
    passed = [activation_forward(probe, f) for f in functions]
    ranges = np.array([range_of(f) for f in functions])
    sides = [np.linspace(-10, -0.1, 50), np.linspace(0.1, 10, 50)]
    return Result(
        config=config,
        value=np.stack([f.value(LINE) for f in functions]),
        slope=np.stack([f.derivative(LINE) for f in functions]),
        output=np.array([out[0] for out, _ in passed]),
        local=np.array([activation_backward(np.ones(1), cache)[0] for _, cache in passed]),
        low=ranges[:, 0],
        high=ranges[:, 1],
        mean=np.array([mean_output(f) for f in functions]),
        flat=np.array([np.abs(f.derivative(FAR)) < FLAT for f in functions]),
        dies=np.array([any((f.derivative(side) == 0).all() for side in sides) for f in functions]),
        parameters=np.array([extra_parameters(f) for f in functions]),
        operations=np.array([operations(f) for f in functions]),
    )


def stated_match(result: Result, name: str) -> bool:
    """Tell whether the computed properties of a function are those that the lecture states."""
    i, (low, high, centered, left, right, dies) = FUNCTIONS.index(name), STATED[name]
    alpha = result.config.alpha if name == "elu" else 1.0
    return bool(
        np.allclose([result.low[i], result.high[i]], [low * alpha, high], atol=1e-6)
        and (abs(result.mean[i]) < CENTERED) == centered
        and (result.flat[i] == (left, right)).all()
        and result.dies[i] == dies
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A2: the stated properties. E1, E14: what is said of ELU. E19: left-right symmetry."""
    index = {name: FUNCTIONS.index(name) for name in FUNCTIONS}
    deep = float(ACTIVATIONS["elu"].derivative(np.array([-10.0]))[0])
    sigmoid, tanh = (result.value[index[name]] for name in ("sigmoid", "tanh"))
    return (
        Finding(
            claim="A2",
            holds=all(stated_match(result, name) for name in STATED),
            values={name: result.local[i] for name, i in index.items()},
        ),
        Finding(
            claim="E1",
            holds=bool(result.low[index["elu"]] > 0),
            values={"low": result.low[index["elu"]]},
        ),
        Finding(claim="E14", holds=deep > FLAT, values={"deep": deep, "bar": FLAT}),
        Finding(
            claim="E19",
            holds=bool(np.allclose(sigmoid, sigmoid[::-1]) and np.allclose(tanh, tanh[::-1])),
            values={
                "mirrored": float(np.abs(tanh - tanh[::-1]).max()),
                "turned": float(
                    max(np.abs(sigmoid + sigmoid[::-1] - 1).max(), np.abs(tanh + tanh[::-1]).max())
                ),
            },
        ),
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return curves, the probe's read-out, and the properties, of the drawn functions."""
    names = result.config.functions
    drawn = [FUNCTIONS.index(name) for name in names]
    sides = np.array(["left", "right"])
    return {
        "curves": {
            **crossed(function=names, x=LINE),
            "value": result.value[drawn].ravel(),
            "slope": result.slope[drawn].ravel(),
        },
        "probe": {
            "function": list(names),
            "output": result.output[drawn],
            "local gradient": result.local[drawn],
            "upstream x local": result.config.upstream * result.local[drawn],
        },
        "properties": {
            "function": list(names),
            "range from": result.low[drawn],
            "range to": result.high[drawn],
            "mean on N(0, 1)": result.mean[drawn],
            "zero-centered": np.abs(result.mean[drawn]) < CENTERED,
            "saturates": [" ".join(sides[flat]) or "nowhere" for flat in result.flat[drawn]],
            "can die": result.dies[drawn],
            "extra parameters": result.parameters[drawn],
            "operations": result.operations[drawn, 0],
            "exponentials": result.operations[drawn, 1],
        },
    }


PRESETS = {
    "lecture": Config(functions=("sigmoid", "tanh", "relu", "leaky_relu", "elu")),
    "squashing": Config(functions=("sigmoid", "tanh"), x=5.0),
    "negative": Config(functions=("relu", "leaky_relu", "elu"), x=-5.0),
    "since2017": Config(functions=("relu", "selu", "gelu", "silu", "softplus"), x=-1.0),
}
SMALL = Config()
SHOWN = (activation_forward, activation_backward, range_of, mean_output)
