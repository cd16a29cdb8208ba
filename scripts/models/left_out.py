"""Score kinds of cells, and learn them, with models that have not seen them.

    python left_out.py KINDS --model FILE --knows NAME ... [--quick] [--table FILE]

KINDS is the folder with the free stills. Kinds named by --knows were learned by the
model and are passed over; all others are found with their diameter told, and learned
from ten cells and from one frame as in the suite `learning`.
"""

import argparse
import csv
from pathlib import Path

from fastershift.benchmark import BenchmarkOptions
from fastershift.benchmark.suites._learning import kinds_to_learn, learn_kind
from fastershift.rshn import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--knows", nargs="*", default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--table", type=Path)
    asked = parser.parse_args()
    options = BenchmarkOptions(asked.quick, asked.kinds, "cpu", 0)
    model = load_model(asked.model)
    rows = []
    for kind in kinds_to_learn(options):
        if kind.name.removeprefix("simulated ") in asked.knows:
            continue
        for one in learn_kind(kind, model, options):
            rows.append(one)
            print(
                f"{one.kind:24} {one.marked:10} {one.way:10} before {one.before:.3f} "
                f"learned {one.learned:.3f} pixel classifier {one.classifier:.3f} "
                f"({one.seconds:.1f} s)",
                flush=True,
            )
    if asked.table:
        with asked.table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(rows[0]._fields)
            writer.writerows(rows)


if __name__ == "__main__":
    main()
