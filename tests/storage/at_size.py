"""A hundred thousand tasks with all that belongs to them, and who may read a whole table."""

ROWS = 100_000
HISTORY, PENDING, SCHEDULED = 70_000, 85_000, 95_000
"""The last id of each kind of tasks; the rest are blocked."""
LAST = {"history": HISTORY, "pending": PENDING, "scheduled": SCHEDULED, "last": ROWS}
NUMBERS = (
    "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :last)"
)
FILL = (
    """INSERT INTO tasks (id, status, queue, priority, run_at, max_attempts, attempt,
        waiting_on, created_at, finished_at, function)
    SELECT n,
        CASE WHEN n <= :history THEN
                CASE n % 50 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END
            WHEN n <= :pending THEN 'pending' WHEN n <= :scheduled THEN 'scheduled'
            ELSE 'blocked' END,
        CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END,
        n % 7, :now + n, 5, CAST(n <= :history AS INTEGER),
        CAST(n > :scheduled AS INTEGER), :now,
        CASE WHEN n <= :history THEN :now + n END, 'work'
    FROM number""",
    """INSERT INTO dependencies (parent_id, dependent_id, on_failure)
    SELECT n - (:scheduled - :history), n, CASE n % 2 WHEN 0 THEN 'cancel' ELSE 'run' END
    FROM number WHERE n > :scheduled""",
    """INSERT INTO workers (id, host, boot_id, pid, executor, concurrency, queues,
        status, beat, started_at, seen_at, stopped_at)
    SELECT 'worker-' || n, 'here', 'boot', n, 'thread', 1, '[]', 'stopped', 1, :now, :now, :now
    FROM number WHERE n <= 1000""",
    """INSERT INTO attempts (task_id, token, number, worker_id, ready_at, started_at,
        ended_at, outcome)
    SELECT n, n, 1, 'worker-' || (n % 1000 + 1), :now, :now, :now + n, 'completed'
    FROM number WHERE n <= :history""",
    """INSERT INTO progress (task_id, done, updated_at)
    SELECT n, 1, :now FROM number WHERE n <= :history AND n % 2 = 1""",
    "INSERT INTO payloads (task_id, args) SELECT n, '[]' FROM number WHERE n % 2 = 1",
    """INSERT INTO schedules (id, name, every, anchor_at, missed, missed_cap, overlap, task,
        created_at)
    SELECT n, 'schedule ' || n, 1, 0, 'one', 1, 'allow', '{}', 0 FROM number WHERE n <= 100""",
    """INSERT INTO schedule_ticks (schedule_id, tick_at, task_id, fired_at)
    SELECT n % 100 + 1, n, n, n FROM number WHERE n <= :history AND n % 7 = 1""",
    """UPDATE tasks SET lane = '["k:' || (id % 100) || '",{}]'
    WHERE status = 'pending' AND id % 2 = 1 AND id > 0 * (:last + :now)""",
    "INSERT INTO concurrency_keys (name, concurrency) SELECT 'k:' || n, 5 FROM number",
    "INSERT INTO rate_starts (name, at, task_id) SELECT 'queue:b', :now + n, n FROM number",
    "INSERT INTO rate_starts (name, at, task_id) SELECT 'key:k:' || n, :now + n, n FROM number",
    "INSERT INTO queues (name, concurrency, rate, period) VALUES ('a', 5, NULL, NULL)",
    "INSERT INTO queues (name, concurrency, rate, period) VALUES ('b', NULL, 5, 1000000)",
    "INSERT INTO queues (name, paused_at) VALUES ('none', 0)",
    "INSERT INTO task_steps (task_id, name, stored_at) SELECT n, 'one', :now FROM number",
    "INSERT INTO event_waits (task_id, name, since) SELECT n, 'one', :now FROM number",
    """INSERT INTO status_changes (task_id, at, what, was, status, run_at, last_attempt)
    SELECT n, :now, 'retried', 'failed', 'pending', :now, 0 FROM number""",
    """INSERT INTO output (task_id, token, stdout, stderr, updated_at)
    SELECT n, n, '', '', :now FROM number""",
)

WHOLE = {
    **{key: {"queues"} for key in ("claim within limits", "left", "pause", "limit")},
    "why": {"queues"},
    "look at the agenda": {"queues", "schedules"},
    "queues": {"queues"},
    "keys": {"concurrency_keys"},
    "forget starts": {"queues", "concurrency_keys"},
    "what is old": {"tasks", "dependencies", "schedule_ticks"},
    "report": {"attempts", "tasks"},
    "report of late": {"attempts", "tasks"},
    "workers there have been": {"workers"},
    "newest tasks": {"tasks"},
    "newest tasks of a function": {"tasks"},
    "newest tasks of a queue": {"tasks"},
}
"""What people ask now and then, and reads a whole table, or from its newest row on; and what reads
what people have set for queues, a row for each, or the few schedules."""

UNCOUNTED = {"settle": {"dependencies"}, "dependents": {"dependencies"}, "cancel": {"dependencies"}}
"""What a server does until its first ANALYZE: it takes a failure to doom a good part of what
there is, and hashes all edges, once a statement."""

MOST = {
    "counts": {"tasks"},
    "counts by queue": {"tasks"},
    "what is open": {"tasks"},
    "queues": {"tasks"},
    "page (status=completed)": {"tasks"},
    "next page (status=completed)": {"tasks"},
}
"""What a server reads whole where it is asked for most of the rows and has not vacuumed the table:
then an index would send it there for each of them. In a file an index alone does."""
