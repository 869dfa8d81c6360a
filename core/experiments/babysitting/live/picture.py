"""Live: loss and accuracy of a run up to now, what goes on inside it, and the advice put to a test.

Every view but the advice is drawn anew several times a second. Its marks are therefore built once
(`_marks`), and only the data under their names change: the browser then swaps these.
"""

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import by_meaning, colour
from core.charts.columns import Columns
from core.charts.images import signed
from core.charts.marks import apart, clipped, on_phone, position
from core.charts.picture import Picture, layers
from core.experiments.babysitting.live.experiment import (
    advised,
    main_advice,
    outcomes,
    wrong_cases,
)
from core.experiments.babysitting.live.run import EDGES, EPOCHS, STARTS, Result
from core.lab.doctor import Curves, diagnose, note
from core.lab.log import Log
from core.lab.say import number, percent

Array = np.ndarray
Rows = list[dict[str, Any]]

SERIES = ("train", "val", "layer 1", "layer 2", "layer 3", "soft", "ink", "other", "bad")
TOP = 10.0  # of the axis of losses
LOSSES = {10.0: "10", 1.0: "1", 0.1: "0.1", 0.01: "0.01", 1e-3: "0.001", 1e-4: "", 1e-5: "0.00001"}
SHARES = {0.0: "0%", 0.25: "25%", 0.5: "50%", 0.75: "75%", 1.0: "100%"}
RATIOS = {1.0: "all of it", 0.01: "1 in 100", 1e-3: "1 in 1,000", 1e-4: "1 in 10,000"}
RATIOS |= {1e-6: "1 in a million"}
RATIO_DOMAIN = (1e-7, 1.0)
BAND = (1e-4, 1e-2)  # of an update beside the weights
# A row that draws nothing; the browser takes no data without columns.
NOTHING = {**dict.fromkeys(("x", "x2", "y", "y2"), np.nan), "text": "", "series": "soft"}
UNITS = {"epoch": "epochs", "step": "steps", "row": "rows of the log"}
GAP = 0.42  # between two panels, of one's width
HEAD, ROOF = 1.1, 1.2  # of a panel's height: where its name stands, and the top of the picture
ROWS = 10  # of ridges after the start
RIDGE = 1.5  # height of the tallest, in rows
NAMES = {
    "as_is": "as it was",
    "longer": "twice as long",
    "faster": "10 times the rate",
    "slower": "a tenth of the rate",
    "much_slower": "a hundredth of the rate",
    "restart": "usual starting weights",
    "data": "all 1,000 digits",
    "units": "4 times the units",
}


@dataclass(frozen=True)
class Sketch:
    """A chart whose marks are built once: JSON of its specification, and rows by name."""

    marks: str
    rows: Mapping[str, Rows]

    def to_dict(self) -> dict[str, Any]:
        """Return the Vega-Lite specification, as charts do."""
        rows = {name: [*own] or [NOTHING] for name, own in self.rows.items()}
        return {**json.loads(self.marks), "datasets": rows}


def _named(name: str) -> Any:
    return alt.Chart(alt.NamedData(name))


def _text(name: str, **mark: Any) -> Any:
    """Return texts of rows with x, y, text and series, and short for a phone."""
    text = on_phone("datum.short || datum.text", "datum.text")
    chart = _named(name).mark_text(baseline="middle", lineBreak="\n", text=text, **mark)
    return chart.encode(alt.X("x:Q"), alt.Y("y:Q"), by_meaning(SERIES))


def _level(y: float, text: str, panel: str, columns: Columns) -> dict[str, Any]:
    start = columns.low + columns.shift(panel)
    x2 = start + columns.high - columns.low
    return {"x": start, "x2": x2, "y": y, "text": text, "series": "soft"}


@cache
def _panels(end: int, names: tuple[str, ...]) -> Columns:
    return Columns(names, 0, end, gap=GAP if len(names) > 1 else 0)


def _x(columns: Columns, unit: str) -> Any:
    end = columns.high
    ticks = {float(end * k / 4): number(end * k / 4) for k in range(5)}
    # Names at line ends fit in there: the panels keep their size while these grow and shrink.
    room = GAP if len(columns.cases) > 1 else GAP / 2.5
    return columns.x(title=unit, ticks=ticks, room=room)


