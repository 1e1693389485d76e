"""How fast the simulated exchange makes order events on one core, and what memory writing days takes.

uv run python -m benchmarks.simulator           # 10 listings at scale 30; 250 and 1,000 listings into a lake
uv run python -m benchmarks.simulator --quick   # 10 listings at scale 2; 10 and 40 listings: does it run?

Each measurement is a process of its own with one thread, after a small day that compiles and warms up.
An event is a row of `l3`. Seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

DAY = date(2026, 2, 2)
RATE_GOAL, MEMORY_GOAL = 1_000_000, 1.25
SCALES = {False: 30.0, True: 2.0}
LISTINGS = {False: (250, 1_000), True: (10, 40)}
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def measure_events(scale: float) -> dict[str, Any]:
    """Events a second of the event loop with the books over all venues; of that with all tables, the first and the second time.

    The first time the process gets most of its memory from the machine, which takes as long as filling it. The loop's
    own tape is warm: a first pass has written it.
    """
    from time import process_time

    from basalt.synthetic.exchange import simulate
    from basalt.synthetic.happening import sessions
    from basalt.synthetic.market import listings_of, universe
    from basalt.synthetic.planning import plan_day
    from basalt.synthetic.scenario import Scenario
    from basalt.synthetic.world import ACTION, UNSEEN

    simulate(DAY, listings=2, scale=0.1)
    scenario = Scenario(listings=10, scale=scale)
    primaries = [listing for listing in universe(10, scenario.seed) if listing.is_primary]
    plans = [plan_day(listings_of(listing, scenario.seed), DAY, scenario) for listing in primaries]
    for _ in range(2):
        events, began = 0, process_time()
        for session in sessions(plans):
            events += int((session.rows[ACTION] != UNSEEN).sum())
        looped = process_time() - began
    rates = []
    for _ in range(2):
        began = process_time()
        assert simulate(DAY, scenario=scenario)["l3"].height == events
        rates.append(events / (process_time() - began))
    return {"events": events, "loop": events / looped, "tables": rates[0], "again": rates[1]}


def measure_lake(listings: int) -> dict[str, Any]:
    """Events a second into a lake, and the peak of memory above that of a small day."""
    from resource import RUSAGE_SELF, getrusage
    from time import process_time

    from basalt.synthetic import Scenario, write_day

    with tempfile.TemporaryDirectory() as folder:
        write_day(Path(folder) / "small", DAY + timedelta(days=1), listings=2, scale=0.1)
        before, began = getrusage(RUSAGE_SELF).ru_maxrss, process_time()
        files = write_day(Path(folder) / "lake", DAY, scenario=Scenario(listings=listings))
        events = sum(file.rows for file in files if file.table == "l3")
        seconds = process_time() - began
        peak = getrusage(RUSAGE_SELF).ru_maxrss
    return {"listings": listings, "events": events, "rate": events / seconds, "peak_mb": peak / 1024, "small_mb": before / 1024}


def _in_a_process(what: str, argument: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.simulator", "--measure", what, str(argument)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **ONE_THREAD})
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="small days")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "HOW_MUCH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        what, argument = asked.measure
        print(json.dumps(measure_events(float(argument)) if what == "events" else measure_lake(int(float(argument)))))
        return
    rate = _in_a_process("events", SCALES[asked.quick])
    small, large = (_in_a_process("lake", listings) for listings in LISTINGS[asked.quick])
    if asked.json:
        print(json.dumps({"events": rate, "small": small, "large": large}, indent=2))
        return
    print(f"{rate['events']:,} order events of 10 listings on one core")
    print(f"  event loop and books over all venues {rate['loop'] / 1e6:6.2f} M events/s  (goal {RATE_GOAL / 1e6:.0f})")
    print(f"  all nine tables in memory            {rate['tables'] / 1e6:6.2f} M events/s")
    print(f"  the same on memory that it has       {rate['again'] / 1e6:6.2f} M events/s")
    for each in (small, large):
        print(
            f"{each['listings']:,} listings into a lake: {each['events']:,} events, {each['rate']:,.0f} events/s, peak {each['peak_mb']:,.0f} MB"
        )
    print(
        f"  peak of {large['listings'] / small['listings']:.0f}x the listings: {large['peak_mb'] / small['peak_mb']:.2f}  (goal {MEMORY_GOAL})"
    )


if __name__ == "__main__":
    main()
