"""The statuses, and that their moves are a closed table."""

import pytest

from jobrunner.core.status import FINAL, OPEN, TRANSITIONS, Status


def test_every_status_is_final_or_open():
    assert set(Status) == FINAL | OPEN
    assert not FINAL & OPEN
    assert {status for status in Status if status.is_final} == FINAL


def test_every_status_can_be_reached():
    reached, step = set(), {None}
    while step:
        step = {to for source, to in TRANSITIONS if source in step} - reached
        reached |= step
    assert reached == set(Status)


def test_every_open_status_can_come_to_an_end():
    for status in OPEN:
        ends, step = set(), {status}
        while step:
            step = {to for source, to in TRANSITIONS if source in step} - ends
            ends |= step
        assert ends & FINAL, status


def test_only_a_rewind_moves_a_completed_task():
    for (source, _), reason in TRANSITIONS.items():
        if source is Status.COMPLETED:
            assert "a person rewound" in reason


def test_only_a_retry_or_rewind_by_hand_leaves_a_final_status():
    for (source, to), reason in TRANSITIONS.items():
        if source in FINAL:
            assert to in OPEN
            assert "a person retried it" in reason or "a person rewound" in reason


def test_work_begins_only_where_a_worker_claims_it():
    assert [source for source, to in TRANSITIONS if to is Status.IN_PROGRESS] == [Status.PENDING]


def test_no_move_leads_to_itself_and_each_has_a_reason():
    for (source, to), reason in TRANSITIONS.items():
        assert source is not to
        assert reason


@pytest.mark.parametrize(
    ("status", "label"), [(Status.IN_PROGRESS, "In Progress"), (Status.FAILED, "Failed")]
)
def test_a_label_is_for_people(status, label):
    assert status.label == label
