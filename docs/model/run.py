#!/usr/bin/env python3
"""Explores every protocol and every mutant, and prints a table.

    python3 docs/model/run.py [MODEL...]

Fails if a protocol is found to break its promise, or if a mutant is not.
"""

import importlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from explore import explore

HERE = Path(__file__).parent
NO_MODELS = ("explore", "run")


def cases(names):
    """What to explore: model, variant, its description, and whether it has to break the promise."""
    for name in names:
        model = importlib.import_module(name)
        for variant, what in model.PROTOCOLS.items():
            yield name, variant, what, False
        for variant, what in model.MUTANTS.items():
            yield name, variant, what, True


def run(case):
    name, variant, _, _ = case
    begun = time.monotonic()
    return explore(importlib.import_module(name), variant), time.monotonic() - begun


def verdict(result, is_mutant):
    """What to print, and whether it is as it has to be. A world in which nothing is read shows nothing."""
    if is_mutant:
        return (f"caught: {result.violation}", True) if result.violation else ("NOT CAUGHT", False)
    if result.violation:
        return f"BROKEN: {result.violation}", False
    return ("holds", True) if result.reads else ("NOTHING IS READ", False)


def main():
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NO_MODELS)
    todo = list(cases(names))
    wrong = 0
    print(f"{'model':<15} {'variant':<22} {'states':>9} {'reads':>9} {'time':>7}  verdict")
    with ProcessPoolExecutor() as pool:
        for (name, variant, what, is_mutant), (result, seconds) in zip(todo, pool.map(run, todo)):
            text, is_right = verdict(result, is_mutant)
            wrong += not is_right
            figures = f"{result.states:>9,} {result.reads:>9,} {seconds:>5.1f} s"
            print(f"{name:<15} {variant:<22} {figures}  {text} ({what})", flush=True)
    print(f"{len(todo)} variants of {len(names)} models, {wrong} not as they have to be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
