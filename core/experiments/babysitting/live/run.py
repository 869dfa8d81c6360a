"""A run under the student's hands: trained step by step, and changed while it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.lab.datasets import all_digits, load_digits
from core.lab.doctor import Curves, Note, diagnose, note
from core.lab.knobs import Checked, choice, numbers, seed
from core.lab.streams import streams
from core.nn.dataset import Dataset
from core.nn.network import Network, init_network
from core.nn.preprocessing import fit_standardizer
from core.nn.record import Record
from core.nn.training import Hyper, train

Array = np.ndarray

STEPS, EPOCHS = 15, 20  # of an epoch, whatever the number of digits; after which a run pauses
MOST = 100  # epochs of a run: the cap
MOMENTUM = 0.9
VAL, TEST = 300, 400  # digits
STARTS = 12  # that advice is tested on; the first one is the run that is seen
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
OFF = -5.0  # first biases of units that start switched off

EVERY, MOMENTS = 5, 160  # steps between two moments at first; so many are kept at most
BINS = 30
EDGES = {"relu": np.linspace(0, 6, BINS + 1), "tanh": np.linspace(-1, 1, BINS + 1)}


@dataclass(frozen=True, kw_only=True)
class Config(Checked):
    """How a run begins; its rate and its regularization can be changed while it goes on."""

    learning_rate: float = numbers(3e-4, RATES)
    reg: float = numbers(0.0, [0.0, 0.001, 0.01, 0.1, 1.0])
    start: str = choice("usual", ["usual", "small", "large", "off"])
    activation: str = choice("relu", ["relu", "tanh"])
    hidden: int = numbers(20, [2, 5, 20, 50])
    examples: int = numbers(1000, [60, 100, 300, 1000])
    seed: int = seed()


@dataclass(frozen=True, eq=False)
class Result:
    """A run up to now, and, where its advice was tested, what came of that.

    By moment: step, epoch, losses and accuracies (moments,); update_ratio (moments, 3 layers);
    dead, saturated: (moments, 2) shares of the hidden layers; counts: (moments, 2, BINS + 1) of
    their outputs, the last ones outside the EDGES. batch_loss: (steps,). weights: (64, hidden) of
    the first layer now. changes: (changes, 3) epoch, rate and regularization from then on.
    test: (cases, STARTS) share of the test digits that are right in the end; causes: (STARTS,) what
    the doctor finds, a place in core.lab.doctor.Cause. Both are empty for a run under way.
    """

    config: Config
    step: Array
    epoch: Array
    train_loss: Array
    val_loss: Array
    train_accuracy: Array
    val_accuracy: Array
    update_ratio: Array
    dead: Array
    saturated: Array
    counts: Array
    batch_loss: Array
    weights: Array
    changes: Array
    test: Array
    causes: Array

    @property
    def curves(self) -> Curves:
        """Return what a doctor looks at."""
        names = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "update_ratio")
        known = {name: getattr(self, name) for name in (*names, "dead", "saturated", "batch_loss")}
        return Curves(epoch=self.epoch, classes=10, **known)


@lru_cache(8)
def splits(seed: int, examples: int) -> tuple[Dataset, Array, Array]:
    """Draw training and validation digits, and test digits with their labels.

    Fewer training digits are among those that more have. Pixels are standardized by them.
    """
    (data,) = streams(seed, "data")
    x, y = all_digits()
    val, test, train = np.split(data.permutation(len(y)), [VAL, VAL + TEST])
    train = train[:examples]
    standardize = fit_standardizer(x[train]).transform
    inputs = [standardize(x[part]).astype(np.float32) for part in (train, val, test)]
    dataset = replace(
        load_digits(), x_train=inputs[0], y_train=y[train], x_val=inputs[1], y_val=y[val]
    )
    return dataset, inputs[2], y[test]


def build(start: str, activation: str, hidden: int, rng: np.random.Generator) -> Network:
    """Draw a network with two hidden layers from one of four starts."""
    usual = {"relu": "he", "tanh": "xavier"}[activation]
    return init_network(
        (64, hidden, hidden, 10),
        start if start in ("small", "large") else usual,
        activation,
        rng=rng,
        bias=OFF if start == "off" else 0.0,
        dtype=np.float32,
    )


class Live:
    """A run that is trained a few steps at a time; it ends after MOST epochs.

    config: as it is now. goal: the epoch at which to pause.
    """

    VIEWS = ("curves", "updates", "units", "outputs", "weights")

    def __init__(self, config: Config) -> None:
        weights, batches = streams(config.seed, "weights", "batches")
        data, _, _ = splits(config.seed, config.examples)
        self.config, self.goal = config, EPOCHS
        self._network = build(
            config.start, config.activation, config.hidden, weights.spawn(STARTS)[0]
        )
        self._hyper = Hyper(learning_rate=config.learning_rate, reg=config.reg, momentum=MOMENTUM)
        self._records = train(
            self._network,
            data,
            self._hyper,
            batch_size=-(-config.examples // STEPS),
            epochs=MOST,
            rng=batches,
            record_every=1,
            histograms=EDGES[config.activation],
        )
        self._moments = [next(self._records)]
        self._every = EVERY
        self._batch_loss: list[float] = []
        self._changes: list[tuple[float, float, float]] = []

    @property
    def _last(self) -> Record:
        return self._moments[-1]

    @property
    def step(self) -> int:
        """Return how many steps were taken."""
        return self._last.step

    @property
    def epoch(self) -> float:
        """Return how many epochs were trained."""
        return self._last.epoch

    @property
    def is_at_goal(self) -> bool:
        """Tell whether to pause."""
        return self.epoch >= self.goal or self.has_ended

    @property
    def has_ended(self) -> bool:
        """Tell whether no step is left: the cap is reached, or nothing is finite any more."""
        return self.epoch >= MOST or not self.is_finite

    @property
    def is_finite(self) -> bool:
        """Tell whether the losses and the weights are still numbers."""
        return bool(self._last.is_finite)

    @property
    def is_as_begun(self) -> bool:
        """Tell whether nothing was changed on the way."""
        return not self._changes

    def fits(self, config: Config) -> bool:
        """Tell whether this run can go on with a configuration, changed from now on."""
        return replace(self.config, learning_rate=config.learning_rate, reg=config.reg) == config

    def change(self, config: Config) -> None:
        """Go on with the rate and the regularization of a configuration that fits."""
        if config == self.config:
            return
        self.config = config
        self._hyper.learning_rate, self._hyper.reg = config.learning_rate, config.reg
        if self.step:
            if self._changes and self._changes[-1][0] == self.epoch:
                self._changes.pop()
            self._changes.append((self.epoch, config.learning_rate, config.reg))

    def extend(self) -> None:
        """Set the next goal, once one is reached."""
        if self.is_at_goal:
            self.goal = min(self.goal + EPOCHS, MOST)

    def advance(self, steps: int) -> None:
        """Take some steps, up to the goal at most."""
        for _ in range(steps):
            if self.is_at_goal:
                return
            self._keep(next(self._records))

    def _keep(self, record: Record) -> None:
        """Keep a moment in place of the last one, unless that stays; thin them when many."""
        self._batch_loss.append(float(record.batch_loss[-1]))
        if self.step % self._every:
            self._moments.pop()
        self._moments.append(record)
        if len(self._moments) > MOMENTS:
            self._moments = self._moments[::2] + self._moments[-1:] * (len(self._moments) % 2 == 0)
            self._every *= 2

    @property
    def result(self) -> Result:
        """Return the run up to now."""
        return result_of(self.config, self._moments, self._batch_loss, self._network, self._changes)

    @property
    def note(self) -> Note:
        """Return what the doctor says up to now."""
        return note(diagnose(self.result.curves))


def result_of(
    config: Config,
    moments: Sequence[Record],
    batch_loss: Sequence[float],
    network: Network,
    changes: Sequence[tuple[float, float, float]],
) -> Result:
    """Put together what was seen of a run."""

    def column(name: str, dtype: type = np.float32) -> Array:
        return np.array([getattr(record, name) for record in moments], dtype)

    names = ("val_loss", "train_accuracy", "val_accuracy", "update_ratio", "dead", "saturated")
    return Result(
        config=config,
        step=column("step", np.int32),
        epoch=column("epoch"),
        train_loss=column("data_loss"),
        **{name: column(name) for name in names},
        counts=column("counts", np.uint16),
        batch_loss=np.array(batch_loss, np.float32),
        weights=network.layers[0]["weight"].copy(),
        changes=np.array(changes, np.float32).reshape(-1, 3),
        test=np.empty((0, 0)),
        causes=np.empty(0, int),
    )
