"""An experiment as one object: what page, link, cache, pin, terminal and tests pass around."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from core.lab.finding import Finding
from core.lab.knobs import Knob, knobs_of
from core.lab.words import words_of

Cost = Literal["instant", "normal", "training"]
Columns = Mapping[str, Any]  # of equal length, by name
Views = Mapping[str, Callable[..., Any]]  # name -> runs to a picture; the first is the main one

ROOT = Path(__file__).parents[1] / "experiments"


class Module(Protocol):
    """What `experiment.py` of every experiment must have; CONTRIBUTING.md says what each is.

    Beside it: `run(config)`, or, in one of class "training", `steps(config)`, a generator that
    yields the share of the work done and returns the Result; instead of a share it may yield
    (share, Result so far), which is drawn while the run goes on. One that can use a table of the
    visitor's own has `TABLE_KNOBS`, the knobs that still act then, and `run(config, table)`. One
    that asks about each run has knobs marked by `answers(...)` and `score(result)`, which tells
    whether they are set right, None while nothing is answered. One whose numbers do not all fit in
    tables has `documents(result)`: name -> lists and numbers, for JSON files. One that is trained
    under the visitor's hands has a class `Live(config)`, which pages/common/live.py plays.
    """

    Config: type[Any]
    Result: type[Any]
    PRESETS: Any  # Mapping[str, Config]
    COST: Any  # Cost
    SMALL: Any  # Config
    SHOWN: Any  # Sequence of functions

    def findings(self, result: Any, /) -> tuple[Finding, ...]:
        """Return what the run says about each claim that it measured, the heading's first."""

    def tables(self, result: Any, /) -> Mapping[str, Columns]:
        """Return the numbers behind the pictures."""


@dataclass(frozen=True)
class Experiment:
    """One experiment of a chapter; its parts are imported or read when first asked for."""

    chapter: str
    name: str

    @property
    def slug(self) -> str:
        """Return "chapter/name", which names it among all."""
        return f"{self.chapter}/{self.name}"

    @property
    def folder(self) -> Path:
        """Return the folder that holds everything of it."""
        return ROOT / self.chapter / self.name.replace("-", "_")

    def _part(self, part: str) -> Any:
        return import_module(f"core.experiments.{self.chapter}.{self.folder.name}.{part}")

    @cached_property
    def module(self) -> Any:
        """Return its `experiment.py`."""
        return self._part("experiment")

    @property
    def views(self) -> Views:
        """Return its pictures by name, from `picture.py`; the first is the main one."""
        views: Views = self._part("picture").VIEWS
        return views

    @property
    def table_views(self) -> Views:
        """Return those that can show a table of the visitor's own, under the same names."""
        return getattr(self._part("picture"), "TABLE_VIEWS", self.views)

    @property
    def setting(self) -> Callable[..., Any] | None:
        """Return what draws the setting without its outcome, for the question; None if nothing."""
        return getattr(self._part("picture"), "SETTING", None)

    @property
    def draw_log(self) -> Callable[..., Any] | None:
        """Return what draws a log of the visitor's own; None if it takes none."""
        return getattr(self._part("picture"), "LOG", None)

    @cached_property
    def words(self) -> Mapping[str, Any]:
        """Return its text; WordsError names the file that is broken."""
        return words_of(self.folder, tuple(self.knobs))

    @property
    def Config(self) -> type[Any]:
        """Return its Config class."""
        config: type[Any] = self.module.Config
        return config

    @property
    def PRESETS(self) -> Mapping[str, Any]:
        """Return name -> Config, the default among them."""
        presets: Mapping[str, Any] = self.module.PRESETS
        return presets

    @property
    def COST(self) -> Cost:
        """Return its class of cost."""
        cost: Cost = self.module.COST
        return cost

    @property
    def table_knobs(self) -> tuple[str, ...] | None:
        """Return the knobs that act on a table of the visitor's own; None if it takes none."""
        return getattr(self.module, "TABLE_KNOBS", None)

    @property
    def live(self) -> Any:
        """Return the class of a run under a visitor's hands; None if there is no such thing."""
        return getattr(self.module, "Live", None)

    @property
    def SMALL(self) -> Any:
        """Return a Config that runs in a blink."""
        return self.module.SMALL

    @property
    def SHOWN(self) -> Sequence[Callable[..., Any]]:
        """Return the functions shown as the NumPy that ran."""
        shown: Sequence[Callable[..., Any]] = self.module.SHOWN
        return shown

    @cached_property
    def knobs(self) -> dict[str, Knob]:
        """Return name -> knob, in the order of the Config's fields."""
        return knobs_of(self.Config)

    def steps(self, config: Any) -> Generator[Any, None, Any]:
        """Run step by step: yield the share of the work done, return the Result."""
        if hasattr(self.module, "steps"):
            return (yield from self.module.steps(config))
        return self.module.run(config)

    def run(self, config: Any) -> Any:
        """Run to the end and return the Result."""
        steps = self.steps(config)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value

    def findings(self, result: Any) -> tuple[Finding, ...]:
        """Return what a run says about each claim that it measured, the heading's first."""
        found: tuple[Finding, ...] = self.module.findings(result)
        return found

    def score(self, result: Any) -> bool | None:
        """Tell whether the visitor's answer about a run is right; None if there is none."""
        right: bool | None = self.module.score(result) if hasattr(self.module, "score") else None
        return right

    def tables(self, result: Any) -> Mapping[str, Columns]:
        """Return the numbers behind the pictures, by name."""
        tables: Mapping[str, Columns] = self.module.tables(result)
        return tables

    def documents(self, result: Any) -> Any:
        """Return the numbers that are no tables, by name; there are none in most experiments."""
        return getattr(self.module, "documents", lambda result: {})(result)
