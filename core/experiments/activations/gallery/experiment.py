"""Gallery: activation functions side by side, their slopes, and their properties as computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.lab.columns import crossed
from core.lab.finding import Finding
from core.lab.knobs import Checked, looks, numbers, real, several
from core.lab.verdict import decided
from core.nn.activations import ACTIVATIONS, Activation, elu, leaky_relu, sigmoid
from core.nn.layers import activation_backward, activation_forward, softmax

COST = "instant"
FUNCTIONS = (
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu"),
    *("selu", "gelu", "silu", "softplus", "linear"),
)
STEP = 1e-6  # on both sides of 0, so that a jump of a slope is drawn upright
LINE = np.sort(np.append(np.linspace(-10, 10, 161), [-STEP, STEP]))  # where they are drawn
FAR = np.array([-1000.0, 1000.0])  # where their ends are read off
FLAT = 1e-4  # a slope below it is saturated
CENTRED = 1e-6  # mean output on N(0, 1) that counts as 0
DEEP = 10.0  # E14: how far out on the negative side ELU's slope is read
EQUAL = 1e-12  # E15, E19: difference of two values that are one but for rounding
SAME = 1e-3  # difference of two slopes that nobody sees
NUDGE, MEASURED = 1e-6, 1e-5  # A2b: step of x by which a slope is measured, and its margin
EXPONENTIALS = {"exp", "expm1", "tanh", "logaddexp"}  # operations that are expensive

# What the lecture says: range, zero-centred, saturates on the left, on the right, can die.
STATED = {
    "sigmoid": (0.0, 1.0, False, True, True, False),
    "tanh": (-1.0, 1.0, True, True, True, False),
    "relu": (0.0, np.inf, False, True, False, True),
    "leaky_relu": (-np.inf, np.inf, False, False, False, False),
    "elu": (-1.0, np.inf, False, True, False, False),
}

LECTURE = tuple(STATED)  # its sixth, Maxout, is no function of one number


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """The functions that are drawn, the probe, and the parameters of two functions."""

    functions: tuple[str, ...] = looks(several(LECTURE, FUNCTIONS))
    x: float = looks(real(2.0, -10.0, 10.0, 0.25))
    upstream: float = looks(real(1.0, -2.0, 2.0, 0.25))
    slope: float = numbers(0.01, [0.01, 0.1, 0.25, 0.5])
    alpha: float = numbers(1.0, [0.5, 1.0, 2.0])


@dataclass(frozen=True, eq=False)
class Result:
    """Per function of FUNCTIONS, drawn or not.

    value, slope: (functions, 163) on LINE; low, high: (functions,) ends of the range, infinite
    where it has none; mean: output on N(0, 1); flat: (functions, 2) saturated on the left, on the
    right; dies: slope exactly 0 on a whole side; operations: (functions, 2) operations per element
    of f and f' together, and how many of them are exponentials; binary: greatest difference of the
    sigmoid on LINE from the softmax of two classes.
    """

    config: Config
    value: np.ndarray
    slope: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    flat: np.ndarray
    dies: np.ndarray
    operations: np.ndarray
    binary: float


class Counted(np.ndarray):
    """An array that notes the name of every operation on it and on what comes of it."""

    def __array_finalize__(self, source: Any) -> None:
        """Share the notes of the array that this one was made from."""
        self.noted: list[str] = getattr(source, "noted", [])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Note the operation and do it on the plain arrays."""
        return self._note(
            ufunc.__name__, getattr(ufunc, method)(*map(np.asarray, inputs), **options)
        )

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        """Note a choice between two arrays, which is no ufunc."""
        out = super().__array_function__(function, types, inputs, options)
        return self._note("where", out) if function is np.where else out

    def _note(self, name: str, out: np.ndarray) -> "Counted":
        self.noted.append(name)
        counted = np.asarray(out).view(Counted)
        counted.noted = self.noted
        return counted


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
    """Return how many operations an element takes through f and f', and how many exponentials."""
    z = LINE.copy().view(Counted)
    function.derivative(z)
    return len(z.noted), sum(name in EXPONENTIALS for name in z.noted)


