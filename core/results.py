"""Shipped results: what takes long and never changes, stored so that it shows at once.

For every experiment that is not instant, the Result of its default configuration; for those that
compare with many seeds (`measure_reference`), what those seeds gave. `python -m core
--write-results` writes both, a test recomputes them.
"""

from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core.experiments import load

FOLDER = Path(__file__).parent / "data" / "results"


def _file(chapter: str, experiment: str, kind: str) -> Path:
    return FOLDER / f"{chapter}.{experiment}.{kind}.npz"


def shipped(chapter: str, experiment: str, config: Any) -> Any | None:
    """Return the stored Result of this very configuration, or None."""
    file = _file(chapter, experiment, "default")
    if not file.exists():
        return None
    with np.load(file, allow_pickle=False) as stored:
        if str(stored["config"]) != repr(asdict(config)):
            return None
        module = load(chapter, experiment)
        values = {f.name: stored[f.name] for f in fields(module.Result) if f.name != "config"}
    plain = {name: array.item() if array.ndim == 0 else array for name, array in values.items()}
    return module.Result(config=config, **plain)


@cache
def reference(chapter: str, experiment: str) -> dict[str, np.ndarray]:
    """Return what an experiment's many seeds gave, by name."""
    with np.load(_file(chapter, experiment, "reference"), allow_pickle=False) as stored:
        return dict(stored)


def write_results(chosen: list[tuple[str, str]]) -> list[Path]:
    """Recompute and store what is shipped of each (chapter, experiment); return the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = []

    def store(chapter: str, experiment: str, kind: str, arrays: dict[str, Any]) -> None:
        file = _file(chapter, experiment, kind)
        np.savez_compressed(file, **arrays)
        written.append(file)

    for chapter, experiment in chosen:
        module = load(chapter, experiment)
        if hasattr(module, "measure_reference"):
            store(chapter, experiment, "reference", module.measure_reference())
            reference.cache_clear()
        if module.COST != "instant":
            result = module.run(module.Config())
            arrays = {f.name: getattr(result, f.name) for f in fields(result)}
            arrays["config"] = np.array(repr(asdict(result.config)))
            store(chapter, experiment, "default", arrays)
    return written
