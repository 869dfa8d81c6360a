"""A table of the visitor's own: it stays in the visit, never in a link or in a shared cache."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.say import say
from core.lab.table import Table, read_table
from pages.common.text import words
from pages.common.upload import uploader

# Session-state keys: the table as read, the one of the chosen columns, these.
WHOLE, CHOSEN, COLUMNS = "table", "table chosen", "table columns"


def table_of(experiment: Experiment) -> Table | None:
    """Return the visitor's table, if there is one and the experiment can use it."""
    return st.session_state.get(CHOSEN) if experiment.table_knobs is not None else None


def table_widgets(experiment: Experiment, changed: Callable[[], None]) -> None:
    """Draw the fold in which a file is dropped, looked at and removed."""
    if experiment.table_knobs is None:
        return
    text = words("table")

    def keep(name: str, content: bytes) -> None:
        table = read_table(name, content)
        st.session_state.update({WHOLE: table, CHOSEN: table, COLUMNS: list(table.columns)})
        changed()

    fold = st.expander(text["title"], key=f"{experiment.slug}:table", on_change="rerun")
    if not fold.open:
        return
    with fold:
        if table := st.session_state.get(WHOLE):
            _kept(table, changed)
        else:
            uploader("table", keep)
        st.caption(text["privacy"])


def _kept(table: Table, changed: Callable[[], None]) -> None:
    text = words("table")

    def choose() -> None:
        chosen = tuple(st.session_state[COLUMNS])
        if len(chosen) < 2:
            return
        places = [table.columns.index(column) for column in chosen]
        st.session_state[CHOSEN] = replace(table, columns=chosen, x=table.x[:, places])
        changed()

    def remove() -> None:
        for state in (WHOLE, CHOSEN, COLUMNS):
            st.session_state.pop(state, None)
        changed()

    st.markdown(say(text["kept"], {"name": table.name, "rows": len(table.x)}))
    st.multiselect(
        text["columns"],
        table.columns,
        key=COLUMNS,
        on_change=choose,
        help=text["columns_help"],
        persist_state="session",
    )
    if len(st.session_state[COLUMNS]) < 2:
        st.warning(text["too_few"])
    st.button(text["remove"], icon=":material/delete:", on_click=remove)
