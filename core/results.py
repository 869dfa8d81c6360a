"""Shipped results: the default run of a slow experiment, stored so that it shows at once.

A file holds the fields of one Result and the configuration it belongs to. It is written by
`python -m core --write-results` and recomputed by a test.
"""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from core.experiments import everything, load

FOLDER = Path(__file__).parent / "data" / "results"


def _file(chapter: str, experiment: str) -> Path:
    return FOLDER / f"{chapter}.{experiment}.npz"


def _same(stored: np.lib.npyio.NpzFile, config: Any) -> bool:
    return str(stored["config"]) == repr(asdict(config))


def shipped(chapter: str, experiment: str, config: Any) -> Any | None:
    """Return the stored Result of this very configuration, or None."""
    file = _file(chapter, experiment)
    if not file.exists():
        return None
    with np.load(file, allow_pickle=False) as stored:
        if not _same(stored, config):
            return None
        module = load(chapter, experiment)
        values = {f.name: stored[f.name] for f in fields(module.Result) if f.name != "config"}
    plain = {name: array.item() if array.ndim == 0 else array for name, array in values.items()}
    return module.Result(config=config, **plain)


def write_results() -> list[Path]:
    """Run the default of every experiment that is not instant and store its Result."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = []
    for chapter, experiment in everything():
        module = load(chapter, experiment)
        if module.COST == "instant":
            continue
        result = module.run(module.Config())
        values = {f.name: getattr(result, f.name) for f in fields(result) if f.name != "config"}
        file = _file(chapter, experiment)
        np.savez_compressed(file, config=np.array(repr(asdict(result.config))), **values)
        written.append(file)
    return written
