"""Shipped results: what takes long and never changes, stored so that it shows at once.

For every experiment that is not instant, the Results of the configurations that visitors meet
first, a file each: `results/<chapter>.<experiment>/<digest of the configuration>.npz` has the
arrays and numbers of the Result and, in `about`, what they belong to. For experiments that compare
with many seeds (`measure_reference`), what those gave. `python -m core --write-results` writes
both, a test recomputes them.
"""

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, fields, replace
from functools import cache
from hashlib import sha256
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.lab.datasets import DATA
from core.lab.experiment import Experiment
from core.lab.knobs import Choice, Flag, Knob, Seed, Several, computed_part

Array = np.ndarray
Job = tuple[Experiment, Any]  # an experiment and a Config of it
T = TypeVar("T")

FOLDER = DATA / "results"
CORE = DATA.parent
SEEDS = range(6)  # that are shipped: who asks for another seed gets the next ones first
PROCESSES = 2
PLAIN = (np.ndarray, np.generic, bool, int, float, str)  # what a Result may hold

log = logging.getLogger(__name__)


def shipped(experiment: Experiment, config: Any) -> Any | None:
    """Return the stored Result of this very configuration; None if there is none to trust."""
    arrays, about = _stored(experiment, computed_part(config))
    if not about:
        return None
    values = {name: array if array.ndim else array.item() for name, array in arrays.items()}
    return experiment.module.Result(config=config, **values)


def outcomes(experiment: Experiment, config: Any) -> dict[str, str]:
    """Return claim -> outcome of a configuration, from the shipped Result where there is one."""
    result = shipped(experiment, config) or experiment.run(config)
    return {finding.claim: str(finding.outcome) for finding in experiment.findings(result)}


@cache
def reference(chapter: str, name: str) -> Mapping[str, Array]:
    """Return what an experiment's many seeds gave, by name; {} if the file cannot be used."""
    return _read(_reference_file(chapter, name))[0]


def worth_shipping(experiment: Experiment) -> list[Any]:
    """Return what visitors meet first: the default, the presets, all at one knob from the default.

    None of an instant experiment.
    """
    if experiment.COST == "instant":
        return []
    default: Any = experiment.Config()
    neighbours = [
        replace(default, **{name: value})
        for name, knob in experiment.knobs.items()
        for value in _values(knob)
    ]
    wanted = [default, *experiment.PRESETS.values(), *neighbours]
    return list(dict.fromkeys(map(computed_part, wanted)))


def _values(knob: Knob) -> Sequence[Any]:
    """Return the values that one click from the default can lead to."""
    match knob:
        case Choice(options=options):
            return options
        case Several(default=default, options=options):
            toggled = [tuple(o for o in options if (o in default) != (o == t)) for t in options]
            return [names for names in toggled if names]
        case Flag():
            return (False, True)
        case Seed():
            return SEEDS
        case _:
            return knob.steps


def write_results(experiments: Sequence[Experiment]) -> Iterator[str]:
    """Compute and store what is missing or was computed by other code; yield a line on each.

    Stopped and started again, it goes on where it was. Files that are not worth shipping any more
    are removed. OSError if the folder cannot be written.
    """
    jobs: list[Job] = []
    for experiment in experiments:
        configs = worth_shipping(experiment)
        files = [_file(experiment, config) for config in configs]
        for file in _folder(experiment).glob("*"):
            if file not in files:
                file.unlink()
        missing = [config for config in configs if not _is_current(experiment, config)]
        yield f"{experiment.slug}: {len(configs) - len(missing)} of {len(configs)} are there"
        jobs += [(experiment, config) for config in missing]
        if _write_reference(experiment):
            yield f"{experiment.slug}: reference written"
    for done, ((experiment, config), content) in enumerate(in_processes(_computed, jobs), start=1):
        write_file(_file(experiment, config), content)
        yield f"{done} of {len(jobs)}: {experiment.slug}, {len(content) / 1000:.1f} kB"


