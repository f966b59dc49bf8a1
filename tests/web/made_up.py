"""Data for the gallery that nobody has measured."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC)
HOSTILE = "<img src=x onerror=alert(1)>\"'></script><script>alert(2)</script>{{ 7*7 }}"

NAMES = ("media.transcode", "media.thumbnail", "reports.daily", "crawl.page", "ffmpeg -i in.mkv")

COUNTS = {
    "blocked": 312,
    "scheduled": 48,
    "pending": 1_204,
    "in_progress": 16,
    "completed": 1_048_576,
    "failed": 73,
    "cancelled": 9,
}


def dice_of(seed: int) -> random.Random:
    """Dice that fall the same each time."""
    return random.Random(seed)  # noqa: S311 — nothing is kept secret by it


def at(seconds: float) -> str:
    """A moment so many seconds before or after now."""
    return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def series(buckets: int = 60) -> list[dict[str, Any]]:
    """Throughput of an hour."""
    dice = dice_of(7)
    made = []
    for minute in range(buckets):
        busy = 40 + 25 * (minute % 20 > 8)
        failed = dice.choice((0, 0, 1, 2)) + (18 if 38 <= minute <= 41 else 0)
        made.append(
            {
                "at": at(60 * (minute - buckets)),
                "completed": max(0, int(dice.gauss(busy, 8))),
                "failed": failed,
                "other": 0,
                "wait_s": None if minute == 12 else abs(dice.gauss(0.8, 0.4)) + failed / 10,
                "run_s": None if minute == 12 else abs(dice.gauss(2.2, 0.3)),
            }
        )
    return made


def graph() -> dict[str, Any]:
    """A workflow: it fans out and in again, with a failure on the way."""
    names = ["fetch catalogue", *(f"render part {number}" for number in range(1, 7))]
    names += ["join", "check", HOSTILE, "notify"]
    ended = ["completed"] * 5 + ["failed", "in_progress", "blocked", "blocked", "completed"]
    statuses = [*ended, "scheduled"]
    dice = dice_of(3)
    starts = [0, *(12 + dice.random() for _ in range(6)), 0, 0, 12.5, 0]
    spans = [12, *(dice.uniform(4, 30) for _ in range(6)), 0, 0, 7, 0]
    nodes = []
    for number, (name, status) in enumerate(zip(names, statuses, strict=True)):
        has_run = status in {"completed", "failed", "in_progress"}
        is_over = status in {"completed", "failed"}
        nodes.append(
            {
                "id": number + 1,
                "name": name,
                "status": status,
                "started_at": at(starts[number] - 60) if has_run else None,
                "finished_at": at(starts[number] + spans[number] - 60) if is_over else None,
                "run_s": spans[number] if is_over else None,
            }
        )
    pairs = [(1, part) for part in range(2, 8)] + [(part, 8) for part in range(2, 8)]
    pairs += [(8, 9), (1, 10), (9, 11), (10, 11)]
    edges = [
        {"parent": one, "dependent": other, "on_failure": "run" if other == 11 else "cancel"}
        for one, other in pairs
    ]
    return {"nodes": nodes, "edges": edges, "is_cut": False, "critical": [1, 4]}


def large_graph(nodes: int = 500) -> dict[str, Any]:
    """Layers of twenty tasks, each with two parents in the layer before."""
    dice = dice_of(13)
    made = [
        {
            "id": number,
            "name": f"{dice.choice(NAMES)} {number}",
            "status": dice.choice([*COUNTS]),
            "started_at": None,
            "finished_at": None,
            "run_s": None,
        }
        for number in range(1, nodes + 1)
    ]
    edges = [
        {"parent": parent, "dependent": number, "on_failure": "cancel"}
        for number in range(21, nodes + 1)
        for parent in dice.sample(
            range((number - 1) // 20 * 20 - 19, (number - 1) // 20 * 20 + 1), 2
        )
    ]
    return {"nodes": made, "edges": edges, "is_cut": True, "critical": []}


def timeline(bars: int = 5_000, lanes: int = 16) -> dict[str, Any]:
    """What two hours left behind: one worker is lost on the way, one rests for a while."""
    dice = dice_of(11)
    made = []
    number = 0
    for lane in range(lanes):
        worker = lane // 4
        is_lost = worker == 2
        moment = -7200.0 + dice.random() * 60
        filled: list[dict[str, Any]] = []
        for _ in range(bars // lanes):
            number += 1
            length = dice.expovariate(1 / (7000 / (bars / lanes)))
            outcome = dice.choices(("completed", "failed", "cancelled"), (95, 4, 1))[0]
            filled.append(
                {
                    "task_id": number,
                    "name": dice.choice(NAMES),
                    "outcome": outcome,
                    "started_at": at(moment),
                    "ended_at": at(moment + 0.95 * length),
                }
            )
            moment += length + (700 if worker == 1 and dice.random() < 4 * lanes / bars else 0)
            if is_lost and moment > -2600:
                filled[-1]["outcome"] = "lost"
                break
        if not is_lost:
            filled[-1] |= {"outcome": "running", "ended_at": None, "name": HOSTILE}
        made.append(
            {
                "worker_id": f"w{worker}7f3c",
                "host": f"box{worker + 1}",
                "slot": lane % 4,
                "pid": 4_000 + worker,
                "status": "lost" if is_lost else "running",
                "lost_at": at(moment) if is_lost else None,
                "bars": filled,
            }
        )
    return {"lanes": made, "is_cut": False}


def tasks() -> list[dict[str, Any]]:
    """A page of a list."""
    dice = dice_of(5)
    names = [*NAMES, HOSTILE, "a" * 90, "日本語のタスク"]
    return [
        {
            "id": 1_048_600 - number,
            "name": names[number % len(names)],
            "status": status,
            "queue": dice.choice(("default", "media", "mail")),
            "attempt": dice.randint(1, 3),
            "run_s": dice.expovariate(0.1),
            "created_at": NOW - timedelta(seconds=dice.expovariate(1 / 4000)),
        }
        for number, status in enumerate([*COUNTS, *COUNTS])
    ]
