"""Forged messages: what a hand that is no browser may send, each in a visit that is alive.

python -m tests.benchmarks.forged [--messages 10000]

Eight visitors at a time open experiments and send values that no widget offers: out of range, no
option, too many or too few, a string of a megabyte, for widgets that do not exist. After each
message its sender follows the link back and must see his picture. One in ten has a type that the
widget does not take: Streamlit fails at those by itself, before any code of the app, and ends the
visit of him who sent it, and he opens a new one. Exits with 1 if anybody is shown details of an
error, a fault is the app's own, a visit ends otherwise, or the server grows in the second half.
"""

import argparse
import asyncio
import json
import random
import re
import string
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.charts.picture import AREA
from core.experiments import everything
from core.lab.experiment import Experiment
from tests.benchmarks.server import ROOT, Server, serving
from tests.benchmarks.visitor import Visitor, link, visiting

VISITORS = 8
STAY = 50  # messages of one visit, at most
GROWTH = 50.0  # MB that the second half may add
HUGE = 1_000_000  # characters
ILL_TYPED = 0.1  # of the messages
REDACTED = "The original error message is redacted"

NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.3, 7.5, 99.0, 1e9, -1e9, 1e308, float("nan"), float("inf"))
TEXTS = ("", "nan", "None", "-1", "relu", "0.1", "<script>alert(1)</script>", "%00", "\u202e", "١٢")
FIELDS = [f.name for f in WidgetState.DESCRIPTOR.fields if f.name != "id"]
TAKES = {  # what the browser sends for a widget
    "Button": "trigger_value",
    "ButtonGroup": "string_array_value",
    "Checkbox": "bool_value",
    "NumberInput": "double_value",
    "Selectbox": "string_value",
    "Slider": "double_array_value",
    "VegaLiteChart": "area",  # as JSON: Streamlit fails at any other text as at a wrong type
}


@dataclass
class Seen:
    """What came of it; ended: visits that Streamlit ended; memory: of the server, in MB."""

    messages: int = 0
    ended: int = 0
    faults: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Return what the second half added, in MB."""
        return self.memory[-1] - self.memory[-2]


def odd_value(widgets: dict[str, Any], rng: random.Random) -> WidgetState:
    """Return a value for some widget, as it takes them, that may be nothing it offers."""
    name, widget = rng.choice(list(widgets.items()))
    takes = TAKES.get(type(widget).__name__, "string_value")
    if getattr(widget, "options", ()) and takes == "double_array_value":
        takes = "string_array_value"  # a slider over names
    if rng.random() < 0.2:
        name = f"$$ID-{rng.randbytes(16).hex()}-{text(rng)}"
    return _state(name, takes, rng)


def ill_typed(widgets: dict[str, Any], rng: random.Random) -> WidgetState:
    """Return a value of any type for something that may not even look like a widget."""
    name = rng.choice(list(widgets))
    return _state(rng.choice([name, name, name[:-1], text(rng)]), rng.choice(FIELDS), rng)


def _state(name: str, kind: str, rng: random.Random) -> WidgetState:
    state, many = WidgetState(id=name), rng.choice([0, 1, 1, 1, 2, 3, 1000])
    match kind:
        case "trigger_value" | "bool_value":
            setattr(state, kind, rng.random() < 0.7)
        case "double_value":
            state.double_value = rng.choice(NUMBERS)
        case "int_value":
            state.int_value = rng.choice([0, -1, 99, 2**62])
        case "string_value" | "json_value" | "json_trigger_value":
            setattr(state, kind, text(rng))
        case "area":
            ends = [rng.choice(NUMBERS) for _ in range(many)]
            drawn = rng.choice(
                [None, {}, ends, text(rng), {"x": ends, "y": ends}, {"y": text(rng)}]
            )
            state.string_value = json.dumps({"selection": {AREA: drawn}})
        case "double_array_value":
            state.double_array_value.data.extend(rng.choice(NUMBERS) for _ in range(many))
        case "string_array_value":
            state.string_array_value.data.extend(text(rng)[:1000] for _ in range(many))
        case "bytes_value":
            state.bytes_value = text(rng).encode()
        case _:
            getattr(state, kind).SetInParent()
    return state


def text(rng: random.Random) -> str:
    """Return what nobody types."""
    if rng.random() < 0.01:
        return "x" * HUGE
    noise = "".join(rng.choice(string.printable) for _ in range(rng.randint(1, 40)))
    return rng.choice([*TEXTS, noise])


async def stay(visitor: Visitor, count: int, seen: Seen, rng: random.Random) -> int:
    """Send forged messages while the visit is alive; return how many."""
    home = visitor.query
    for sent in range(1, count + 1):
        typed = rng.random() > ILL_TYPED
        moved = [(odd_value if typed else ill_typed)(visitor.widgets, rng)]
        # Streamlit fails at infinity and NaN in a field of whole numbers as at a wrong type.
        typed = typed and isfinite(moved[0].double_value)
        seen.messages += 1
        await visitor.rerun(moved=moved)
        await visitor.rerun(home)
        if not typed and visitor.faults and all(REDACTED in fault for fault in visitor.faults):
            seen.ended += 1
            return sent
        if visitor.faults or not visitor.shown:
            told = f"{visitor.faults or 'no picture'} after {str(moved[0])[-200:]!r}"
            seen.faults.append(told)
            return sent
    return count


def own_faults(log: str) -> list[str]:
    """Return the errors in a log that were raised by the app's own code, and where."""
    own = tuple(str(ROOT / part) for part in ("core", "pages", "app.py"))
    faults = []
    for part in log.split("Traceback (most recent call last):\n")[1:]:
        places = re.findall(r'File "([^"]+)", line (\d+)', part)
        errors = re.findall(r"^\S.*", part, flags=re.MULTILINE)
        if places and places[-1][0].startswith(own):
            faults.append(f"{':'.join(places[-1])}: {errors[0] if errors else '?'}")
    return faults


