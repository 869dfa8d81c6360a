"""The page: what every experiment looks like, drawn from its words, its run and its pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from core.charts.picture import AREA, COMPARED_HEIGHT, HEIGHT, PRESENTED, Pick, Picture
from core.experiments import chapter_of
from core.lab.datasets import DataError
from core.lab.experiment import Experiment, Views
from core.lab.finding import Finding
from core.lab.say import say
from core.lab.words import WordsError, heading, option_name, setting
from pages.common import live, question
from pages.common.claims import verdict
from pages.common.controls import knob_widgets, preset_pills
from pages.common.link import (
    PAGE_KNOBS,
    arrive,
    depart,
    key,
    linked,
    put,
    show,
    touched,
    value_of,
)
from pages.common.log import log_fold
from pages.common.navigation import ensure_routed, numbered_title, place_of, walk_buttons
from pages.common.presenter import is_presenting, page_style, presenter_switch
from pages.common.runs import Place, result_of, result_with_table
from pages.common.table import table_of
from pages.common.tabs import tabs
from pages.common.text import words
from pages.common.visit import note_opened

Shown = Mapping[str, Any]  # label -> Config of the runs that are drawn, the current one last


def show_chapter(chapter: str) -> None:
    """Draw a chapter's page: the experiment that is asked for, and only that one."""
    ensure_routed()
    arrive(chapter)
    page_style()
    experiments = chapter_of(chapter)
    left, right = _places()
    with right:
        experiment = experiments[_selector(chapter, experiments)]
    try:
        _show(experiment, left, right)
    except (WordsError, DataError) as error:
        left.warning(say(words("runs")["broken"], {"reason": str(error)}))


def _places() -> tuple[Any, Any]:
    """Return where picture and controls go: side by side, or, presenting, below each other."""
    if is_presenting():
        return st.container(gap="xsmall"), st.container(horizontal=True, gap="small")
    left, right = st.columns([7, 3], gap="medium")
    return left.container(gap="xsmall"), right.container(gap="xsmall")


def _show(experiment: Experiment, left: Any, right: Any) -> None:
    """Draw one experiment; every widget comes before what may take long."""
    with left:
        first = st.container(horizontal=True, gap="small")
        first.caption(place_of(experiment))
        head, line, answer = st.container(), Place(st.container(key="line")), st.container()
        above, middle = st.container(), Place(st.container())
        below = st.container(key="verdict")
    with right:
        _controls(experiment, first)
    config = current_config(experiment)
    untouched = config == experiment.Config()
    asking = question.is_open(experiment, untouched)
    if not asking:
        with right if is_presenting() else above:
            _view_switch(experiment)
        if experiment.live:
            with (left if is_presenting() else above).container(horizontal=True, gap="xsmall"):
                live.transport(experiment, config)
    depart(experiment)
    if asking:
        _ask(experiment, head, line, middle)
        return
    if live.is_shown(experiment, _view(experiment)):
        slots = {"head": head.empty(), "line": line.slot, "picture": middle.slot}
        _show_live(experiment, {**slots, "note": below.empty()})
        return
    shown = _shown(experiment, config)
    alone = middle if len(shown) == 1 else None
    results = [_result(experiment, each, alone, line) for each in shown.values()]
    st.session_state[_last(experiment)] = config
    found = experiment.findings(results[-1])
    lesson = heading(experiment.words, found, asdict(config))
    note_opened(experiment, lesson)
    head.markdown(f"# {lesson}", anchors=False)
    line.now.caption(_setting(experiment, config))
    with answer:
        if not question.score(experiment, results[-1]) and question.chosen_option(experiment):
            default = result_of(experiment, experiment.Config())
            question.feedback(experiment, experiment.findings(default), untouched)
    with middle.now:
        _pictures(experiment, list(shown), results, found[0])
    below.markdown(verdict(experiment, found[0], config))
    _further(experiment, results[-1], found)


def _further(experiment: Experiment, result: Any, found: Sequence[Finding]) -> None:
    """Draw what comes below the verdict; a projector has none of it."""
    if is_presenting():
        return
    log_fold(experiment, lambda picture: _chart(_spec(picture, _look(1)), picture.alt))
    tabs(experiment, result, found)


def _show_live(experiment: Experiment, places: Mapping[str, Any]) -> None:
    """Draw the run under the visitor's hands, again and again while it plays."""
    desk, view = live.desk_of(experiment), experiment.views[_view(experiment)]
    grey = ""
    if desk.before is not None:
        before, _ = _names(experiment, desk.before.config, desk.run.config)
        name = before or words("live")["same"]
        grey = say(words("live")["before"], {"name": name})

    def draw(now: Any, before: Any) -> None:
        picture = view(now, [now] if before is None else [before, now])
        with places["picture"]:
            _chart(_spec(picture, _look(1)), picture.alt)

    live.show(experiment, places, draw, grey)
    _further(experiment, desk.run.result, ())
    live.play(experiment, places, draw, grey)


