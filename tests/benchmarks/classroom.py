"""A class at once: thirty visitors on a real server, over its real protocol.

python -m tests.benchmarks.classroom [--visitors 30] [shipped uncached saturation cost]

Every visitor has opened an experiment at its default; within five seconds each of them follows one
link within the page. A wait lasts from there until the last message of the page that was asked for.
Every scene has a fresh server. Exits with 1 if a bar is missed or a visitor is shown an error.

shipped: each one knob away from a default, mixed experiments.
uncached: each on a training of his own seed.
saturation, cost: each on an instant run that nobody else asks for, at its costliest, while others
look at pages that are cached.
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Any

import numpy as np

from core.experiments import everything, load
from core.lab.experiment import Experiment
from core.lab.results import worth_shipping
from tests.benchmarks.costliest import measured
from tests.benchmarks.server import Server, serving
from tests.benchmarks.visitor import Visitor, link, visiting

Run = tuple[Experiment, Any]  # an experiment and a Config of it

WITHIN = 5.0  # s in which all of the class click
ONLOOKERS, LOOKS = 3, 0.5  # who look at cached pages meanwhile, and the s between two looks
OWN_SEEDS = 1000  # from here on: of which no result is shipped
MEDIAN, WORST = 1.5, 10.0  # s, of what is shipped
IN_ORDER = 0.99  # rank correlation of clicks and answers
WORK = 1.5  # times the work that the last of the class may wait
MOST_MEMORY, CACHED = 600.0, 0.2  # MB of the server; s of the slowest 5% of cached pages


@dataclass
class Scene:
    """What was seen of a class: when each clicked and was served, in s, in the order of runs."""

    clicks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    memory: float = 0.0

    @property
    def waits(self) -> np.ndarray:
        """Return how long each waited."""
        return np.array(self.answers) - np.array(self.clicks)


async def attend(server: Server, runs: Sequence[Run], onlookers: int, rng: random.Random) -> Scene:
    """Let one visitor each ask for these runs, within WITHIN seconds."""
    scene = Scene()
    async with AsyncExitStack() as visits:

        async def opened(experiment: Experiment) -> Visitor:
            query = link(experiment, experiment.Config())
            return await visits.enter_async_context(visiting(server.url, experiment.chapter, query))

        places = [await opened(experiment) for experiment, _ in runs]
        seats = [await opened(load("activations", "saturation")) for _ in range(onlookers)]
        over = asyncio.Event()
        watching = [asyncio.create_task(look(seat, scene.looks, over)) for seat in seats]
        await asyncio.gather(
            *(click(place, run, rng.uniform(0, WITHIN), scene) for place, run in zip(places, runs))
        )
        over.set()
        await asyncio.gather(*watching)
        scene.faults += [fault for visitor in [*places, *seats] for fault in visitor.faults]
    scene.memory = server.peak_memory()
    return scene


async def click(visitor: Visitor, run: Run, delay: float, scene: Scene) -> None:
    """Ask for a run after a while and wait for its picture."""
    await asyncio.sleep(delay)
    start = time.perf_counter()
    await visitor.rerun(link(*run))
    scene.clicks.append(start)
    scene.answers.append(time.perf_counter())
    if not visitor.shown:
        scene.faults.append(f"no picture: {link(*run)}")


async def look(visitor: Visitor, seconds: list[float], over: asyncio.Event) -> None:
    """Look at two cached pages in turn until the lesson is over."""
    saturation = load("activations", "saturation")
    queries = [link(saturation, saturation.Config(depth=depth)) for depth in (5, 6)]
    for query in queries:
        await visitor.rerun(query)
    for query in cycle(queries):
        if over.is_set():
            return
        seconds.append(await visitor.rerun(query))
        await asyncio.sleep(LOOKS)


def one_knob_away(experiment: Experiment, rng: random.Random) -> Any:
    """Return a configuration that differs from the default in one knob."""
    default = experiment.Config()
    configs = [config for config in worth_shipping(experiment) if _moved(experiment, config) == 1]
    if configs:
        return rng.choice(configs)
    draws, config = np.random.default_rng(rng.randrange(2**32)), default
    while config == default:
        name = rng.choice(list(experiment.knobs))
        config = replace(default, **{name: experiment.knobs[name].sample(draws)})
    return config


def _moved(experiment: Experiment, config: Any) -> int:
    return sum(getattr(config, n) != knob.default for n, knob in experiment.knobs.items())


def play(runs: Sequence[Run], onlookers: int, rng: random.Random) -> Scene:
    """Start a server, let the class attend, return what was seen."""
    with serving() as server:
        return asyncio.run(attend(server, runs, onlookers, rng))


def tell(what: str, value: float, unit: str, bar: float | None = None, least: bool = False) -> bool:
    """Print one line of the table; return whether it keeps to its bar."""
    kept = bar is None or (value >= bar if least else value <= bar)
    limit = "" if bar is None else f"bar {bar:g} {'met' if kept else 'MISSED'}"
    print(f"  {what:<44}{value:9.2f} {unit:<4}{limit}", flush=True)
    return kept


def tell_waits(scene: Scene, median: float | None = None, worst: float | None = None) -> bool:
    """Print how long the class waited and what went wrong."""
    shares = np.quantile(scene.waits, [0.1, 0.5, 0.9, 1])
    kept = [tell("wait, p10", shares[0], "s"), tell("wait, median", shares[1], "s", median)]
    kept += [tell("wait, p90", shares[2], "s"), tell("wait, worst", shares[3], "s", worst)]
    kept.append(tell("errors shown", len(scene.faults), "", 0))
    for fault in sorted(set(scene.faults)):
        print(f"    {fault}")
    return all(kept)


def shipped(count: int, rng: random.Random) -> bool:
    """Play a class of which each is one knob away from the default."""
    spread = rng.sample(everything(), len(everything()))
    runs = [(e, one_knob_away(e, rng)) for e in islice(cycle(spread), count)]
    print(f"{count} visitors, each one knob from a default, over {len(spread)} experiments")
    scene = play(runs, 0, rng)
    kept = tell_waits(scene, MEDIAN, WORST)
    tell("server's peak memory", scene.memory, "MB")
    return kept


def uncached(count: int, rng: random.Random) -> bool:
    """Play a class of which each is on a training of his own."""
    trainings = [e for e in everything() if e.COST == "training"]
    runs = [
        (e, replace(e.Config(), seed=OWN_SEEDS + i))
        for i, e in enumerate(islice(cycle(trainings), count))
    ]
    print(f"{count} visitors, each on his own training, over {len(trainings)} experiments")
    alone = {e.slug: measured(e, e.Config()).seconds for e in trainings}
    work = sum(alone[e.slug] for e, _ in runs)
    scene = play(runs, 0, rng)
    kept = tell_waits(scene)
    tell("work of all, each run alone", work, "s")
    last = max(scene.answers) - min(scene.clicks)
    kept &= tell("last answer, times the work", last / work, "", WORK)
    kept &= tell("rank correlation of clicks and answers", order(scene), "", IN_ORDER, least=True)
    tell("server's peak memory", scene.memory, "MB")
    return kept


def order(scene: Scene) -> float:
    """Return how far those who clicked first were served first: 1 if all were."""
    ranks = [np.argsort(np.argsort(times)) for times in (scene.clicks, scene.answers)]
    return float(np.corrcoef(*ranks)[0, 1])


def instant(experiment: Experiment, configs: Callable[[int], Any]) -> Callable[..., bool]:
    """Return what plays a class on one instant experiment's runs, none asked for twice."""

    def scene(count: int, rng: random.Random) -> bool:
        print(f"{count} visitors, each on his own costliest {experiment.slug}")
        seen = play([(experiment, configs(i)) for i in range(count)], ONLOOKERS, rng)
        kept = tell_waits(seen)
        kept &= tell("server's peak memory", seen.memory, "MB", MOST_MEMORY)
        kept &= tell("cached pages, p95", float(np.quantile(seen.looks, 0.95)), "s", CACHED)
        return kept

    return scene


SATURATION, COST = load("activations", "saturation"), load("activations", "cost")
SCENES = {
    "shipped": shipped,
    "uncached": uncached,
    "saturation": instant(
        SATURATION, lambda i: SATURATION.Config(depth=30, weight=5.0, seed=OWN_SEEDS + i)
    ),
    "cost": instant(COST, lambda i: COST.Config(width=1000, batch_size=256, seed=OWN_SEEDS + i)),
}


def main() -> int:
    """Play the scenes; return 1 if something was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.classroom")
    parser.add_argument("scenes", nargs="*", metavar="scene", help=", ".join(SCENES))
    parser.add_argument("--visitors", type=int, default=30)
    options = parser.parse_args()
    kept = []
    for name in options.scenes or SCENES:
        kept.append(SCENES[name](options.visitors, random.Random(0)))
        print(f"  load average {os.getloadavg()[0]:.1f}\n", flush=True)
    return not all(kept)


if __name__ == "__main__":
    raise SystemExit(main())
