"""The experiments in a terminal: the same code as the app, without a browser.

python -m core                                       list every experiment
python -m core activations                           the experiments of a chapter
python -m core activations zero-centering --seed 3   run one, print its findings
python -m core --write-results                       recompute the shipped results
"""

import sys

from core.experiments import CHAPTERS, everything, load
from core.knobs import Checked, knobs_of
from core.results import write_results


def read_config(config_type: type[Checked], arguments: list[str]) -> Checked:
    """Turn ["--seed", "3"] into a Config; ValueError names the choices for a bad name or value."""
    knobs = knobs_of(config_type)
    values = {}
    for flag, text in zip(arguments[::2], [*arguments[1::2], None], strict=False):
        name = flag.removeprefix("--").replace("-", "_")
        if name not in knobs or not flag.startswith("--"):
            choices = ", ".join(f"--{known}" for known in knobs)
            raise ValueError(f"knob must be one of {choices}, got {flag!r}")
        if text is None:
            raise ValueError(f"{flag} needs a value")
        try:
            values[name] = knobs[name].read(text)
        except ValueError as error:
            raise ValueError(f"{flag} {error}") from None
    return config_type(**values)


def overview(chapters: list[str]) -> str:
    """List chapters with their experiments and the knobs of each."""
    lines = []
    for chapter in chapters:
        lines.append(chapter)
        for name in CHAPTERS[chapter]:
            module = load(chapter, name)
            lines.append(
                f"  {name:<20} {' '.join('--' + knob for knob in knobs_of(module.Config))}"
            )
    return "\n".join(lines)


def findings_table(chapter: str, experiment: str, arguments: list[str]) -> str:
    """Run one experiment and format its findings, a line each."""
    module = load(chapter, experiment)
    found = module.findings(module.run(read_config(module.Config, arguments)))
    rows = [
        (f.claim, "holds" if f.holds else "does not hold", name, f"{value:.6g}")
        for f in found
        for name, value in f.values.items()
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows)


def main(arguments: list[str]) -> int:
    """Answer one command; bad input is answered with a sentence and status 2."""
    try:
        if arguments[:1] == ["--write-results"]:
            chosen = [(arguments[1], (arguments[2:] or [""])[0])] if arguments[1:] else everything()
            print("\n".join(file.name for file in write_results(chosen)))
        elif arguments and arguments[0] in ("-h", "--help"):
            print(__doc__.strip())
        elif not arguments:
            print(overview(list(CHAPTERS)))
        elif len(arguments) == 1 and arguments[0] in CHAPTERS:
            print(overview(arguments))
        else:
            print(findings_table(arguments[0], (arguments[1:] or [""])[0], arguments[2:]))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
