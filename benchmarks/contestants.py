"""Who takes part, with what is to be known of each.

What a kill does was tried by hand in November 2026: a task of three seconds, its worker killed by
SIGKILL while it ran, another worker started. The durability was counted then, in calls of fsync and
fdatasync under strace; for the servers it is what they are told.
"""

from dataclasses import replace

from benchmarks.contestant import Contestant

ALL = frozenset({"single", "drain", "latency", "idle"})
BULK = ALL | {"bulk"}
SUCCEEDED = "SELECT count(*) FROM procrastinate_events WHERE type = 'succeeded'"

JOBRUNNER = Contestant(
    "jobrunner",
    "jobrunner",
    "file",
    BULK
    | {"backlog", "payload", "graph", "commands", "memory", "executors", "metg", "limits", "pages"},
    ended="SELECT max(id) FROM attempts",
    wrong="SELECT count(*) FROM attempts WHERE outcome <> 'completed'",
    finish=(
        (
            "UPDATE tasks SET status = 'completed', attempt = 1, started_at = created_at,"
            " finished_at = created_at, result = '\"ok\"', worker_id = 'w' WHERE status = 'pending'"
        ),
        (
            "INSERT INTO attempts"
            " (task_id, token, number, worker_id, ready_at, started_at, ended_at, outcome)"
            " SELECT id, id, 1, 'w', created_at, created_at, created_at, 'completed' FROM tasks"
        ),
    ),
    chosen="8 threads",
    durability="WAL, synchronous FULL; ends share a commit with the next claims, fenced; a history"
    " row an attempt",
    killed="runs again, within seconds on the same host",
)
HUEY = Contestant(
    "huey",
    "huey",
    "file",
    ALL | {"backlog", "payload"},
    ended="SELECT max(rowid) FROM kv",
    pace=6_000,
    filling={"PEER_FSYNC": "0"},
    finish=(
        "INSERT INTO kv (queue, key, value) SELECT queue, hex(randomblob(18)), x'8004' FROM task",
        "DELETE FROM task",
    ),
    chosen="1 worker thread, `fsync=True` (2 and 4 threads: -17 %)",
    durability="WAL, synchronous FULL; the claim deletes the task, the result is a second commit",
    killed="lost: it had been deleted",
)
RQ = Contestant(
    "rq",
    "rq",
    "redis",
    BULK,
    ended="ZCARD rq:finished:default",
    pace=500,
    chosen="its Worker, which forks for each job",
    durability="Redis with `appendonly yes, appendfsync always`; with the defaults of Redis,"
    " minutes can be lost",
    killed="not tried",
)

