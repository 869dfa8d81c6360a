"""Live runs beside each other: python -m tests.benchmarks.live

Two visitors train; a third moves a knob elsewhere, then the first one pauses. Seconds by the clock,
over Streamlit's protocol on a real server. Exits with 1 if a bar is missed.
"""

import asyncio
import time
from collections.abc import Iterable
from statistics import median

from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.experiments import load
from pages.common.text import words
from tests.benchmarks.classroom import tell
from tests.benchmarks.server import serving
from tests.benchmarks.visitor import Visitor, link, visiting

LIVE, SATURATION = load("babysitting", "live"), load("activations", "saturation")
DEPTHS = range(3, 12)
HELD_UP = 3.0  # times as long as alone
PAUSE = 0.5  # s


def pressed(visitor: Visitor, name: str) -> list[WidgetState]:
    """Return the press of a button that the visitor has seen."""
    label = words("live")[name]
    (button,) = (w for w, shown in visitor.widgets.items() if getattr(shown, "label", "") == label)
    return [WidgetState(id=button, trigger_value=True)]


async def clicks(visitor: Visitor) -> float:
    """Return how long the visitor waits for a saturation of another depth (median, s)."""
    configs = [SATURATION.Config(depth=depth) for depth in DEPTHS]
    return median([await visitor.rerun(link(SATURATION, config)) for config in configs])


async def waits(url: str) -> Iterable[float]:
    """Return how long a click takes alone and beside two runs, and a pause (s)."""
    own = link(LIVE, LIVE.Config())
    async with (
        visiting(url, LIVE.chapter, own) as first,
        visiting(url, LIVE.chapter, f"{own}&seed=1") as second,
        visiting(url, SATURATION.chapter, link(SATURATION, SATURATION.Config())) as third,
    ):
        await clicks(third)  # what is drawn for the first time takes longer
        alone = await clicks(third)
        runs = [asyncio.create_task(v.rerun(moved=pressed(v, "start"))) for v in (first, second)]
        await asyncio.sleep(1)
        beside = await clicks(third)
        start = time.perf_counter()
        await first.send(moved=pressed(first, "pause"))
        await runs[0]
        paused = time.perf_counter() - start
        if runs[1].done():
            raise RuntimeError("the other run ended before it was all measured")
        await runs[1]
    return alone, beside, paused


def main() -> int:
    """Print the table; return 1 if a bar was missed."""
    with serving() as server:
        alone, beside, paused = asyncio.run(waits(server.url))
    tell("another visitor's click, alone", alone, "s")
    kept = tell("beside two live runs, times that", beside / alone, "", HELD_UP)
    return not (tell("a pause", paused, "s", PAUSE) and kept)


if __name__ == "__main__":
    raise SystemExit(main())
