"""A report of the day's sales, every night at two, whatever happens to the machine at two.

In production one worker is enough, started by your service manager; it stores the schedule when
it starts, and a night that it slept through is made up for once:

    jobrunner -A nightly_report:queue work

To see it at once, in a folder of your own:

    python nightly_report.py --now
"""

import csv
import sys
from collections import Counter
from pathlib import Path

from jobrunner import TaskQueue, Worker

SALES = Path("sales.csv")
REPORT = Path("report.txt")

queue = TaskQueue("nightly.db")


@queue.schedule("0 2 * * *", tz="Europe/Paris", missed="one", overlap="skip")
@queue.task(timeout=600, max_attempts=3)
def nightly_report() -> str:
    """Add up the sales by country; whoever reads the report never sees half of one."""
    totals: Counter[str] = Counter()
    with SALES.open(newline="") as rows:
        for row in csv.DictReader(rows):
            totals[row["country"]] += int(row["euros"])
    lines = [f"{country}\t{euros} EUR" for country, euros in sorted(totals.items())]
    unfinished = REPORT.with_suffix(".part")
    unfinished.write_text("\n".join(lines) + "\n")
    unfinished.replace(REPORT)
    return f"{sum(totals.values())} EUR from {len(totals)} countries"


def main() -> None:
    """Fire the schedule now, as `jobrunner schedule run nightly_report` does."""
    SALES.write_text("country,euros\nfr,120\nde,80\nfr,30\n")
    worker = Worker(queue, concurrency=1)
    worker.run(until_empty=True)  # nothing is due; what the code declares is stored
    print("next:", queue.schedules.get("nightly_report").next_at)
    task = queue.schedules.run("nightly_report")
    Worker(queue, concurrency=1).run(until_empty=True)
    print(REPORT.read_text(), end="")
    print(task.result())


if __name__ == "__main__":
    if "--now" not in sys.argv:
        sys.exit(__doc__)
    main()
