"""A real server, its memory and what it logged."""

import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """A server that runs the app."""

    url: str
    pid: int
    _log: IO[str]

    def log(self) -> str:
        """Return all that it has logged."""
        self._log.seek(0)
        return self._log.read()

    def memory(self) -> float:
        """Return its resident memory in MB."""
        return self._status("VmRSS")

    def peak_memory(self) -> float:
        """Return the most resident memory that it ever had, in MB."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(name))
        return int(line.split()[1]) * 1024 / 1e6


@contextmanager
def serving() -> Iterator[Server]:
    """Start the app on a free port; end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            while not _answers(url):
                if process.poll() is not None:
                    raise OSError(f"the server ended with {process.returncode}")
            yield Server(url, process.pid, log)
        finally:
            process.terminate()
            process.wait(20)


def _answers(url: str) -> bool:
    """Tell whether a server answers at its health address."""
    try:
        return bool(urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).status == 200)
    except OSError:
        return False