def _ask(experiment: Experiment, head: Any, line: Any, middle: Any) -> None:
    """Draw the question in the picture's place, and the setting where it can be drawn."""
    head.markdown(f"# {experiment.words['question']['ask']}", anchors=False)
    line.now.caption(setting(experiment.words, asdict(experiment.Config())))
    with middle.now:
        question.ask(experiment)
        if experiment.setting is not None:
            result = result_of(experiment, experiment.Config())
            spec, alt, _ = _drawn(experiment, None, (result.config,), 0, _look(2), [result])
            _chart(spec, alt)


def _setting(experiment: Experiment, config: Any) -> str:
    """Say what one is looking at, on a table of the visitor's own too."""
    if table := table_of(experiment):
        rows, columns = table.x.shape
        values = {"name": table.name, "rows": rows, "columns": columns}
        return say(experiment.words["setting_table"], values)
    return setting(experiment.words, asdict(config))


def _last(experiment: Experiment) -> str:
    """Return the session-state key of the configuration that was drawn last."""
    return f"{experiment.slug}:last"


def _result(experiment: Experiment, config: Any, middle: Any, line: Place) -> Any:
    """Return a run's result; a training that is stopped gives back what was drawn before.

    middle: where a training draws what there is so far, None for nowhere.
    """
    if table := table_of(experiment):
        return result_with_table(experiment, config, table)

    def stop() -> None:
        last = st.session_state.get(_last(experiment), experiment.Config())
        kept = {name: value_of(experiment, name) for name in PAGE_KNOBS}
        show(experiment, {**asdict(last), **kept})

    def draw(so_far: Any) -> None:
        with middle.slot:
            picture = _views(experiment)[_view(experiment)](so_far, [so_far])
            _chart(_spec(picture, _look(1)), picture.alt)

    return result_of(experiment, config, stop, draw if middle else None, line)


def _selector(chapter: str, experiments: Mapping[str, Experiment]) -> str:
    state = f"{chapter}.experiment"
    if st.session_state[state] not in experiments:
        st.session_state[state] = next(iter(experiments))
    if not is_presenting():
        st.selectbox(
            words("navigation")["selector"],
            list(experiments),
            format_func=lambda name: numbered_title(experiments[name]),
            key=state,
            label_visibility="collapsed",
            on_change=touched,
            args=(chapter,),
            persist_state="session",
        )
    return str(st.session_state[state])


def current_config(experiment: Experiment) -> Any:
    """Return the Config that the knobs of this visit stand for."""
    return experiment.Config(**{knob: value_of(experiment, knob) for knob in experiment.knobs})


def _controls(experiment: Experiment, first: Any) -> None:
    """Draw the way through the lecture, the buttons of the page, presets and knobs.

    first: the page's first line, where a projector has the way through the lecture.
    """
    config = current_config(experiment)

    def changed() -> None:
        touched(experiment.chapter)
        question.show_result(experiment)

    def open_config(config: Any) -> None:
        kept = {name: value_of(experiment, name) for name in PAGE_KNOBS}
        show(experiment, {**asdict(config), **kept})
        question.show_result(experiment)
        if experiment.live:
            live.desk_of(experiment).begin_anew(experiment, config)

    asking = question.is_open(experiment, config == experiment.Config())
    across: dict[str, Any] = {
        "horizontal": True,
        "horizontal_alignment": "distribute",
        "gap": "xsmall",
    }
    with first if is_presenting() else st.container(**across):
        walk_buttons(experiment, None if asking else lambda: question.switch(experiment, False))
    if not is_presenting():
        with st.container(**across):
            _page_buttons(experiment, config, changed, open_config)
        if not table_of(experiment):
            preset_pills(experiment, config, open_config, is_presenting())
        knob_widgets(experiment, changed)
        return
    preset_pills(experiment, config, open_config, is_presenting())
    with st.popover(words("knobs")["drawer"], icon=":material/tune:"):
        knob_widgets(experiment, changed)
    _page_buttons(experiment, config, changed, open_config)


def _page_buttons(
    experiment: Experiment, config: Any, changed: Callable, open_config: Callable
) -> None:
    """Draw reset, pin, present and the list of keys; on a projector only what leaves it."""
    text, state = words("knobs"), key(experiment, "pin")
    is_live = live.is_shown(experiment, _view(experiment))
    pin = live.desk_of(experiment).is_pinned if is_live else value_of(experiment, "pin")

    def toggle_pin() -> None:
        changed()
        if is_live:
            return live.desk_of(experiment).toggle_pin()
        st.session_state[state] = "" if pin else linked(experiment)["pin"].of(asdict(config))

    if is_presenting():
        return presenter_switch(experiment.chapter)
    st.button(
        text["reset"],
        icon=":material/restart_alt:",
        type="tertiary",
        on_click=open_config,
        args=[experiment.Config()],
        help=text["reset_help"],
    )
    st.button(
        text["unpin"] if pin else text["pin"],
        icon=":material/keep_off:" if pin else ":material/keep:",
        type="tertiary",
        on_click=toggle_pin,
        help=text["pin_help"],
    )
    presenter_switch(experiment.chapter)
    with st.popover("", icon=":material/keyboard:", help=words("keys")["title"], type="tertiary"):
        st.markdown(words("keys")["text"])


