"""Run the benchmarks: ``python -m benchmarks [--only 1.2] [--quick]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks import (
    bench_append,
    bench_cosigning,
    bench_detection,
    bench_facets,
    bench_import,
    bench_limits,
    bench_live,
    bench_matchers,
    bench_middleware,
    bench_query,
    bench_sealing,
    bench_search,
    bench_vault,
    bench_verify,
    bench_web,
)
from benchmarks.harness import Options, Target, machine, write

_ALL: dict[str, Callable[[Options], list[Target]]] = {
    "1.1": bench_append.one_caller,
    "1.2": bench_append.many_callers,
    "1.3": bench_append.bulk,
    "1.4": bench_verify.verifying,
    "1.5": bench_verify.growing,
    "1.6": bench_import.importing,
    "2.1": bench_search.one_probe,
    "2.2": bench_search.batches,
    "2.3": bench_search.numpy_alone,
    "2.4": bench_search.keeping,
    "2.5": bench_matchers.comparing,
    "2.6": bench_search.fuzz,
    "2.7": bench_search.shares,
    "2.8": bench_matchers.sealing,
    "2.9": bench_matchers.deciding,
    "3.1": bench_sealing.a_record,
    "3.2": bench_sealing.bulk,
    "3.3": bench_vault.opening,
    "3.4": bench_vault.finding,
    "3.5": bench_vault.erasing,
    "3.6": bench_sealing.beside_the_floor,
    "3.7": bench_cosigning.cosigning,
    "4.1": bench_query.pages,
    "4.2": bench_facets.facets,
    "4.3": bench_web.asking,
    "4.4": bench_middleware.adding,
    "4.5": lambda options: bench_live.followed(options) + bench_web.followed(options),
    "4.6": bench_live.delayed,
    "4.7": bench_web.exporting,
    "4.8": bench_limits.adding,
    "4.9": bench_detection.watching,
}


def main() -> None:
    """Run what was asked for, print a table, write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help="numbers beginning so, e.g. 1.2 or 1")
    parser.add_argument("--quick", action="store_true", help="small sizes, no verdict")
    asked = parser.parse_args()
    options = Options(quick=asked.quick)
    print("  ".join(f"{name}: {value}" for name, value in machine().items()))
    done: list[Target] = []
    for number, act in _ALL.items():
        if number.startswith(asked.only) or asked.only.startswith(number):
            for target in act(options):
                done.append(target)
                print(_line(target, options), flush=True)
    if not done:
        parser.error(f"no benchmark has a number that begins with {asked.only}")
    print(f"written to {write(done, options)}")


def _line(one: Target, options: Options) -> str:
    peer = "" if one.peer is None else f" beside {one.peer:,.1f}"
    sign = "<=" if one.at_most else ">="
    verdict = "" if options.quick else ("  met" if one.met else "  NOT MET")
    further = "".join(f"; {name}: {value}" for name, value in one.details.items())
    return (
        f"{one.number:18} {one.title}: {one.value:,.1f} {one.unit}{peer}; "
        f"{one.ratio:,.3f} (target {sign} {one.goal:g}){verdict}{further}"
    )


if __name__ == "__main__":
    main()
