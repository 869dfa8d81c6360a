"""Print the table of all benchmarks: python -m tests.benchmarks [--rounds 7] [names]."""

import argparse
import os
from importlib import import_module

import core.nn.pool  # noqa: F401  holds NumPy's BLAS to one thread before anything is timed
from tests.benchmarks.compare import report

NAMES = ("single", "many", "race", "deep")


def main() -> None:
    """Run the benchmarks named on the command line, all of them without a name."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    for name in options.names or NAMES:
        benchmark = import_module(f"tests.benchmarks.{name}").BENCHMARK
        print("\n".join(report(benchmark, options.rounds)), flush=True)
    print("\nload average", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
