"""What is folded below the picture: reading help, misreadings, the code that ran, the data."""

import csv
import inspect
import io
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import streamlit as st


def below(
    chapter: str, experiment: str, module: ModuleType, text: Mapping[str, Any], result: Any
) -> None:
    """Draw the folded parts; code and data are made only once they are opened."""
    with st.expander("How to read it"):
        st.markdown(text["read"])
    tables = module.tables(result)
    if "printed" in tables:
        with st.expander("The lecture's printed numbers"):
            st.dataframe(tables["printed"], hide_index=True)
    if text.get("misreadings"):
        with st.expander("Common misreadings"):
            for misreading in text["misreadings"]:
                st.markdown(f"**{misreading['said']}**  \n{misreading['true']}")
    ran = st.expander("The NumPy that ran", key=f"{chapter}.{experiment}:numpy", on_change="rerun")
    if ran.open:
        ran.code("\n\n".join(inspect.getsource(function) for function in module.SHOWN))
    torch = st.expander(
        "The same in PyTorch", key=f"{chapter}.{experiment}:torch", on_change="rerun"
    )
    if torch.open:
        torch.code(text["torch"].strip())
    data = st.expander("The data", key=f"{chapter}.{experiment}:data", on_change="rerun")
    if data.open:
        for name, columns in tables.items():
            data.download_button(
                f"{name}.csv",
                as_csv(columns),
                file_name=f"{experiment}-{name}.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(text["source"])


def as_csv(columns: Mapping[str, Any]) -> str:
    """Write columns of equal length as CSV with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()
