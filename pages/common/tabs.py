"""The row of tabs below the picture: why it is so, every claim, the code that ran, the data."""

import csv
import inspect
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.lab.experiment import Experiment
from core.lab.finding import Finding
from core.lab.say import say
from pages.common.claims import all_verdicts
from pages.common.text import words


def tabs(experiment: Experiment, result: Any, found: Sequence[Finding]) -> None:
    """Draw the tabs. What is in one is made once it is opened: a rerun then costs less."""
    text, titles = experiment.words, words("tabs")

    def printed() -> None:
        st.dataframe(experiment.tables(result)["printed"], hide_index=True)

    parts: dict[str, Callable[[], None]] = {
        titles["see"]: lambda: _see(text),
        say(titles["claims"], {"count": len(found)}): lambda: all_verdicts(
            experiment, found, result.config
        ),
        titles["printed"]: printed,
        titles["numpy"]: lambda: _numpy(experiment),
        titles["torch"]: lambda: _code(text["torch"].strip()),
        titles["data"]: lambda: _data(experiment, result),
    }
    if not text.get("printed"):
        del parts[titles["printed"]]
    if not found:  # a run under way
        del parts[say(titles["claims"], {"count": 0})]
    state = f"{experiment.slug}:tab"
    for tab, draw in zip(st.tabs(list(parts), key=state, on_change="rerun"), parts.values()):
        if tab.open:
            with tab:
                draw()


def _see(text: Mapping[str, Any]) -> None:
    st.markdown(text["see"])
    if text.get("try"):
        st.markdown(
            "\n".join([f"**{words('tabs')['try']}**", "", *(f"- {t}" for t in text["try"])])
        )
    st.caption(text["source"])


def _code(source: str) -> None:
    st.code(source)


def _numpy(experiment: Experiment) -> None:
    _code("\n\n".join(inspect.getsource(function) for function in experiment.SHOWN))


def _data(experiment: Experiment, result: Any) -> None:
    for name, columns in experiment.tables(result).items():
        if name == experiment.words.get("table"):  # one to read here: a click on a head sorts it
            st.dataframe(columns, hide_index=True, height=300)
        _download(experiment, f"{name}.csv", as_csv(columns), "text/csv")
    for name, document in experiment.documents(result).items():
        _download(experiment, f"{name}.json", json.dumps(document), "application/json")


def _download(experiment: Experiment, name: str, content: str, mime: str) -> None:
    st.download_button(
        name,
        content,
        file_name=f"{experiment.name}-{name}",
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
    )


def as_csv(columns: Mapping[str, Any]) -> str:
    """Write columns of equal length as CSV with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()