def in_processes(work: Callable[..., T], jobs: Sequence[Job]) -> Iterator[tuple[Job, T]]:
    """Yield every job and what work(*job) returns, whichever is done first."""
    pool = ProcessPoolExecutor(
        PROCESSES,
        get_context("spawn"),  # a fork would inherit locks that our threads hold
        initializer=signal.signal,  # Ctrl-C is for the parent
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        # A fresh Experiment: modules that it has imported cannot be sent to another process.
        waiting = {pool.submit(work, replace(e), config): (e, config) for e, config in jobs}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def write_file(file: Path, content: bytes) -> None:
    """Write a file so that whoever reads it meanwhile finds the old or the new one, whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _folder(experiment: Experiment) -> Path:
    return FOLDER / f"{experiment.chapter}.{experiment.name}"


def _file(experiment: Experiment, config: Any) -> Path:
    return _folder(experiment) / f"{_digest(repr(asdict(config)).encode())}.npz"


def _reference_file(chapter: str, name: str) -> Path:
    return FOLDER / f"{chapter}.{name}.reference.npz"


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def _stored(experiment: Experiment, config: Any) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a Result's arrays and what their file says about them, both empty if it is unfit."""
    file = _file(experiment, config)
    arrays, about = _read(file)
    if _about(experiment, config, arrays).items() <= about.items():
        return arrays, about
    if arrays or about:
        log.warning("%s is not used: it belongs to another configuration or declaration", file)
    return {}, {}


def _about(experiment: Experiment, config: Any, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a file must say about itself to be used."""
    parts = [(field.name, str(field.type)) for field in fields(experiment.module.Result)]
    return {
        "config": repr(asdict(config)),
        "declared": _digest(repr((experiment.knobs, parts)).encode()),
        "arrays": {name: f"{array.dtype.str} {array.shape}" for name, array in arrays.items()},
    }


def _read(file: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read the arrays of a file, and what it says about them; both empty if it is damaged."""
    try:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            arrays = dict(stored)
        return arrays, dict(json.loads(str(arrays.pop("about", "{}"))))
    except FileNotFoundError:
        pass
    except Exception as error:  # a damaged archive can raise nearly anything
        log.warning("%s is not used: %r", file, error)
    return {}, {}


def _packed(arrays: Mapping[str, Any], about: Mapping[str, Any]) -> bytes:
    content = BytesIO()
    np.savez_compressed(content, about=np.array(json.dumps(about)), **arrays)
    return content.getvalue()


def _computed(experiment: Experiment, config: Any) -> bytes:
    """Run one configuration; return its file."""
    result = experiment.run(config)
    arrays = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if field.name == "config":
            continue
        if not isinstance(value, PLAIN) or np.asarray(value).dtype.hasobject:
            kind = type(value).__name__
            raise TypeError(f"{experiment.slug}: {field.name} must be an array, not a {kind}")
        arrays[field.name] = np.asarray(value)
    return _packed(arrays, {**_about(experiment, config, arrays), "code": _code(experiment)})


def _code(experiment: Experiment) -> str:
    """Return a digest of the code that a Result comes from."""
    own = [Path(experiment.module.__file__), *sorted(experiment.folder.parent.glob("*.py"))]
    lab = [CORE / "lab" / "datasets.py", CORE / "lab" / "streams.py"]
    return _digest(b"".join(f.read_bytes() for f in [*own, *lab, *sorted(CORE.glob("nn/*.py"))]))


def _is_current(experiment: Experiment, config: Any) -> bool:
    return bool(_stored(experiment, config)[1].get("code") == _code(experiment))


def _write_reference(experiment: Experiment) -> bool:
    """Measure and store what many seeds give, if an experiment wants that and lacks it."""
    file, code = _reference_file(experiment.chapter, experiment.name), _code(experiment)
    measure = getattr(experiment.module, "measure_reference", None)
    if measure is None or _read(file)[1].get("code") == code:
        return False
    write_file(file, _packed(measure(), {"code": code}))
    reference.cache_clear()
    return True
