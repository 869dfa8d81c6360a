"""The page: what every experiment looks like, drawn from its module, its words and its charts."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import ModuleType
from typing import Any

import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from core.finding import Finding
from core.knobs import knobs_of
from pages.common import fold, question
from pages.common.controls import knob_column
from pages.common.link import arrive, depart, key, show, touched
from pages.common.navigation import ensure_routed, walk_buttons
from pages.common.pin import Pin
from pages.common.presenter import is_presenting, presenter_style, presenter_switch
from pages.common.prose import sentence, words
from pages.common.runs import result_of

Charts = Mapping[str, Callable]


def show_chapter(chapter: str, modules: Mapping[str, ModuleType], charts: Charts) -> None:
    """Draw a chapter's page: the experiment that is asked for, and only that one."""
    ensure_routed()
    knobs = {name: knobs_of(module.Config) for name, module in modules.items()}
    linked = {name: {**known, "pin": Pin(known)} for name, known in knobs.items()}
    arrive(chapter, linked)
    presenter_style()
    left, right = st.columns([7, 3], gap="medium")
    with right:
        experiment = _selector(chapter, modules)
        module, text = modules[experiment], words(chapter)[experiment]
        values = _controls(chapter, experiment, module, linked[experiment], text)
    depart(chapter, linked, experiment, values)
    pin = values.pop("pin")
    config = module.Config(**values)
    with left:
        if question.is_open(chapter, experiment, config == module.Config()):
            question.ask(chapter, experiment, text)
            return
        results = {"now": result_of(chapter, experiment, module, config)}
        if pin:
            pinned = module.Config(**linked[experiment]["pin"].config(pin))
            if pinned != config:
                before, now = _labels(pinned, config, text)
                results = {
                    before: result_of(chapter, experiment, module, pinned),
                    now: results["now"],
                }
        _picture(chapter, experiment, module, charts[experiment], text, results, config)
    if not is_presenting():
        fold.below(chapter, experiment, module, text, list(results.values())[-1])


def _selector(chapter: str, modules: Mapping[str, ModuleType]) -> str:
    state = f"{chapter}.experiment"
    if st.session_state[state] not in modules:
        st.session_state[state] = next(iter(modules))
    st.selectbox(
        "Experiment",
        list(modules),
        format_func=lambda name: words(chapter)[name]["name"],
        key=state,
        label_visibility="collapsed",
        on_change=touched,
        args=(chapter,),
        persist_state="session",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        walk_buttons(chapter, st.session_state[state])
    return st.session_state[state]


def _controls(
    chapter: str,
    experiment: str,
    module: ModuleType,
    knobs: Mapping[str, Any],
    text: Mapping[str, Any],
) -> dict[str, Any]:
    """Draw presets, knobs, reset and pin; return the value of every knob and the pin."""
    own = {name: knob for name, knob in knobs.items() if name != "pin"}
    pin_state = key(chapter, experiment, "pin")

    def changed() -> None:
        touched(chapter)
        question.skip(chapter, experiment)

    def open_config(config: Any) -> None:
        kept = {"pin": st.session_state.get(pin_state, "")}
        show(chapter, experiment, {**asdict(config), **kept}, knobs)
        question.skip(chapter, experiment)

    _presets(chapter, experiment, module, own, text, open_config)
    values = knob_column(chapter, experiment, own, text, changed, spare=not is_presenting())

    def toggle_pin() -> None:
        changed()
        st.session_state[pin_state] = "" if pin else knobs["pin"].of(values)

    pin = st.session_state.get(pin_state, "")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=open_config,
            args=[module.Config()],
            help="Set every knob of this experiment back to its default.",
        )
        st.button(
            "Unpin" if pin else "Pin",
            icon=":material/keep_off:" if pin else ":material/keep:",
            type="tertiary",
            on_click=toggle_pin,
            help="Keep this run beside the next ones, to compare.",
        )
        presenter_switch(chapter)
    return {**values, "pin": pin}


def _presets(
    chapter: str,
    experiment: str,
    module: ModuleType,
    knobs: Mapping[str, Any],
    text: Mapping[str, Any],
    open_config: Callable,
) -> None:
    state = f"{chapter}.{experiment}:preset"
    values = {
        n: st.session_state.get(key(chapter, experiment, n), k.default) for n, k in knobs.items()
    }
    st.session_state[state] = next(
        (name for name, preset in module.PRESETS.items() if asdict(preset) == values), None
    )

    def chosen() -> None:
        if st.session_state[state]:
            open_config(module.PRESETS[st.session_state[state]])

    st.pills(
        "Presets",
        list(module.PRESETS),
        format_func=lambda name: text["presets"][name],
        key=state,
        on_change=chosen,
        wrap=True,
    )