CONTESTANTS = (
    Contestant(
        "raw",
        "raw",
        "file",
        (ALL | {"bulk", "payload"}) - {"latency", "idle"},
        ended="SELECT -count(*) FROM t WHERE status <> 'completed'",
        pace=200_000,
        chosen="SQLite alone: `executemany`; claims of 100 and finishes of 100, a commit each",
        durability="WAL, synchronous FULL",
        killed="stuck as claimed",
    ),
    Contestant(
        "raw, one by one",
        "raw",
        "file",
        frozenset({"drain"}),
        ended="SELECT -count(*) FROM t WHERE status <> 'completed'",
        pace=10_000,
        settings={"PEER_BATCH": "1"},
        chosen="SQLite alone: claim one, finish one, a commit each",
        durability="WAL, synchronous FULL",
        killed="stuck as claimed",
    ),
    JOBRUNNER,
    *(
        replace(
            JOBRUNNER,
            name=f"jobrunner, {executor}",
            loads=frozenset({"executors", "metg"} if executor == "process" else {"executors"}),
            settings={"PEER_EXECUTOR": executor, "PEER_SLOTS": slots},
            is_held=executor != "process",  # it starts its children with the first task
            chosen=f"{slots} slots, executor `{executor}`",
        )
        for executor, slots in (("process", "2"), ("async", "30"))
    ),
    replace(
        JOBRUNNER,
        name="jobrunner, commands",
        loads=frozenset({"metg"}),
        chosen="as many slots as cores",
    ),
    HUEY,
    replace(
        HUEY,
        name="huey, no fsync",
        loads=HUEY.loads - {"payload"},
        pace=25_000,
        settings={"PEER_FSYNC": "0"},
        chosen="1 worker thread, `fsync=False`",
        durability="WAL, synchronous OFF: a power cut can lose and damage anything",
    ),
    Contestant(
        "litequeue",
        "litequeue",
        "file",
        BULK | {"backlog", "payload"},
        ended="SELECT -count(*) FROM Queue WHERE status < 2",
        pace=25_000,
        tidy=("ANALYZE",),
        finish=("UPDATE Queue SET status = 2, done_time = in_time",),
        chosen="the loop of its example, 0.1 s asleep when there is nothing; after ANALYZE, without"
        " which every claim sorts all that is pending (20,000: -97 %)",
        durability="WAL, synchronous NORMAL, fixed: a power cut loses the last commits; no result",
        killed="stuck as locked until somebody calls `retry`",
    ),
    Contestant(
        "persist-queue",
        "persist_queue",
        "file",
        ALL | {"backlog"},
        product="persist-queue",
        ended="SELECT -count(*) FROM ack_queue_default WHERE status < 5",
        pace=6_000,
        most=100_000,
        filling={"PEER_FSYNC": "0"},
        finish=("UPDATE ack_queue_default SET status = 5",),
        chosen="SQLiteAckQueue; a loop of ours, 0.1 s asleep when there is nothing",
        durability="WAL, synchronous FULL; no result",
        killed="runs again when a worker starts, and with it what live workers are running",
    ),
    Contestant(
        "dbos",
        "dbos",
        "file",
        ALL,
        ended="SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'",
        pace=2_000,
        is_held=False,
        chosen="a queue without limits, looked at every second (limits of 32 to 512: slower)",
        durability="rollback journal, synchronous FULL: four syncs an enqueue and a task",
        killed="runs again when a process of the same executor id starts",
    ),
    replace(
        JOBRUNNER,
        name="jobrunner, PostgreSQL",
        ground="postgres",
        loads=BULK,
        ended="SELECT count(*) FROM attempts",
        durability="fsync and synchronous_commit on; ends share a commit with the next claims,"
        " fenced; a history row an attempt",
    ),
    Contestant(
        "procrastinate",
        "procrastinate",
        "postgres",
        BULK,
        ended=SUCCEEDED,
        pace=1_500,
        chosen="psycopg, async tasks, 30 at a time (1: -30 %; 4, 10, 100: the same)",
        durability="fsync and synchronous_commit on; each claim and each end is a commit; a history"
        " row a change",
        killed="not tried",
    ),
    Contestant(
        "pgqueuer",
        "pgqueuer",
        "postgres",
        BULK,
        ended="SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'",
        chosen="asyncpg, uvloop, async tasks, `pgq autovac`, batches of 500 (10: -65 %;"
        " 100: -15 %; 1,000: -5 %)",
        durability="fsync and synchronous_commit on, logged tables; ends wait up to 0.1 s in"
        " memory for a commit",
        killed="not tried",
    ),
    RQ,
    replace(
        RQ,
        name="rq, no fork",
        pace=2_000,
        settings={"PEER_WORKER": "simple"},
        chosen="its SimpleWorker, which does not fork",
    ),
    Contestant(
        "dramatiq",
        "dramatiq",
        "redis",
        ALL,
        ended="EVAL \"return -redis.call('HLEN', KEYS[1])\" 1 dramatiq:default.msgs",
        pace=10_000,
        chosen="8 threads",
        durability=RQ.durability,
        killed="not tried",
    ),
    Contestant(
        "xargs",
        "xargs",
        "none",
        frozenset({"commands", "metg"}),
        chosen="`xargs -P2 -n1`; with as many as cores for the granularity",
        durability="none",
        killed="lost",
    ),
    Contestant(
        "dask",
        "dask",
        "none",
        frozenset({"metg"}),
        product="distributed",
        chosen="a local cluster, a process a core",
        durability="none",
        killed="runs again while the scheduler lives",
    ),
)
