"""Fair comparison: contenders take turns, so that a busy moment of the machine hits them alike."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

Contender = Callable[[], np.ndarray | None]  # returns its losses, None if not comparable


@dataclass(frozen=True)
class Bar:
    """How many times as fast as a peer one of ours is to be; losses: how far they may differ."""

    ours: str
    peer: str
    least: float
    losses: float | None = 1e-12


@dataclass(frozen=True)
class Benchmark:
    """Contenders by name, those that are ours first, and the bars between them."""

    title: str
    contenders: Mapping[str, Contender]
    bars: tuple[Bar, ...]
    module: str = field(kw_only=True)


def alternated(
    contenders: Mapping[str, Contender], rounds: int
) -> tuple[dict[str, np.ndarray | None], dict[str, list[float]]]:
    """Return the losses of every contender and its seconds in every round.

    The losses are those of a round before, which warms up and is not timed.
    """
    losses = {name: contender() for name, contender in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender()
            seconds[name].append(time.perf_counter() - start)
    return losses, seconds


def peak_growth(benchmark: Benchmark) -> dict[str, float]:
    """Return by how many MiB each contender, in a process of its own, grows the peak memory."""
    growth = {}
    for name in benchmark.contenders:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            growth[name] = process.submit(_peak_growth_here, benchmark.module, name).result()
    return growth


def _peak_growth_here(module: str, name: str) -> float:
    benchmark: Benchmark = __import__(module, fromlist=["BENCHMARK"]).BENCHMARK
    before = _peak_memory()
    benchmark.contenders[name]()
    return _peak_memory() - before


def _peak_memory() -> float:
    """Return the peak of this process in MiB; unlike getrusage's, it is not the parent's."""
    status = Path("/proc/self/status").read_text()
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def largest_difference(ours: np.ndarray, peer: np.ndarray) -> float:
    """Return the largest difference of losses relative to 1 or their size; NaN equals NaN."""
    both = np.isfinite(ours) & np.isfinite(peer)
    if not np.array_equal(both, np.isfinite(ours) | np.isfinite(peer)):
        return float("inf")
    return float((np.abs(ours - peer)[both] / np.maximum(1, np.abs(peer[both]))).max())


def report(benchmark: Benchmark, rounds: int) -> list[str]:
    """Return the lines of the table for one benchmark: contenders, then bars."""
    memory = peak_growth(benchmark)
    losses, seconds = alternated(benchmark.contenders, rounds)
    lines = ["", benchmark.title]
    for name, values in seconds.items():
        lines.append(
            f"  {name:<38}{1000 * median(values):9.1f} ms  (best {1000 * min(values):8.1f})"
            f"{memory[name]:8.0f} MiB"
        )
    for bar in benchmark.bars:
        ratios = [p / o for o, p in zip(seconds[bar.ours], seconds[bar.peer])]
        best = min(seconds[bar.peer]) / min(seconds[bar.ours])
        verdict = "met" if median(ratios) >= bar.least else "MISSED"
        line = (
            f"  {bar.ours} against {bar.peer}: x {median(ratios):.2f} (best {best:.2f}), "
            f"bar {bar.least:g} {verdict}"
        )
        if bar.losses is not None:
            difference = largest_difference(losses[bar.ours], losses[bar.peer])
            equal = "equal" if difference <= bar.losses else "NOT EQUAL"
            line += f"; losses {equal} (to {difference:.0e})"
        lines.append(line)
    return lines