def _labels(pinned: Any, config: Any, text: Mapping[str, Any]) -> tuple[str, str]:
    """Name two runs by the knobs in which they differ."""
    knobs = knobs_of(type(config))
    different = [n for n in knobs if getattr(pinned, n) != getattr(config, n)]

    def value(run: Any, name: str) -> str:
        words = text["knobs"][name]
        texts = [words.get("options", {}).get(t, t) for t in knobs[name].texts(getattr(run, name))]
        return ", ".join(texts) if words.get("options") else f"{words['label']} {', '.join(texts)}"

    def label(run: Any) -> str:
        return "; ".join(value(run, n) for n in different[:2]) + " …" * (len(different) > 2)

    return f"pinned: {label(pinned)}", f"now: {label(config)}"


@st.cache_data(max_entries=128, max_size="60mb", show_spinner=False)
def _drawn(
    chapter: str,
    experiment: str,
    configs: tuple,
    labels: tuple,
    presenting: bool,
    _chart: Callable,
    _module: ModuleType,
    _results: Mapping[str, Any],
) -> tuple[list[list[tuple[dict, str, float]]], tuple[Finding, ...]]:
    """Return a view's chart specs, column by column, and its findings.

    Building them is the dear part of a rerun, so they are kept.
    """
    columns = [
        [(_ready(panel.spec(presenting)), panel.alt, panel.width) for panel in column]
        for column in _chart(_results)
    ]
    return columns, _module.findings(list(_results.values())[-1])


def _ready(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a specification with its data as the bytes that go to the browser."""
    data = {name: convert_anything_to_arrow_bytes(d) for name, d in spec["datasets"].items()}
    return {**spec, "datasets": data}


def _picture(
    chapter: str,
    experiment: str,
    module: ModuleType,
    chart: Callable,
    text: Mapping[str, Any],
    results: Mapping[str, Any],
    config: Any,
) -> None:
    """Draw the heading that states the result, the charts and the findings."""
    configs = tuple(result.config for result in results.values())
    columns, found = _drawn(
        chapter, experiment, configs, tuple(results), is_presenting(), chart, module, results
    )
    first, *others = [(f, sentence(text, f, asdict(config))) for f in found]
    _finding(first[0], text, f"# {first[1]}")
    _charts(columns, first[0])
    with st.container(gap="xxsmall"):
        for finding, said in others:
            _finding(finding, text, said)
    question.reveal(chapter, experiment, text, found, config == type(config)())


def _finding(finding: Finding, text: Mapping[str, Any], said: str) -> None:
    """Say one finding: its sentence, and a badge with the claim's id and its outcome."""
    icon, color, outcome = (
        ("check", "green", "holds") if finding.holds else ("close", "red", "fails")
    )
    if finding.claim.startswith("E"):  # a misreading: that it fails is no news, that it holds is
        color = "orange" if finding.holds else "gray"
    badge = f":{color}-badge[:material/{icon}: {finding.claim} {outcome}]"
    st.markdown(
        f"{said}\n\n{badge}" if said.startswith("#") else f"{badge} {said}",
        help=text["findings"][finding.claim]["claim"],
        anchors=False,
    )


def _charts(columns: list[list[tuple[dict, str, float]]], finding: Finding) -> None:
    """Draw charts column by column; their alternative text ends with what was found.

    It names the outcome without numbers: the browser builds a chart anew when this text changes,
    and swaps its data when it does not.
    """
    outcome = f"{finding.claim} {'holds' if finding.holds else 'does not hold'}"
    places = st.columns([column[0][2] for column in columns]) if len(columns) > 1 else [st]
    for place, column in zip(places, columns):
        for spec, alt, _ in column:
            place.vega_lite_chart(spec, alt=f"{alt}. {outcome}.")


def draw(chapter: str, experiment: str, module: ModuleType, chart: Callable, config: Any) -> None:
    """Draw an experiment's charts alone, without its knobs and findings."""
    results = {"now": result_of(chapter, experiment, module, config)}
    columns, found = _drawn(chapter, experiment, (config,), ("now",), False, chart, module, results)
    _charts(columns, found[0])
