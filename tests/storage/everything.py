"""A row of each table that no task alone fills."""

OTHERS = {
    "queues": "'images', 1, 2, 3, 4, NULL, 5, NULL",
    "concurrency_keys": "'tenant', 1, NULL, NULL",
    "crews": "'night', NULL, 3",
    "schedules": "1, 'daily', '@daily', NULL, 'UTC', 0, 'one', 1, 'skip', '{}', 5, NULL, 0, NULL,"
    " NULL",
    "event_hooks": "1, 'tell', '[]', NULL, NULL, '[]', NULL, 0, NULL, 0",
    "batches": "1, 'all', 0, NULL, NULL, 1",
    "schedule_ticks": "1, 5, NULL, 6",
    "rate_starts": "'queue:images', 1, 1",
    "task_steps": "1, 'first', '1', 0",
    "sent_events": "'approved', 0, NULL, 0",
    "event_waits": "1, 'approved', 0, NULL",
    "cached_results": "'abc', 1, '1', NULL, 0, 0",
    "rewinds": "1, 1, 1, 0",
    "status_changes": "1, 1, 5, 'retried', 'failed', 'pending', 0, NULL, 0, NULL",
    "output": "1, 1, 'out', 'err', 0",
    "tokens": "1, 'ci', 'read', 'abc', 0",
    "audit": "1, 0, 'ci', 'cancel', '7', '{}'",
    "idempotency_keys": "'ci', 'k', 'abc', '[1]', 0",
}


def fill_others(store):
    for table, values in OTHERS.items():
        store.sql(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608
