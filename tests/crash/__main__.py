"""`python -m tests.crash`: kill as often as asked, print the verdict, exit 1 if it is bad."""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.loop import Loop
from tests.crash.rescue import BOUND, gaps, summary
from tests.crash.verdict import FAULTS, judge


def main():
    options = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--kills", type=int, default=500)
    options.add_argument("--rescues", type=int, default=20, help="kills to time the rescue by")
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="jobrunner-crash-"))
    say(f"seed {asked.seed}, in {folder}")
    is_well = killed_often(folder, asked.kills, asked.seed)
    if asked.rescues:
        is_well &= rescued_soon(folder, asked.rescues)
    if is_well:
        shutil.rmtree(folder)
    return 0 if is_well else 1


def killed_often(folder, kills, seed):
    place = folder / "kills"
    place.mkdir()
    started_at = time.monotonic()
    loop = Loop(place, kills, seed)
    loop.run()
    elapsed = time.monotonic() - started_at
    facts = judge(place, loop.queue)
    say(f"{'kills':44} {loop.ledger.spent:6}")
    for cause, number in sorted(loop.ledger.causes.items()):
        say(f"  {cause:42} {number:6}")
    for name, number in facts.items():
        say(f"{name:44} {number:6}{'  WRONG' if name in FAULTS and number else ''}")
    say(f"{'seconds':44} {elapsed:6.1f}")
    loop.queue.close()
    return not any(facts[name] for name in FAULTS) and loop.ledger.is_spent


def rescued_soon(folder, kills):
    place = folder / "rescues"
    place.mkdir()
    found = gaps(place, kills)
    say(f"a killed worker's task runs again after {summary(found)}")
    return max(found) < BOUND


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