def probe(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Return output and slope (drawn functions,) at the probe."""
    x = np.array([config.x])
    passed = [activation_forward(x, function_of(name, config)) for name in config.functions]
    slopes = [activation_backward(np.ones(1), cache) for _, cache in passed]
    return np.concatenate([out for out, _ in passed]), np.concatenate(slopes)


def run(config: Config) -> Result:
    """Evaluate every function and compute its properties."""
    functions = [function_of(name, config) for name in FUNCTIONS]
    passed = [activation_forward(LINE, f) for f in functions]
    ranges = np.array([range_of(f) for f in functions])
    sides = [np.linspace(-10, -0.1, 50), np.linspace(0.1, 10, 50)]
    two_classes = softmax(np.stack([LINE, np.zeros_like(LINE)], axis=-1))
    return Result(
        config=config,
        value=np.stack([out for out, _ in passed]),
        slope=np.stack([activation_backward(np.ones_like(LINE), cache) for _, cache in passed]),
        low=ranges[:, 0],
        high=ranges[:, 1],
        mean=np.array([mean_output(f) for f in functions]),
        flat=np.array([np.abs(f.derivative(FAR)) < FLAT for f in functions]),
        dies=np.array([any((f.derivative(side) == 0).all() for side in sides) for f in functions]),
        operations=np.array([operations(f) for f in functions]),
        binary=float(np.abs(sigmoid(LINE) - two_classes[:, 0]).max()),
    )


def stated_match(result: Result, name: str) -> bool:
    """Tell whether the computed properties of a function are those that the lecture states."""
    i, (low, high, centred, left, right, dies) = FUNCTIONS.index(name), STATED[name]
    alpha = result.config.alpha if name == "elu" else 1.0
    return bool(
        np.allclose([result.low[i], result.high[i]], [low * alpha, high], atol=1e-6)
        and (abs(result.mean[i]) < CENTRED) == centred
        and (result.flat[i] == (left, right)).all()
        and result.dies[i] == dies
    )


def findings(result: Result) -> tuple[Finding, ...]:
    """A2b: what is passed back at the probe. A2: the stated properties. E..: what is said of some.

    E1, E14, E15 and E19 are about ELU, sigmoid and tanh. All of them hold or fail by what the
    functions are; the numbers only check it.
    """
    alpha = result.config.alpha
    deep = float(function_of("elu", result.config).derivative(np.array([-DEEP]))[0])
    low = float(result.low[FUNCTIONS.index("elu")])
    curves = [result.value[FUNCTIONS.index(name)] for name in ("sigmoid", "tanh")]
    mirrored = min(np.abs(curve - curve[::-1]).max() for curve in curves)
    turned = max(np.ptp(curve + curve[::-1]) for curve in curves)
    return (
        _passed(result),
        _properties(result),
        _misread("E1", low > 0, low=low, alpha=alpha),
        _misread("E14", deep > FLAT, deep=deep, at=DEEP, bar=FLAT, alpha=alpha),
        _misread("E15", result.binary > EQUAL, difference=result.binary, bar=EQUAL),
        _misread("E19", mirrored <= EQUAL, mirrored=mirrored, turned=turned, bar=EQUAL),
    )


def _passed(result: Result) -> Finding:
    """A2b: a unit passes back the gradient times its slope; at a corner, that of either side."""
    config = result.config
    _, slopes = probe(config)
    least, most = np.abs(slopes).argmin(), np.abs(slopes).argmax()
    because = "" if np.ptp(slopes) > SAME else "same"
    off = np.abs(np.stack([measured_slopes(config, side) for side in (-NUDGE, NUDGE)]) - slopes)
    return Finding(
        claim="A2b",
        outcome=decided(off.min(axis=0).max() <= MEASURED),
        identity=True,
        because="alone" if len(slopes) == 1 else because,
        values={
            "least": slopes[least],
            "least_name": config.functions[least],
            "most": slopes[most],
            "most_name": config.functions[most],
        },
    )


def measured_slopes(config: Config, nudge: float) -> np.ndarray:
    """Return (drawn functions,) by how much outputs change per nudge of the input at the probe."""
    x = np.array([config.x, config.x + nudge])
    return np.array([np.diff(function_of(n, config).value(x))[0] for n in config.functions]) / nudge


def _properties(result: Result) -> Finding:
    return Finding(
        claim="A2",
        outcome=decided(all(stated_match(result, name) for name in STATED)),
        identity=True,
        values={"functions": len(STATED)},
    )


def _misread(claim: str, right: bool | np.bool_, **values: float) -> Finding:
    return Finding(
        claim=claim, outcome=decided(right), values=values, misreading=True, identity=True
    )


def tables(result: Result) -> Mapping[str, Mapping[str, Any]]:
    """Return curves, the probe's read-out, and the properties, of the drawn functions."""
    names = result.config.functions
    drawn = [FUNCTIONS.index(name) for name in names]
    sides = np.array(["left", "right"])
    outputs, slopes = probe(result.config)
    return {
        "curves": {
            **crossed(function=names, x=LINE),
            "value": result.value[drawn].ravel(),
            "slope": result.slope[drawn].ravel(),
        },
        "probe": {
            "function": list(names),
            "output": outputs,
            "slope": slopes,
            "upstream x slope": result.config.upstream * slopes,
        },
        "properties": {
            "function": list(names),
            "range from": result.low[drawn],
            "range to": result.high[drawn],
            "mean on N(0, 1)": result.mean[drawn],
            "zero-centred": np.abs(result.mean[drawn]) < CENTRED,
            "saturates": [" and ".join(sides[flat]) or "nowhere" for flat in result.flat[drawn]],
            "can die": result.dies[drawn],
            "operations": result.operations[drawn, 0],
            "exponentials": result.operations[drawn, 1],
        },
    }


PRESETS = {
    "lecture": Config(),
    "squashing": Config(functions=("sigmoid", "tanh"), x=5.0),
    "negative": Config(functions=("relu", "leaky_relu", "elu"), x=-5.0),
    "since2017": Config(functions=("relu", "selu", "gelu", "silu", "softplus"), x=-1.0),
}
SMALL = Config()
SHOWN = (activation_forward, activation_backward, range_of, mean_output)