async def visits(
    server: Server, experiment: Experiment, count: int, seen: Seen, rng: random.Random
) -> None:
    """Send so many forged messages about one experiment, in as many visits as it takes."""
    home = link(experiment, experiment.Config())
    while count > 0:
        try:
            async with visiting(server.url, experiment.chapter, home) as visitor:
                count -= await stay(visitor, count, seen, rng)
        except Exception as error:  # told with all others
            seen.faults.append(f"a visit to {experiment.slug} was lost: {error!r}")
            return


async def attack(server: Server, count: int, experiments: list[Experiment]) -> Seen:
    """Send so many forged messages, or a few more, half of them to all experiments, then half."""
    seen, free = Seen(), asyncio.Semaphore(VISITORS)
    rounds = 2 * ceil(count / (2 * STAY * len(experiments)))
    each = ceil(count / (rounds * len(experiments)))

    async def share(number: int) -> None:
        async with free:
            experiment = experiments[number % len(experiments)]
            await visits(server, experiment, each, seen, random.Random(number))

    half = rounds // 2 * len(experiments)
    for numbers in (range(half), range(half, 2 * half)):
        await asyncio.gather(*map(share, numbers))
        seen.memory.append(server.memory())
    seen.faults += own_faults(server.log())
    return seen


def main() -> int:
    """Send the messages and print what came of it; return 1 if something was amiss."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.forged")
    parser.add_argument("--messages", type=int, default=10_000)
    count = parser.parse_args().messages
    with serving() as server:
        seen = asyncio.run(attack(server, count, everything()))
    print(f"{seen.messages} forged messages, faults of the app: {len(seen.faults)}")
    for fault in sorted(set(seen.faults))[:20]:
        print(f"  {fault}")
    print(f"visits that Streamlit ended, their senders' own: {seen.ended}")
    kept = not seen.faults and seen.growth <= GROWTH and seen.messages >= count
    half, end = seen.memory
    print(f"memory {half:.0f} MB half way, {end:.0f} MB at the end, bar {GROWTH:+.0f} MB")
    print("met" if kept else "MISSED")
    return not kept


if __name__ == "__main__":
    raise SystemExit(main())
