"""What a task went through and what its attempts wrote, as the answers tell it."""

from pydantic import ConfigDict

from jobrunner.web.api.models import At, Shown, StatusWord


class TransitionShown(Shown):
    """What happened to a task: `was` is null of one that was stored, `status` once it is deleted.

    `what` is `enqueued`, `unblocked`, `due`, `started`, the outcome of an attempt, or an act such
    as `retried`; `detail` is its error, its reason, or what was changed.
    """

    task_id: int
    at: At
    what: str
    was: StatusWord | None
    status: StatusWord | None
    attempt: int | None
    worker_id: str | None
    detail: str | None


class MoreShown(Shown):
    """What a stream holds behind an offset, and where it goes on; both in characters."""

    text: str
    offset: int


class WrittenShown(Shown):
    """What one attempt has written: so far or, where there is an `outcome`, for good.

    `run` is how many attempts had ended before it; it is null where none has begun.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 7,
                    "status": "in_progress",
                    "run": 0,
                    "number": 1,
                    "outcome": None,
                    "stdout": {"text": "12 of 40 pages\n", "offset": 180},
                    "stderr": {"text": "", "offset": 0},
                    "traceback": None,
                }
            ]
        }
    )

    id: int
    status: StatusWord
    run: int | None
    number: int | None
    outcome: str | None
    stdout: MoreShown
    stderr: MoreShown
    traceback: str | None
