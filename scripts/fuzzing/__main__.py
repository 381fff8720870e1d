"""Feeds damaged and random input to every reader of untrusted input; reports wrong results, errors and delays.

Inputs are made from a seed. `scripts/fuzz --only KIND --seed SEED --start NUMBER --count 1` makes one of them again.
"""

import argparse
import random
import re
import resource
import sys
import time
from collections import Counter

from scripts.fuzzing import compressed, conversions, readers, terminal, tree_names
from scripts.fuzzing.definitions import Case, Kind

KINDS: tuple[Kind, ...] = (
    readers.KIND,
    compressed.KIND,
    conversions.KIND,
    terminal.KIND,
    tree_names.KIND,
)


def main() -> int:
    """Try the inputs that the command line asks for; return 1 if one of them shows a fault."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument(
        "--count", type=int, default=100_000, help="the number of inputs of a cheap kind (default: 100,000)"
    )
    parser.add_argument("--start", type=int, default=0, help="the number of the first input")
    parser.add_argument("--seed", type=int, default=0, help="the seed that inputs are made from (default: 0)")
    names = ", ".join(kind.name for kind in KINDS)
    parser.add_argument("--only", default="", metavar="REGEX", help=f"only kinds whose name matches; there are {names}")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if re.search(options.only, kind.name)]
    if not kinds:
        parser.error(f"--only matches no kind; there are {names}")
    try:
        wrong = sum(run(kind, options.start, options.count, options.seed) for kind in kinds)
    except KeyboardInterrupt:
        return 130
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
    print(f"{memory} MB at most")
    return 1 if wrong else 0


def run(kind: Kind, start: int, count: int, seed: int) -> int:
    """Try inputs of a kind, print how they ended, and return the number of faults."""
    ends: Counter[str] = Counter()
    wrong = 0
    began = shown = time.monotonic()
    for number in range(start, start + max(count // kind.cost, 1)):
        chance = random.Random(f"{seed} {kind.name} {number}")  # noqa: S311  # the input must be reproducible
        case = kind.case(number, chance)
        before = time.perf_counter()
        try:
            ends[case.run()] += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # a panic of an extension is no Exception
            wrong += 1
            report(case, number, f"{type(error).__qualname__}: {error}")
        if (took := time.perf_counter() - before) > case.seconds:
            wrong += 1
            report(case, number, f"{took:.2f} s")
        if (now := time.monotonic()) > shown + 30:
            shown = now
            print(f"{kind.name}: input {number}, {now - began:.0f} s", flush=True)
    print(f"{kind.name}: {dict(ends)}, {wrong} wrong; {time.monotonic() - began:.0f} s", flush=True)
    return wrong


def report(case: Case, number: int, fault: str) -> None:
    """Print a fault, and the input that shows it."""
    print(f"{case.title}: {fault}\n  input {number}: {case.data!r:.400}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
