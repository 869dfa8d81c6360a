"""A visitor without a browser: speaks to a running server as Streamlit's own page does."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.lab.experiment import Experiment

PATIENCE = 600  # s for one answer


class Visitor:
    """One visit to one page.

    widgets: id -> message of every widget seen; faults: what was shown as an error; shown: how
    many pictures the last rerun sent.
    """

    def __init__(self, socket: Any, page: str) -> None:
        self._socket, self._page = socket, page
        self.query, self._hash = "", ""
        self.widgets: dict[str, Any] = {}
        self.faults: list[str] = []
        self.shown = 0

    async def rerun(self, query: str | None = None, moved: Iterable[WidgetState] = ()) -> float:
        """Follow a link within the page or move widgets; return the seconds until all is drawn."""
        self.shown, start = 0, time.perf_counter()
        await self.send(query, moved)
        while not self._is_last(await asyncio.wait_for(self._socket.recv(), PATIENCE)):
            pass
        return time.perf_counter() - start

    async def send(self, query: str | None = None, moved: Iterable[WidgetState] = ()) -> None:
        """Follow a link or move widgets, and do not wait for what comes of it."""
        message = BackMsg()
        script = message.rerun_script
        script.query_string = self.query = self.query if query is None else query
        script.page_script_hash, script.page_name = self._hash, "" if self._hash else self._page
        script.widget_states.widgets.extend(moved)
        script.context_info.color_scheme = "light"
        await self._socket.send(message.SerializeToString())

    def _is_last(self, raw: bytes) -> bool:
        """Take in one message; tell whether the script has ended with it."""
        message = ForwardMsg()
        message.ParseFromString(raw)
        match message.WhichOneof("type"):
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                self._see(message.delta.new_element)
            case "navigation":
                self._hash = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "session_event":
                self.faults.append(message.session_event.WhichOneof("type"))
            case "script_finished":
                status = message.script_finished
                if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    self.faults.append("compile error")
                return status != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def _see(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        shown = getattr(element, kind)
        if kind == "exception":
            self.faults.append(f"{shown.type}: {shown.message}")
        self.shown += kind == "vega_lite_chart"
        if getattr(shown, "id", ""):
            self.widgets[shown.id] = shown


@asynccontextmanager
async def visiting(url: str, page: str, query: str = "") -> AsyncIterator[Visitor]:
    """Open a page as a new visitor, who has seen it drawn."""
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    async with websockets.connect(
        address, subprotocols=["streamlit"], max_size=None, ping_interval=None, compression=None
    ) as socket:
        visitor = Visitor(socket, page)
        await visitor.rerun(query)
        yield visitor


def link(experiment: Experiment, config: Any) -> str:
    """Return the query that opens an experiment past its question at a configuration."""
    moved = {
        name: knob.texts(getattr(config, name))
        for name, knob in experiment.knobs.items()
        if getattr(config, name) != knob.default
    }
    query = {"experiment": experiment.name, "answer": "shown", **moved}
    return urlencode(query, doseq=True)
