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
    """Draw the folded parts. What is in one is made once it is opened: a rerun then costs less."""

    def fold(name: str, title: str) -> Any:
        return st.expander(title, key=f"{chapter}.{experiment}:{name}", on_change="rerun")

    read = fold("read", "How to read it")
    if read.open:
        read.markdown(text["read"])
    tables = module.tables(result)
    if "printed" in tables:
        printed = fold("printed", "The lecture's printed numbers")
        if printed.open:
            printed.dataframe(tables["printed"], hide_index=True)
    if text.get("misreadings"):
        misreadings = fold("misreadings", "Common misreadings")
        if misreadings.open:
            for misreading in text["misreadings"]:
                misreadings.markdown(f"**{misreading['said']}**  \n{misreading['true']}")
    ran = fold("numpy", "The NumPy that ran")
    if ran.open:
        ran.code("\n\n".join(inspect.getsource(function) for function in module.SHOWN))
    torch = fold("torch", "The same in PyTorch")
    if torch.open:
        torch.code(text["torch"].strip())
    data = fold("data", "The data")
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