def _views(experiment: Experiment) -> Views:
    """Return the pictures that there are of what is shown."""
    return experiment.table_views if table_of(experiment) else experiment.views


def _view(experiment: Experiment) -> str:
    """Return the name of the chosen picture, the main one's if there is no such picture."""
    views, chosen = _views(experiment), str(value_of(experiment, "view"))
    return chosen if chosen in views else next(iter(views))


def _view_switch(experiment: Experiment) -> None:
    """Draw the names of the pictures, where there is more than one."""
    if len(_views(experiment)) == 1:
        return
    state = key(experiment, "view")
    put(state, _view(experiment))
    st.segmented_control(
        words("knobs")["views"],
        list(_views(experiment)),
        format_func=lambda name: experiment.words["views"][name],
        key=state,
        label_visibility="collapsed",
        required=True,
        on_change=touched,
        args=(experiment.chapter,),
        persist_state="session",
    )


def _shown(experiment: Experiment, config: Any) -> Shown:
    """Return the runs to draw, named by the knobs in which they differ."""
    pin = value_of(experiment, "pin")
    if not pin:
        return {"": config}
    text = words("knobs")
    pinned = experiment.Config(**linked(experiment)["pin"].config(pin))
    if pinned == config:
        return {text["pinned_alone"]: config}
    before, now = _names(experiment, pinned, config)
    return {say(text["pinned"], {"name": before}): pinned, say(text["now"], {"name": now}): config}


def _names(experiment: Experiment, *configs: Any) -> list[str]:
    """Name runs by the knobs in which they differ."""
    knobs, text = experiment.knobs, experiment.words
    different = [n for n in knobs if len({getattr(config, n) for config in configs}) > 1]

    def value(config: Any, name: str) -> str:
        texts = [option_name(text, name, t) for t in knobs[name].texts(getattr(config, name))]
        return f"{text['knobs'][name]['label']} {', '.join(texts)}"

    return ["; ".join(value(config, name) for name in different[:3]) for config in configs]


def _look(pictures: int) -> tuple[bool, bool, int]:
    """Return what a specification depends on besides its data: theme, projector, height."""
    height = HEIGHT if pictures == 1 else COMPARED_HEIGHT
    return st.context.theme.type == "dark", is_presenting(), height


def _draw(
    experiment: Experiment,
    view: str | None,
    configs: tuple,
    which: int,
    look: tuple[bool, bool, int],
    _results: Sequence[Any],
) -> tuple[dict[str, Any], str, tuple[Pick, ...]]:
    """Return the specification of one picture, its alternative text, and what it lets pick.

    view: its name, None for the setting without its outcome. The data frames are turned into
    Arrow's bytes here: doing so at every rerun would be most of it.
    """
    if experiment.setting and view is None:
        picture = experiment.setting(_results[which])
    else:
        picture = _views(experiment)[str(view)](_results[which], _results)
    return _spec(picture, look), picture.alt, picture.picks


_drawn = st.cache_data(max_entries=256, max_size="60mb", show_spinner=False)(_draw)


def _spec(picture: Picture, look: tuple[bool, bool, int]) -> dict[str, Any]:
    dark, presenting, height = look
    spec = picture.spec(dark=dark, presenting=presenting, height=height)
    data = {name: convert_anything_to_arrow_bytes(d) for name, d in spec["datasets"].items()}
    return {**spec, "datasets": data}


def _chart(spec: Mapping[str, Any], alt: str, **selection: Any) -> None:
    st.vega_lite_chart(
        spec, width=PRESENTED[0] if is_presenting() else "stretch", alt=alt, **selection
    )


def _selection(experiment: Experiment, picks: Sequence[Pick], config: Any) -> dict[str, Any]:
    """Return what makes an area drawn on a picture move knobs; nothing if it has no picks.

    The area belongs to the run that is drawn: with the next run it is gone.
    """
    state = f"{experiment.slug}:area {config}"

    def picked() -> None:
        area = st.session_state[state].selection.get(AREA)
        for pick in picks:
            ends = pick.ends(area)
            if ends and experiment.knobs[pick.knob].snap(ends) == ends:
                st.session_state[key(experiment, pick.knob)] = ends
                touched(experiment.chapter)

    return {"key": state, "on_select": picked, "selection_mode": AREA} if picks else {}


def _pictures(
    experiment: Experiment, labels: Sequence[str], results: Sequence[Any], finding: Finding
) -> None:
    """Draw the chosen view of every run, below each other on shared axes.

    The alternative text names the outcome without numbers: the browser builds a chart anew when
    this text changes, and swaps its data when it does not.
    """
    configs = tuple(result.config for result in results)
    draw = _draw if table_of(experiment) else _drawn  # what is one visitor's own is not shared
    view, look = _view(experiment), _look(len(results))
    for which, label in enumerate(labels):
        if label:
            st.markdown(f"**{label}**")
        spec, alt, picks = draw(experiment, view, configs, which, look, results)
        _chart(spec, f"{alt}. {finding}.", **_selection(experiment, picks, configs[which]))
