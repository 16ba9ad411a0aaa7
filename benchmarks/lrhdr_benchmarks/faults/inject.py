"""lrhdr-run with a fault: python -m lrhdr_benchmarks.faults.inject PLAN ARGUMENTS...

Everything is hooked from outside, so the product holds no code for it. PLAN is a `Plan` as JSON.
To its descriptor go lines: "w 7" once output 7 is written, "fired" once the fault has an effect.
"""

from __future__ import annotations

import json
import sys

from lrhdr_benchmarks.faults.hooks import hook
from lrhdr_benchmarks.faults.trigger import Plan, Trigger
from lrhdr_engines.cli.run import main as run


def main() -> None:
    """Hook, then run the command as it is installed."""
    plan = Plan(**json.loads(sys.argv[1]))
    trigger = Trigger(plan)
    hook(trigger)
    if plan.event is not None:
        trigger.watch_files()
    del sys.argv[1]
    run()


if __name__ == "__main__":
    main()