@cache
def _by_epoch(end: int, names: tuple[str, ...], unit: str) -> str:
    """Return the marks of panels of lines by epoch."""
    columns = _panels(end, names)
    y = alt.Y("y:Q").scale(domain=[0, ROOF], nice=False).axis(None)
    dash = alt.Scale(domain=["solid", "dashed"], range=[[1, 0], [6, 4]])
    lines = _named("lines").mark_line(clip=True)
    band = _named("bands").mark_rect(opacity=0.15, color=colour("context"))
    marks = layers(
        band.encode(_x(columns, unit), y, alt.X2("x2"), alt.Y2("y2")),
        _named("levels").mark_rule(color=colour("grid")).encode(_x(columns, unit), y, alt.X2("x2")),
        _text("levels", align="right", dx=-6),
        _named("changes")
        .mark_rule(strokeDash=[5, 4], color=colour("other"))
        .encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Y2("y2")),
        lines.encode(
            alt.X("x:Q"),
            alt.Y("y:Q"),
            alt.Detail("line:N"),
            by_meaning(SERIES),
            strokeDash=alt.StrokeDash("dash:N").scale(dash).legend(None),
        ),
        _text("changes", align="left", dx=4),
        _text("ends", align="left", dx=8, fontWeight="bold"),
        _text("heads", align="left", fontWeight="bold"),
        _text("notes", align="left", style="remark"),
    )
    return json.dumps(marks.properties(name="_".join(names)).to_dict())


@dataclass(frozen=True)
class Line:
    """A line by epoch: panel, what it is called at its end, its meaning, its places 0 to 1."""

    panel: str
    meaning: str
    epoch: Array
    place: Array
    text: str
    dashed: bool = False


def _drawn(
    end: int,
    heads: Mapping[str, str],
    levels: Mapping[str, Mapping[float, str]],
    now: Sequence[Line],
    *,
    before: Sequence[Line] = (),
    changes: Array | None = None,
    notes: Rows | None = None,
    bands: Rows | None = None,
    unit: str = "epochs",
) -> Sketch:
    """Draw lines by epoch in panels, those of a run before in grey.

    heads: panel -> name; levels: panel -> place from 0 to 1 -> text. changes, notes, bands: what is
    marked, as in a Result, and as rows.
    """
    columns = _panels(end, tuple(heads))
    seen = [*((line, False) for line in now), *((line, True) for line in before)]
    rows: dict[str, Rows] = {
        "levels": [
            _level(y, text, panel, columns) for panel in heads for y, text in levels[panel].items()
        ],
        "heads": [
            {"x": columns.shift(panel), "y": HEAD, "text": text, "series": "ink"}
            for panel, text in heads.items()
        ],
        "lines": [],
        "ends": _ends(seen, columns),
        "changes": [] if changes is None else _changes(changes, columns),
        "notes": [{**note, "x": note["x"] + columns.shift(note["panel"])} for note in notes or []],
        "bands": bands or [],
    }
    for k, (line, is_before) in enumerate(reversed(seen)):
        known = np.isfinite(line.place)
        xs = (line.epoch[known] + columns.shift(line.panel)).round(3).tolist()
        series = "soft" if is_before else line.meaning
        own = {"line": f"{k}", "series": series, "dash": "dashed" if line.dashed else "solid"}
        rows["lines"] += [{"x": x, "y": y, **own} for x, y in zip(xs, line.place[known].tolist())]
    return Sketch(_by_epoch(columns.high, tuple(heads), unit), rows)


def _end(shared: Sequence[Result]) -> int:
    """Return the epoch at which the axis of all runs ends."""
    last = max(float(run.epoch[-1]) for run in shared)
    return EPOCHS * max(1, int(np.ceil(last / EPOCHS - 1e-3)))


def _ends(seen: Sequence[tuple[Line, bool]], columns: Columns) -> Rows:
    """Name the lines of each panel at their ends, moved apart."""
    rows: Rows = []
    for panel in columns.cases:
        ends = []
        for line, before in seen:
            known = np.flatnonzero(np.isfinite(line.place))
            if line.panel == panel and line.text and known.size:
                ends.append((line, before, known[-1]))
        if not ends:
            continue
        places = apart([line.place[at] / ROOF for line, _, at in ends]) * ROOF
        rows += [
            {
                "x": float(line.epoch[at]) + columns.shift(panel),
                "y": float(place),
                "text": "before" if before else line.text,
                "short": "" if panel == columns.cases[-1] else line.text.split()[-1],
                "series": "soft" if before else line.meaning,
            }
            for (line, before, at), place in zip(ends, places)
        ]
    return rows


