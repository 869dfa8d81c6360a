"""Time and memory of every experiment, at its default and at its costliest configuration.

python -m tests.benchmarks.costliest [chapter/name ...]

Every run has a process of its own. seconds: by the clock; CPU: of all threads; MB: the peak of
resident memory above what it was after a run of SMALL, which imports and loads. The costliest
configuration is looked for knob by knob from the default, once by CPU, which other work disturbs
less than the clock, and once by memory, and the worse of both is told. A training tells its visitor
the seconds that are left: where it is over the bar of seconds, the table says so ("long"), no more.
Exits with 1 if anything else is over its bar.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from core.experiments import everything
from core.lab.experiment import Experiment
from core.lab.knobs import Choice, Flag, Knob, Seed, Several

DEFAULT_CPU = {"instant": 0.3, "normal": 1.5, "training": 6.0}  # s, by class of cost
SECONDS, MEGABYTES = 8.0, 150.0  # of the costliest
NOISE = 1.1  # a knob's value counts as costlier from here on
WIDTHS = "{:<40}{:<10}{:>9}{:>7}{:>7}{:>16}{:>6}  {}"


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    seconds: float
    cpu: float
    megabytes: float


def measured(experiment: Experiment, config: Any) -> Cost:
    """Return what a run takes, in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        fresh = replace(experiment)  # imported modules cannot be sent
        return process.submit(_measured_here, fresh, config).result()


def _measured_here(experiment: Experiment, config: Any) -> Cost:
    experiment.run(experiment.SMALL)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, clock, cpu = _memory("VmRSS"), time.perf_counter(), time.process_time()
    experiment.run(config)
    seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
    return Cost(seconds, cpu, _memory("VmHWM") - before)


def _memory(name: str) -> float:
    """Return one of this process's kinds of memory in MB."""
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith(name))
    return int(line.split()[1]) * 1024 / 1e6


def extremes(knob: Knob) -> Sequence[Any]:
    """Return the values of a knob among which is the one that costs most."""
    match knob:
        case Seed():
            return ()
        case Choice(options=options):
            return options
        case Several(options=options):
            return (options,)
        case Flag():
            return (False, True)
        case _:
            return (knob.steps[0], knob.steps[-1])


def costliest(
    experiment: Experiment, default: Cost, cost: Callable[[Cost], float], tried: dict[Any, Cost]
) -> Any:
    """Return the configuration that takes most by `cost`; what was measured is put into `tried`."""
    chosen = {}
    for name, knob in experiment.knobs.items():
        most = cost(default) * NOISE
        for value in extremes(knob):
            config = replace(experiment.Config(), **{name: value})
            if config not in tried:
                tried[config] = measured(experiment, config)
            if cost(tried[config]) > most:
                most, chosen[name] = cost(tried[config]), value
    return replace(experiment.Config(), **chosen)


def rows(experiment: Experiment) -> Iterator[tuple[list[str], bool]]:
    """Yield the table's lines of an experiment, and whether each keeps to its bars."""
    default = experiment.Config()
    once = measured(experiment, default)
    bar = DEFAULT_CPU[experiment.COST]
    yield _row(experiment, "default", once, f"{bar:g} CPU", once.cpu <= bar, "")
    tried = {default: once}
    by_cpu = costliest(experiment, once, lambda cost: cost.cpu, tried)
    by_memory = costliest(experiment, once, lambda cost: cost.megabytes, tried)
    for config in {by_cpu, by_memory} - tried.keys():
        tried[config] = measured(experiment, config)
    slowest = max(tried, key=lambda config: tried[config].cpu)
    largest = max(tried, key=lambda config: tried[config].megabytes)
    worst = replace(tried[slowest], megabytes=tried[largest].megabytes)
    long = worst.seconds > SECONDS and experiment.COST == "training"
    kept = (worst.seconds <= SECONDS or long) and worst.megabytes <= MEGABYTES
    told = "; memory: ".join(_moved(experiment, c) for c in dict.fromkeys([slowest, largest]))
    bar = f"{SECONDS:g}, {MEGABYTES:g} MB" + ", long" * long
    yield _row(experiment, "costliest", worst, bar, kept, told)


def _row(
    experiment: Experiment, which: str, cost: Cost, bar: str, kept: bool, told: str
) -> tuple[list[str], bool]:
    numbers = [f"{cost.seconds:.2f}", f"{cost.cpu:.2f}", f"{cost.megabytes:.0f}"]
    name = f"{experiment.slug} ({experiment.COST})"
    return [name, which, *numbers, bar, "" if kept else "OVER", told], kept


def _moved(experiment: Experiment, config: Any) -> str:
    """Return the knobs that are not at their defaults."""
    return " ".join(
        f"{name}={','.join(knob.texts(getattr(config, name)))}"
        for name, knob in experiment.knobs.items()
        if getattr(config, name) != knob.default
    )


def main() -> int:
    """Print the table; return 1 if an experiment is over a bar or cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.costliest")
    parser.add_argument("slugs", nargs="*", metavar="chapter/name")
    slugs, over = parser.parse_args().slugs, []
    print(WIDTHS.format("", "", "seconds", "CPU", "MB", "bar", "", "knobs"))
    for experiment in everything():
        if slugs and experiment.slug not in slugs:
            continue
        try:
            for cells, kept in rows(experiment):
                print(WIDTHS.format(*cells), flush=True)
                over += [experiment.slug] * (not kept)
        except Exception as error:  # the table of all others is wanted all the same
            print(f"{experiment.slug}: cannot be measured: {error!r}", flush=True)
            over.append(experiment.slug)
    print("\nload average", *(f"{load:.1f}" for load in os.getloadavg()))
    return bool(over)


if __name__ == "__main__":
    raise SystemExit(main())
