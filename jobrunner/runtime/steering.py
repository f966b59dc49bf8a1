"""Bring a running worker in line with what it was told: cancel, pause, resume, resize, stop."""

from collections import deque
from collections.abc import Callable

from jobrunner.core.crew import Orders
from jobrunner.core.events import Emit, WorkerPaused, WorkerResized, WorkerResumed
from jobrunner.core.signals import StopReason
from jobrunner.core.task import TaskId
from jobrunner.runtime.executors.dispatch import Executors
from jobrunner.runtime.in_hand import InHand
from jobrunner.runtime.membership import Membership
from jobrunner.runtime.room import Room
from jobrunner.runtime.stopping import Stopping


class Steering:
    """`hear` is called on the keepalive's thread, `follow` on the worker's."""

    def __init__(
        self,
        room: Room,
        in_hand: InHand,
        executors: Executors,
        stopping: Stopping,
        *,
        slots: int,
        emit: Emit,
        wake: Callable[[], None],
    ) -> None:
        """The worker was started with so many `slots`; `wake` is called when it is told anew."""
        self._room = room
        self._in_hand = in_hand
        self._executors = executors
        self._stopping = stopping
        self._started_with = self._slots = slots
        self._emit = emit
        self._wake = wake
        self._cancels: deque[TaskId] = deque()
        self._was_stopped = False
        self.is_paused = False
        """Whether the worker claims nothing."""
        self.orders = Orders(None, None, None)
        """As they were heard last."""

    def hear(self, orders: Orders) -> None:
        """Take in what the worker's row says."""
        is_news = orders.cancels or orders[:-1] != self.orders[:-1]
        self._cancels.extend(orders.cancels)
        self.orders = orders
        if is_news:
            self._wake()

    def follow(self, membership: Membership, now: float) -> bool:
        """Do what was heard; `True` says that the worker may claim more than before.

        Raises:
            DatabaseError: it is to be called again.
        """
        while self._cancels:
            self._in_hand.stop(self._cancels.popleft(), StopReason.CANCEL, now)
        orders = self.orders
        if orders.stop_requested_at is not None and not self._was_stopped:
            self._was_stopped = True  # a second time would mean an end at once
            self._stopping.ask("it was told to by `jobrunner worker stop`")
        may_claim_more = self._pause(orders, membership)
        slots = orders.wanted or self._started_with
        if slots == self._slots:
            return may_claim_more
        membership.resized(slots)
        self._resize(slots)
        self._emit(WorkerResized(membership.id, slots))
        return True

    def _pause(self, orders: Orders, membership: Membership) -> bool:
        pause = orders.paused_at is not None
        if pause == self.is_paused:
            return False
        self.is_paused = pause
        if pause:
            self._in_hand.give_back()
        self._emit((WorkerPaused if pause else WorkerResumed)(membership.id))
        return not pause

    def _resize(self, slots: int) -> None:
        if slots < self._slots:  # what has not started would start in slots that are to go
            self._in_hand.give_back()
        self._slots = slots
        self._room.resize(slots)
        self._in_hand.resize(slots)
        self._executors.resize(slots)