def _changes(changes: Array, columns: Columns) -> Rows:
    """Mark where the rate or the regularization was changed."""
    rows: Rows = []
    for k, (epoch, rate, reg) in enumerate(changes.tolist()):
        said = f"rate {number(rate)}" + (f", reg. {number(reg)}" if reg else "")
        rows += [
            {
                "x": epoch + columns.shift(panel),
                "y": 1.03 - 0.065 * (k % 3),
                "y2": 0,
                "text": "" if i else said,
                "series": "other",
            }
            for i, panel in enumerate(columns.cases)
        ]
    return rows


def curves(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the loss on a log axis and the accuracy, of training and of new digits."""
    before = [run.curves for run in shared[:-1]]
    return draw_curves(result.curves, _end(shared), before=before, changes=result.changes)


def draw_curves(
    run: Curves,
    end: int,
    *,
    before: Sequence[Curves] = (),
    changes: Array | None = None,
    unit: str = "epochs",
) -> Picture:
    """Draw what is known of the losses and the accuracies of a run up to epoch `end`.

    before: other runs, of which only the validation is drawn, in grey.
    """
    domain = _loss_domain([run, *before])
    levels = {float(position(v, domain, log=True)): t for v, t in LOSSES.items() if v >= domain[0]}
    sketch = _drawn(
        end,
        {"loss": "loss (log axis)", "accuracy": "share that is right"},
        {"loss": levels, "accuracy": SHARES},
        _lines(run, domain),
        before=[line for other in before for line in _lines(other, domain) if line.dashed],
        changes=changes,
        notes=_failed(run),
        unit=unit,
    )
    return Picture(sketch, f"Loss and accuracy of the run by {unit}")


def own_run(log: Log) -> Picture:
    """Draw the log of a run of the visitor's own."""
    end = 4 * int(np.ceil(log.curves.epoch[-1] / 4))  # so that four ticks are whole numbers
    return draw_curves(log.curves, end, unit=UNITS[log.unit])


def _lines(run: Curves, domain: tuple[float, float]) -> list[Line]:
    """Return the curves of a run that are known, those of validation dashed."""
    lines = []
    for meaning, name, loss, right in (
        ("train", "training", run.train_loss, run.train_accuracy),
        ("val", "new", run.val_loss, run.val_accuracy),
    ):
        dashed = meaning == "val"
        if loss is not None:
            place, text = _of_losses(loss, domain), f"{name} {_last(loss, number)}"
            lines.append(Line("loss", meaning, run.epoch, place, text, dashed))
        if right is not None:
            text = f"{name} {_last(right, percent)}"
            lines.append(Line("accuracy", meaning, run.epoch, right, text, dashed))
    return lines


def _loss_domain(shared: Sequence[Curves]) -> tuple[float, float]:
    losses = [loss for run in shared for loss in (run.train_loss, run.val_loss) if loss is not None]
    seen = np.concatenate([np.empty(0), *losses])
    seen = seen[np.isfinite(seen) & (seen > 0)]
    return (1e-3 if not seen.size or seen.min() > 1e-3 else 1e-5), TOP


def _of_losses(values: Array, domain: tuple[float, float]) -> Array:
    """Return the places of losses; those above the axis stand at its top, NaN stays."""
    drawn = np.where(np.isnan(values), np.nan, clipped(values, *domain))
    return np.asarray(position(drawn, domain, log=True))


def _last(values: Array, said: Callable[[float], str]) -> str:
    """Say the last value that is a number."""
    known = values[np.isfinite(values)]
    return said(round(float(known[-1]), 6)) if known.size else ""


def _failed(run: Curves) -> Rows:
    """Say where the loss is no longer a number, or has left the axis."""
    if run.train_loss is None:
        return []
    for there, text in (
        (~np.isfinite(run.train_loss), "no longer a number"),
        (run.train_loss > TOP, f"above {number(TOP)}: drawn at the edge"),
    ):
        if there.any():
            x = float(run.epoch[there.argmax()])
            return [{"panel": "loss", "x": x, "y": 0.9, "text": text, "series": "bad"}]
    return []


def updates(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw how large an update is beside the weights, layer by layer, with the usual band."""
    end = _end(shared)
    low, high = position(np.array(BAND), RATIO_DOMAIN, log=True).tolist()
    usual = {"panel": "ratio", "x": end * 0.02, "y": low - 0.04, "text": "usual", "series": "soft"}
    sketch = _drawn(
        end,
        {"ratio": "an update beside the weights it changes (log axis)"},
        {"ratio": {float(position(v, RATIO_DOMAIN, log=True)): t for v, t in RATIOS.items()}},
        _ratios(result),
        before=[_ratios(run)[0] for run in shared[:-1]],
        changes=result.changes,
        notes=[usual],
        bands=[{"x": 0, "x2": end, "y": low, "y2": high}],
    )
    return Picture(sketch, "Size of an update beside the weights, by layer and epoch")


def _ratios(run: Result) -> list[Line]:
    lines = []
    for k, (name, ratio) in enumerate(zip(("first", "second", "last"), run.update_ratio.T), 1):
        drawn = np.where(np.isfinite(ratio), clipped(ratio, *RATIO_DOMAIN), np.nan)
        place = np.asarray(position(drawn, RATIO_DOMAIN, log=True))
        lines.append(Line("ratio", f"layer {k}", run.epoch, place, f"{name} layer"))
    return lines


def units(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the share of units that are off on all data, and of outputs that are saturated."""
    end = _end(shared)
    none = {"relu": ("saturated", "ReLU has no flat top"), "tanh": ("off", "tanh is never off")}
    panel, text = none[result.config.activation]
    sketch = _drawn(
        end,
        {"off": "units off on all training digits", "saturated": "saturated outputs"},
        {"off": SHARES, "saturated": SHARES},
        _shares(result),
        before=[line for run in shared[:-1] for line in _shares(run)],
        changes=result.changes,
        notes=[{"panel": panel, "x": 0.1 * end, "y": 0.4, "text": text, "series": "soft"}],
    )
    return Picture(sketch, "Share of units that are off, and of saturated outputs, by epoch")


def _shares(run: Result) -> list[Line]:
    return [
        Line(panel, f"layer {k}", run.epoch, share, f"layer {k}: {_last(share, percent)}")
        for panel, shares in (("off", run.dead), ("saturated", run.saturated))
        for k, share in enumerate(shares.T, 1)
    ]


@cache
def _ridge_marks(activation: str) -> str:
    edges = EDGES[activation]
    columns = Columns(("layer 1", "layer 2"), float(edges[0]), float(edges[-1]))
    ticks = {
        "relu": {0.0: "0", 2.0: "2", 4.0: "4", 6.0: "6"},
        "tanh": {-1.0: "−1", 0.0: "0", 1.0: "1"},
    }
    x = columns.x(title="what the units of a hidden layer put out", ticks=ticks[activation])
    y = alt.Y("y:Q").scale(domain=[ROWS + 1.1, -1.9], nice=False).axis(None)
    area = _named("ridges").mark_area(interpolate="monotone", fillOpacity=0.75, strokeWidth=1)
    marks = layers(
        area.encode(x, y, alt.Y2("y2"), alt.Detail("line:N"), by_meaning(SERIES)),
        _text("rows", align="right", dx=-10),
        _text("heads", align="left", fontWeight="bold"),
    )
    return json.dumps(marks.to_dict())


def outputs(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw histograms of what both hidden layers put out, a row for every second epoch."""
    activation, end = result.config.activation, _end(shared)
    edges = EDGES[activation]
    columns = Columns(("layer 1", "layer 2"), float(edges[0]), float(edges[-1]))
    rows: dict[str, Rows] = {"ridges": [], "rows": [], "heads": []}
    wanted = np.linspace(0, end, ROWS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    for row, epoch in enumerate(wanted.tolist()):
        text = "start" if not row else f"epoch {number(epoch)}" if row == ROWS else number(epoch)
        rows["rows"].append({"x": edges[0], "y": row + 0.8, "text": text, "series": "soft"})
        if epoch > result.epoch[-1] + 1e-3:
            continue
        at = int(np.abs(result.epoch - epoch).argmin())
        for layer, case in enumerate(columns.cases):
            counts = result.counts[at, layer, :-1].astype(float)
            rest = counts[1:] if activation == "relu" else counts
            heights = np.minimum(RIDGE * counts / max(rest.max(), 1), RIDGE)
            own = {"y2": row + 1, "line": f"{case} {row}", "series": case}
            shift = columns.shift(case)
            rows["ridges"] += [
                {"x": x + shift, "y": row + 1 - h, **own} for x, h in zip(middles, heights.tolist())
            ]
    for layer, case in enumerate(columns.cases):
        said = f"hidden {case}"
        if activation == "relu":
            counts = result.counts[-1, layer]
            said += f": {percent(round(counts[0] / counts.sum(), 2))} at or near 0"
        rows["heads"].append(
            {"x": edges[0] + columns.shift(case), "y": -1.4, "text": said, "series": case}
        )
    return Picture(
        Sketch(_ridge_marks(activation), rows), "Histograms of the outputs of both hidden layers"
    )


@cache
def _weight_marks() -> str:
    x = alt.X("x:Q").scale(domain=[0, 1], nice=False).axis(None)
    y = alt.Y("y:Q").scale(domain=[0, 1.12], nice=False).axis(None)
    drawn = (
        _named("images")
        .mark_image(smooth=False)
        .encode(x, y, alt.X2("x2"), alt.Y2("y2"), alt.Url("url:N"))
    )
    return json.dumps(layers(drawn, _text("heads", align="left", fontWeight="bold")).to_dict())


def weights(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw the weights of every unit of the first layer as an image of 8x8 pixels."""
    units = result.weights.T.reshape(-1, 8, 8)
    units = units / np.maximum(np.abs(units).max(axis=(1, 2), keepdims=True), 1e-12)
    across = int(np.ceil(np.sqrt(2 * len(units))))
    down = -(-len(units) // across)
    sheet = np.zeros((9 * down - 1, 9 * across - 1))
    for k, unit in enumerate(np.nan_to_num(units)):
        row, column = divmod(k, across)
        sheet[9 * row : 9 * row + 8, 9 * column : 9 * column + 8] = unit
    heads = [
        {
            "x": 0.0,
            "y": 1.08,
            "series": "ink",
            "text": "weights from the 64 pixels to each unit of the first layer",
        },
        {"x": 0.0, "y": 1.01, "series": "layer 2", "text": "blue: below 0, orange: above 0"},
    ]
    image = {"x": 0, "x2": 1, "y": 0, "y2": 0.97, "url": signed(sheet, 1.0)}
    sketch = Sketch(_weight_marks(), {"images": [image], "heads": heads})
    return Picture(sketch, "Weights of the units of the first layer as images")


def advice(result: Result, shared: Sequence[Result]) -> Picture:
    """Draw what each next step comes to on test digits, the doctor's advice in colour."""
    right, following, advice = outcomes(result), advised(result), main_advice(result)
    cases = ["as_is", "longer", *wrong_cases(result), *dict.fromkeys(following)]
    cases = sorted(dict.fromkeys(cases), key=lambda case: -right[case].mean())
    data = pd.DataFrame(
        {
            "name": NAMES[case],
            "right": right[case].mean(),
            "low": right[case].min(),
            "high": right[case].max(),
            "series": _meaning(case, advice, following),
            "said": _meaning(case, advice, following).replace("context", "soft"),
            "text": f"{percent(right[case].mean())}{_of(case, following)}",
        }
        for case in cases
    )
    names = [NAMES[case] for case in cases]
    x = alt.X("right:Q").scale(domain=[0, 1], nice=False)
    x = x.axis(values=list(SHARES), format=".0%", grid=False, domain=False, ticks=False)
    axis = alt.Axis(domain=False, ticks=False, labelPadding=8, labelColor=colour("ink"))
    y = alt.Y("name:N", axis=axis).scale(domain=names, paddingInner=0.35).title(None)
    said = ["share of new digits that are right;", f"mean and range of {STARTS} runs"]
    base = alt.Chart(data).encode(y)
    bars = base.mark_bar().encode(x.title(said), by_meaning(data["series"]))
    ends = alt.X("low:Q"), alt.X2("high:Q")
    edges = base.mark_rule(color=colour("ground"), strokeWidth=4).encode(*ends)  # seen on any bar
    ranges = base.mark_rule(color=colour("ink")).encode(*ends)
    numbers = base.mark_text(align="left", dx=10, fontWeight="bold")
    numbers = numbers.encode(alt.X("high:Q"), alt.Text("text:N"), by_meaning(data["said"], "said"))
    doctor = note(diagnose(result.curves))
    lines = textwrap.wrap(f"Doctor (rules on the curves): {doctor.name}. {doctor.seen}", 88)
    short = f"Doctor: {doctor.name}"
    title = alt.TitleParams(
        on_phone(json.dumps(short), json.dumps(lines)),
        fontWeight="normal",
        frame="bounds",
        offset=10,
    )
    chart = layers(bars, edges, ranges, numbers).properties(title=title)
    return Picture(chart, "New digits that are right after each possible next step")


def _meaning(case: str, advice: str, following: Sequence[str]) -> str:
    if case in following and case == advice:
        return "good"
    return "ink" if case == "as_is" else "context"


def _of(case: str, following: Sequence[str]) -> str:
    """Say which runs were advised this."""
    count = following.count(case)
    if not count:
        return ""
    return " advised" if count == len(following) else f" advised to {count} of {len(following)}"


VIEWS = {
    "advice": advice,
    "curves": curves,
    "updates": updates,
    "units": units,
    "outputs": outputs,
    "weights": weights,
}
LOG = own_run
