"""Charts: the only part of core that knows Altair and pandas. Results in, panels out."""

from collections.abc import Callable
from importlib import import_module

from core.experiments import CHAPTERS


def load_charts(chapter: str) -> dict[str, Callable]:
    """Return name -> chart function for every experiment of a chapter.

    A chart function takes `{label: Result}` (one run, or a pinned one before the current one) and
    returns columns, drawn side by side: each a list of panels, drawn below each other.
    """
    modules = {
        name: import_module(f"core.charts.{chapter}.{name.replace('-', '_')}")
        for name in CHAPTERS[chapter]
    }
    return {name: module.chart for name, module in modules.items()}
