"""What answers hold, as OpenAPI tells it: estimates and forecasts."""

from pydantic import ConfigDict

from jobrunner.web.api.models import Shown


class EstimateShown(Shown):
    """How long something takes, in seconds; the three are null where too little is known.

    `runs` is how many recorded runs there are to go by; `basis` says what it is known from.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "low_s": 8.1,
                    "likely_s": 12.3,
                    "high_s": 20.4,
                    "runs": 42,
                    "basis": "from 42 runs of thumbnail",
                }
            ]
        }
    )

    low_s: float | None
    likely_s: float | None
    high_s: float | None
    runs: int
    basis: str


class ForecastShown(Shown):
    """When open tasks will have ended, if `workers` tasks run at a time.

    `others` are open beside them and take slots, too; `held` wait for a paused queue.
    `busy_s` is what all runs take together, `path_s` what those along the longest chain take.
    """

    workers: int
    tasks: int
    held: int
    others: int
    left: EstimateShown
    busy_s: float | None
    busy_share: float | None
    path_s: float | None
    path: list[int]
    unknown: dict[str, int]
    is_cut: bool
