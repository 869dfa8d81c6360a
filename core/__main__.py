"""The experiments in a terminal: the same code as the app, without a browser.

python -m core                                       list every experiment
python -m core activations                           the experiments of a chapter
python -m core activations zero-centering --seed 3   run one, print its findings
python -m core --write-results [chapter [name]]      compute the shipped results that are missing
python -m core --verdicts [chapter [name]] [--seeds 20] [--write]
    how every claim comes out at every preset: as shipped, and with other seeds. "!" marks what
    too few of them agree with; --write stores the rows in tests/verdicts.csv
python -m core doctor run.csv [--classes 10]
    what a training's log (CSV or JSON, at most 1 MB) says is wrong with it, and what to try
"""

import csv
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import Any

from core.experiments import CHAPTERS, chapter_of, everything, load
from core.lab import results
from core.lab.doctor import diagnose, note
from core.lab.experiment import Experiment
from core.lab.finding import Outcome
from core.lab.knobs import Knob, Number
from core.lab.log import read_log
from core.lab.results import Job, in_processes, outcomes, write_file, write_results
from core.lab.upload import MAX_BYTES

SAID = {
    Outcome.HOLDS: "holds",
    Outcome.FAILS: "does not hold",
    Outcome.UNCLEAR: "not clear here",
}
VERDICTS = Path(__file__).parents[1] / "tests" / "verdicts.csv"
COLUMNS = ("experiment", "preset", "claim", "shipped", *Outcome, "seeds", "agree")
FIRST_SEED = 101  # of the verdicts
SEEDS = Number(20, 1, 1000, range(1, 1001), whole=True)
CLASSES = Number(10, 2, 100_000, range(2, 100_001), whole=True)
ABSENT = "not measured"
ENOUGH = 0.8  # share of the seeds that must agree with what is shipped


def read_options(words: Iterable[str], options: Mapping[str, Knob]) -> dict[str, Any]:
    """Turn ["--seed", "3"] into {"seed": 3}; ValueError says which word is wrong, and why."""
    values: dict[str, Any] = {}
    rest = iter(words)
    for flag in rest:
        name = flag.removeprefix("--").replace("-", "_")
        if name not in options or not flag.startswith("--"):
            choices = ", ".join(f"--{known}" for known in options)
            raise ValueError(f"option must be one of {choices}, got {flag!r}")
        if name in values:
            raise ValueError(f"{flag} is given twice")
        text = next(rest, "--")
        if text.startswith("--"):
            raise ValueError(f"{flag} needs a value")
        try:
            values[name] = options[name].read(text)
        except ValueError as error:
            raise ValueError(f"{flag} {error}") from None
    return values


def chosen(words: Sequence[str]) -> list[Experiment]:
    """Return the experiments that [chapter [name]] names: one, a chapter's or all."""
    match words:
        case []:
            return everything()
        case [chapter] if chapter in CHAPTERS:
            return list(chapter_of(chapter).values())
        case [chapter]:
            return [load(chapter, "")]
        case [chapter, name]:
            return [load(chapter, name)]
    raise ValueError(f"nothing can follow chapter and experiment, got {words[2]!r}")


def overview(chapters: Iterable[str]) -> str:
    """List chapters with their experiments and the knobs of each."""
    lines = []
    for chapter in chapters:
        lines.append(chapter)
        for name, experiment in chapter_of(chapter).items():
            lines.append(f"  {name:<20} {' '.join('--' + knob for knob in experiment.knobs)}")
    return "\n".join(lines)


def table(rows: Iterable[Sequence[Any]]) -> str:
    """Format rows as columns of text."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in texts)


def findings_table(experiment: Experiment, words: Sequence[str]) -> str:
    """Run one experiment and format its findings: claim, outcome, and a line for each value."""
    config = experiment.Config(**read_options(words, experiment.knobs))
    found = experiment.findings(experiment.run(config))
    return table(
        (finding.claim, SAID[finding.outcome], name, value)
        for finding in found
        for name, value in _values(finding.values.items())
    )


def _values(items: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Write out names and values that are text or finite; one empty pair where there is none."""
    texts = [
        (name, value if isinstance(value, str) else f"{value:.6g}")
        for name, value in items
        if isinstance(value, str) or math.isfinite(value)
    ]
    return texts or [("", "")]


def stored_results(experiments: Sequence[Experiment]) -> str:
    """Compute and store what is missing; say how much there is now."""
    for line in write_results(experiments):
        print(line, file=sys.stderr)
    sizes = [file.stat().st_size for file in results.FOLDER.rglob("*.npz")]
    return f"{len(sizes)} files, {sum(sizes) / 1e6:.2f} MB"


