"""The type checker holds every experiment's module against the Protocol of what one must have."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.experiments import everything

ROOT = Path(__file__).parents[1]


@pytest.mark.full
def test_every_experiment_has_what_the_protocol_asks_for(tmp_path):
    lines = ["from core.lab.experiment import Module"]
    for n, experiment in enumerate(everything()):
        package = f"core.experiments.{experiment.chapter}.{experiment.folder.name}"
        lines += [f"from {package} import experiment as e{n}", f"m{n}: Module = e{n}"]
    file = tmp_path / "modules.py"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        str(file),
    ]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    about_this_file = [line for line in checked.stdout.splitlines() if "modules.py" in line]
    assert not about_this_file, about_this_file
    assert "Success" in checked.stdout or "errors in" in checked.stdout or "error" in checked.stdout
