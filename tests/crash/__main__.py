"""`python -m tests.crash`: kill as often as asked, print the verdict, exit 1 if it is bad."""

import argparse
import contextlib
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.crash.application import LOCATION
from tests.crash.loop import Loop
from tests.crash.rescue import BOUND, gaps, summary
from tests.crash.verdict import FAULTS, judge
from tests.databases import Postgres
from tools import postgres


def main():
    options = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--kills", type=int, default=500)
    options.add_argument("--rescues", type=int, default=20, help="kills to time the rescue by")
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument(
        "--postgres", nargs="?", const="", metavar="URL", help="a server's, or one of its own"
    )
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="jobrunner-crash-"))
    say(f"seed {asked.seed}, in {folder}")
    with places(folder, asked.postgres) as place:
        is_well = killed_often(place("kills"), asked.kills, asked.seed)
        if asked.rescues:
            is_well &= rescued_soon(place("rescues"), asked.rescues)
    if is_well:
        shutil.rmtree(folder)
    return 0 if is_well else 1


@contextlib.contextmanager
def places(folder, url):
    """Makes folders, each with a database of its own: in a file of it, or on a server."""
    with contextlib.ExitStack() as stack:
        if url == "":
            url = stack.enter_context(postgres.running()).url()

        def make(name):
            place = folder / name
            place.mkdir()
            if url:
                (place / LOCATION).write_text(stack.enter_context(Postgres(url).database()))
            return place

        yield make


def killed_often(place, kills, seed):
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


def rescued_soon(place, kills):
    found = gaps(place, kills)
    say(f"a killed worker's task runs again after {summary(found)}")
    return median(found) < BOUND  # a busy machine keeps one or the other waiting


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
