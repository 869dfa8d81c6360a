"""A run of the visitor's own: its log is drawn, and the doctor reads it. It stays in the visit."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from core.lab.doctor import diagnose, note
from core.lab.experiment import Experiment
from core.lab.log import Log, read_log
from core.lab.say import say
from pages.common.text import words
from pages.common.upload import uploader

LOG, CLASSES = "log", "log classes"  # session-state keys


def log_fold(experiment: Experiment, draw: Callable[[Any], None]) -> None:
    """Draw the fold in which a log is dropped, looked at and removed; draw: shows a picture."""
    if experiment.draw_log is None:
        return
    text = words("log")
    fold = st.expander(text["title"], key=f"{experiment.slug}:log", on_change="rerun")
    if not fold.open:
        return
    with fold:
        if log := st.session_state.get(LOG):
            _read(experiment, log, draw)
        else:
            uploader("log", _keep)
        st.caption(text["privacy"])


def _keep(name: str, content: bytes) -> None:
    st.session_state[LOG] = read_log(name, content)


def _read(experiment: Experiment, log: Log, draw: Callable[[Any], None]) -> None:
    text = words("log")

    def remove() -> None:
        for state in (LOG, CLASSES):
            st.session_state.pop(state, None)

    columns = ", ".join(f"{text[curve]} ({column})" for curve, column in log.columns.items())
    values = {"name": log.name, "moments": len(log.curves.epoch), "columns": columns}
    st.markdown(say(text["kept"], values))
    if experiment.draw_log:
        draw(experiment.draw_log(log))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes = st.number_input(
            text["classes"],
            min_value=2,
            max_value=100_000,
            value=None,
            key=CLASSES,
            help=text["classes_help"],
            persist_state="session",
        )
        st.button(text["remove"], icon=":material/delete:", on_click=remove)
    told = note(diagnose(replace(log.curves, classes=classes)))
    st.markdown(say(text["told"], asdict(told)))
    st.markdown("\n".join([text["lacks"], "", *(f"- {lack}" for lack in told.lacks)]))
