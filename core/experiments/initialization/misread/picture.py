"""Misread: histograms of every layer for the wrong formulas and the right one, and the spread."""

from collections.abc import Sequence

from core.charts.columns import Columns
from core.charts.layers import by_layer, drawn_counts, log_domain, ridges
from core.charts.picture import Picture
from core.experiments.initialization.misread.experiment import Result, edges_of, fates
from core.lab.say import number
from core.lab.words import name_of

XAVIER = "randn/√n"  # what it is in NumPy, as the misreadings are written
FATES = {
    "vanishes": "vanishes",
    "saturates": "saturates",
    "explodes": "explodes",
    "alive": "stays alive",
}
NOTES = {
    "misread_rand": "all weights positive:\nnothing cancels",
    "misread_times_sqrt": "sums n times\ntoo large",
    "misread_divided_by_n": "sums √n times\ntoo small",
    "glorot": "n: the mean of\nboth fans",
    "xavier": "correct: sums shrink\nonly slowly",
}


def name(scheme: str) -> str:
    """Return what a scheme is called over its column and at its line."""
    return XAVIER if scheme == "xavier" else name_of(scheme)


def histograms(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw one column of histograms per scheme, what became of it and why above."""
    config, edges = result.config, edges_of(result.config.activation)
    low, high = edges[[0, -1]].tolist()
    relu = config.activation == "relu"
    beyond = [f"zeros and outputs above {number(high)} are not drawn"] if relu else []
    fate = fates(result)
    chart = ridges(
        drawn_counts(result.counts, result.zero if relu else None),
        edges,
        Columns(config.schemes, low, high, gap=0.6),
        heads={scheme: f"{name(scheme)}\n{FATES[fate[scheme]]}" for scheme in config.schemes},
        notes=NOTES,
        stds=result.std,
        title=["outputs of the units; the number is their std", *beyond],
        ticks={value: number(value) for value in (low, (low + high) / 2, high)},
    )
    return Picture(chart, "Histograms of the outputs of every layer, a column a formula")


def _lines(
    result: Result, shared: Sequence[Result], field: str, title: str, *, back: bool = False
) -> Picture:
    chart = by_layer(
        dict(zip(result.config.schemes, getattr(result, field))),
        {scheme: name(scheme) for scheme in result.config.schemes},
        domain=log_domain(*(getattr(r, field) for r in shared)),
        title=f"{title} (log)",
        depth=max(r.config.depth for r in shared),
        back=back,
    )
    return Picture(chart, f"{title} by layer, a line a formula".capitalize())


def spread(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the std of the outputs per layer."""
    return _lines(result, shared, "std", "std of the outputs")


def gradients(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the std of the gradients per layer, on their way back."""
    return _lines(result, shared, "dz_std", "std of the gradients dL/dz", back=True)


VIEWS = {"histograms": histograms, "std": spread, "gradients": gradients}
