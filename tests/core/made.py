"""Anything that a queue may tell, made up by Hypothesis."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from jobrunner.core.batch import Batch
from jobrunner.core.bulk import Done, Refused
from jobrunner.core.crew import Crew, Told
from jobrunner.core.history import AttemptRecord
from jobrunner.core.limits import KeyInfo, Limits, QueueInfo, Rate
from jobrunner.core.outcome import WORDS
from jobrunner.core.policy import Missed, Overlap
from jobrunner.core.report import WASTED, By, GroupReport, Report, Spread, WorkerReport
from jobrunner.core.schedule import Schedule, Tick
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import Progress, Task
from jobrunner.core.worker import WorkerInfo, WorkerStatus

ids = st.integers(1, 2**53 - 1)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(microseconds=1), timedelta(days=36_500))
numbers = st.integers(0, 2**31)
floats = st.floats(0, 1e15)
json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
amounts = st.dictionaries(texts, floats, max_size=2)
counts = st.fixed_dictionaries(dict.fromkeys(Status, numbers))


def some(strategy):
    return st.none() | strategy


tasks = st.builds(
    Task,
    id=ids,
    status=st.sampled_from(Status),
    queue=texts,
    function=some(texts),
    command=some(st.lists(texts, min_size=1, max_size=3).map(tuple)),
    cwd=some(texts),
    args=st.lists(json, max_size=2).map(tuple),
    kwargs=st.dictionaries(texts, json, max_size=2),
    priority=st.integers(-(2**31), 2**31 - 1),
    description=texts,
    attempt=numbers,
    max_attempts=numbers,
    crashes=numbers,
    timeout=some(spans),
    created_at=moments,
    run_at=moments,
    started_at=some(moments),
    finished_at=some(moments),
    cancel_requested_at=some(moments),
    worker_id=some(texts),
    progress=some(st.builds(Progress, floats, some(floats), some(texts))),
    returned=json,
    error=some(texts),
    after=st.lists(ids, max_size=3).map(tuple),
    concurrency_key=some(texts),
    needs=amounts,
    unique_key=some(texts),
    expires_at=some(moments),
    batch_id=some(ids),
)
attempts = st.builds(
    AttemptRecord,
    task_id=st.just(7),
    number=numbers,
    worker_id=texts,
    ready_at=moments,
    started_at=moments,
    ended_at=moments,
    outcome=st.sampled_from(WORDS),
    error=some(texts),
    traceback=some(texts),
    exit_code=some(st.integers(-64, 255)),
    stdout=some(texts),
    stderr=some(texts),
    cpu_s=some(floats),
    peak_memory=some(numbers),
)
workers = st.builds(
    WorkerInfo,
    id=texts,
    host=texts,
    boot_id=st.just(""),
    pid=numbers,
    executor=texts,
    concurrency=numbers,
    queues=st.lists(texts, max_size=2).map(tuple),
    status=st.sampled_from(WorkerStatus),
    beat=st.just(0),
    started_at=moments,
    seen_at=moments,
    stopped_at=some(moments),
    error=some(texts),
    crew=texts,
    offers=amounts,
    paused_at=some(moments),
    wanted=some(numbers),
    stop_requested_at=some(moments),
)
limits = st.builds(Limits, some(numbers), some(st.builds(Rate, numbers, spans)))
queues = st.builds(QueueInfo, texts, limits, some(moments), counts)
keys = st.builds(KeyInfo, texts, limits, st.booleans(), numbers, numbers)
crews = st.builds(Crew, name=texts, paused_at=some(moments), concurrency=some(numbers))
reached = st.builds(Told, crews=st.lists(crews, max_size=2), workers=st.lists(workers, max_size=2))
schedules = st.builds(
    Schedule,
    id=st.just(0),
    name=texts,
    cron=st.none(),
    every=spans,
    tz=st.just("UTC"),
    anchor_at=moments,
    missed=st.sampled_from(Missed),
    missed_cap=numbers,
    overlap=st.sampled_from(Overlap),
    task=st.just('{"function":"work","kwargs":{"é":1}}'),
    next_at=some(moments),
    paused_at=some(moments),
    created_at=moments,
    last_task_id=st.none(),
    error=some(texts),
)
ticks = st.builds(Tick, moments, moments, some(ids), some(st.sampled_from(Status)))
batches = st.builds(
    Batch,
    id=ids,
    description=texts,
    created_at=moments,
    on_success=some(ids),
    on_failure=some(ids),
    on_end=some(ids),
    tasks=counts,
)
done = st.builds(Done, numbers, numbers, st.lists(st.builds(Refused, ids, texts), max_size=2))
systems = st.builds(
    SystemStatus,
    tasks=counts,
    running=st.lists(tasks, max_size=1),
    workers=st.lists(workers, max_size=1),
    oldest_pending=some(moments),
)
spreads = some(st.builds(Spread, floats, floats, floats, floats))
groups = st.lists(
    st.builds(
        GroupReport,
        name=texts,
        count=numbers,
        completed=numbers,
        failed=numbers,
        lost=numbers,
        busy_s=floats,
        wasted_s=floats,
        wait=spreads,
        run=spreads,
        cpu_s=some(floats),
        peak_memory=some(numbers),
    ),
    max_size=2,
)
reports = st.builds(
    Report,
    tasks=counts,
    attempts=st.dictionaries(st.sampled_from(WORDS), st.integers(1, 9)),
    elapsed_s=floats,
    throughput_per_s=floats,
    wait=spreads,
    run=spreads,
    functions=groups,
    busy_s=floats,
    wasted=st.dictionaries(st.sampled_from(WASTED), st.floats(1, 9)),
    by=some(st.sampled_from(By)),
    groups=groups,
    workers=st.lists(
        st.builds(
            WorkerReport,
            info=workers,
            completed=numbers,
            failed=numbers,
            lost=numbers,
            busy_s=floats,
            alive_s=floats,
            wasted_s=floats,
        ),
        max_size=2,
        unique_by=lambda one: one.info.id,
    ),
)