def verdicts(experiments: Sequence[Experiment], count: int) -> list[tuple[str, ...]]:
    """Return a row of COLUMNS for every experiment, preset and claim, over `count` seeds."""
    runs: dict[tuple[Experiment, str], list[Job]] = {}
    for experiment in experiments:
        seeds = range(FIRST_SEED, FIRST_SEED + count) if "seed" in experiment.knobs else ()
        presets: Mapping[str, Any] = experiment.PRESETS
        for preset, config in presets.items():
            configs = [config, *(replace(config, seed=seed) for seed in seeds)]
            runs[experiment, preset] = [(experiment, config) for config in configs]
    jobs = [job for row in runs.values() for job in row]
    found = {}
    for job, said in in_processes(outcomes, jobs):
        found[job] = said
        print(f"{len(found)} of {len(jobs)}: {job[0].slug}", file=sys.stderr)
    return [
        (experiment.slug, preset, *row)
        for (experiment, preset), row_jobs in runs.items()
        for row in _agreement(*(found[job] for job in row_jobs))
    ]


def _agreement(first: dict[str, str], *others: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield for every claim what the first run says, how often others say what, and who agrees."""
    for claim in dict.fromkeys(claim for run in (first, *others) for claim in run):
        counts = Counter(run.get(claim, ABSENT) for run in others)
        said = first.get(claim, ABSENT)
        agree = counts[said] / len(others) if others else 1
        numbers = (*(counts[outcome] for outcome in Outcome), len(others))
        yield claim, said, *map(str, numbers), f"{agree:.2f}"


def is_typical(row: Sequence[str]) -> bool:
    """Tell whether a row's seeds agree with what is shipped, or that decides nothing anyway."""
    values = dict(zip(COLUMNS, row))
    return values["shipped"] == Outcome.UNCLEAR or float(values["agree"]) >= ENOUGH


def write_verdicts(experiments: Sequence[Experiment], rows: Sequence[Sequence[str]]) -> None:
    """Put the rows into VERDICTS in place of what it has of these experiments."""
    text = VERDICTS.read_text(encoding="utf-8") if VERDICTS.exists() else ""
    kept = {experiment.slug for experiment in everything() if experiment not in experiments}
    others = [row for row in csv.reader(text.splitlines()) if row and row[0] in kept]
    lines = StringIO()
    written = csv.writer(lines, lineterminator="\n")
    written.writerows([COLUMNS, *sorted([*others, *rows], key=lambda row: row[0])])
    write_file(VERDICTS, lines.getvalue().encode())


def verdicts_table(words: list[str]) -> str:
    """Answer `--verdicts`: a table with a mark at each row that is not typical."""
    named = list(takewhile(lambda word: not word.startswith("--"), words))
    flags = words[len(named) :]
    if write := "--write" in flags:
        flags.remove("--write")
    experiments = chosen(named)
    options = read_options(flags, {"seeds": SEEDS})
    rows = verdicts(experiments, options.get("seeds", SEEDS.default))
    if write:
        write_verdicts(experiments, rows)
    return table([(*COLUMNS, ""), *((*row, "" if is_typical(row) else "!") for row in rows)])


def diagnosis(words: Sequence[str]) -> str:
    """Answer `doctor`: what a log's curves say, by which numbers, what to try, what is lacking."""
    if not words:
        raise ValueError("doctor needs the file of a log, such as run.csv")
    file, *flags = words
    options = read_options(flags, {"classes": CLASSES})
    with open(file, "rb") as opened:
        log = read_log(Path(file).name, opened.read(MAX_BYTES + 1))
    found = diagnose(replace(log.curves, **options))
    told = note(found)
    read = ", ".join(f"{curve}: {column}" for curve, column in log.columns.items())
    values = ", ".join(f"{name} {value:.6g}" for name, value in found.values.items())
    return table(
        [
            ("read", f"{read} ({len(log.curves.epoch)} moments)"),
            ("diagnosis", told.name),
            ("seen", told.seen),
            ("numbers", values),
            ("try", told.advice),
            *(("lacking", lack) for lack in told.lacks),
        ]
    )


def answer(arguments: list[str]) -> str:
    """Do what one command asks for and return what it prints."""
    match arguments:
        case []:
            return overview(CHAPTERS)
        case ["-h" | "--help"]:
            return __doc__.strip()
        case ["--write-results", *words]:
            return stored_results(chosen(words))
        case ["--verdicts", *words]:
            return verdicts_table(words)
        case ["doctor", *words]:
            return diagnosis(words)
        case [chapter]:
            chosen([chapter])  # refuses an unknown one
            return overview([chapter])
        case _:
            chapter, name, *words = arguments
            return findings_table(load(chapter, name), words)


def main(arguments: list[str]) -> int:
    """Answer one command; what goes wrong is one line, status 2 for bad input, 1 for files."""
    try:
        text = answer(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, BrokenExecutor) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    try:
        print(text, flush=True)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # `| head -1` has read enough
            print(error, file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # flushed again at exit
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
