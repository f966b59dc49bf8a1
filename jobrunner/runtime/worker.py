"""A worker: room? -> claim -> run -> settle -> wait for a wake-up."""

from collections.abc import Callable
from math import inf
from typing import Any, Final

from jobrunner.core.errors import DatabaseError, LastingError
from jobrunner.core.events import (
    WorkerLost,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
    WorkerTrouble,
)
from jobrunner.core.outcome import Ended
from jobrunner.core.signals import StopReason
from jobrunner.core.task import WorkerId
from jobrunner.runtime.declared import make_ready
from jobrunner.runtime.executors.dispatch import Executors
from jobrunner.runtime.in_hand import InHand
from jobrunner.runtime.lookout import Lookout
from jobrunner.runtime.membership import Membership
from jobrunner.runtime.narrate import Narrator
from jobrunner.runtime.options import Executor, Source, WorkerOptions
from jobrunner.runtime.room import Room
from jobrunner.runtime.settler import Settler, Turn, Want
from jobrunner.runtime.steering import Steering
from jobrunner.runtime.stopping import Stopping
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage.gate import going_first
from jobrunner.storage.left import nothing_left

TROUBLE_PAUSE: Final = 0.5
"""Seconds before a transaction that failed is tried again."""


class Worker:
    """Claims tasks of a queue and runs them, so many at a time, until told to stop.

    Any number of workers, in threads or processes, share one database.
    """

    def __init__(
        self,
        queue: Source,
        options: WorkerOptions | None = None,
        *,
        on_join: Callable[[WorkerId], None] = lambda _: None,
        **settings: Any,
    ) -> None:
        """`settings` are fields of `WorkerOptions`; `on_join` is told each id it works under.

        Raises:
            ConfigurationError: an option has no meaning.
        """
        self.options = options or WorkerOptions.of(**settings)
        self.settled = self._claimed = 0
        self._queue = queue
        self._on_join = on_join
        self._clock = queue.clock
        self._unsettled: list[Ended] = []
        self._stopping = Stopping()
        self._lost = self._done = self._until_empty = False
        self.turned_at: float | None = None
        self._lookout = Lookout(self._clock)

    @property
    def id(self) -> WorkerId:
        """The id of the present start; a worker that was declared lost goes on under another."""
        return self._membership.id

    @going_first()
    def run(
        self,
        *,
        until_empty: bool = False,
        duration: float | None = None,
        max_tasks: int | None = None,
    ) -> int:
        """Work until stopped; returns how many attempts were settled.

        `until_empty` ends when no task is left that could ever run, `duration` after so many
        seconds, `max_tasks` after so many tasks. What runs then is given its grace to end.

        Raises:
            DatabaseError: the database cannot be opened.
        """
        self._until_empty = until_empty
        self._max_tasks = max_tasks
        self._stop_at = inf if duration is None else self._clock.monotonic() + duration
        make_ready(self._queue)
        options, database = self.options, self._queue.database
        self._watch = database.watch(queues=options.queues)
        overlaps = database.is_served and options.executor in set(Executor)
        self._wakeup = Wakeup(self._watch, self._clock, interrupted=self._stopping.is_news)
        wake = self._wakeup.set
        self._executors = Executors(options, self._queue, trouble=self._tell, wake=wake)
        self._in_hand = InHand(self._executors, options, self._clock, wake, overlaps=overlaps)
        self._room = Room(options.slots, options.queues, overlaps=overlaps)
        parts = (self._room, self._in_hand, self._executors, self._stopping)
        self._steering = Steering(*parts, slots=options.slots, emit=self._queue.emit, wake=wake)
        self._join()
        try:
            while not self._done:
                self._try_step()
        finally:
            self._leave()
        return self.settled

    def stop(self, reason: str = "it was told to stop") -> None:
        """Ask for a graceful end; a second time, for an end at once.

        Only sets flags: it may be called from any thread and from a signal handler.
        """
        self._stopping.ask(reason)

    def _join(self) -> None:
        self._lost = False
        self._narrator = Narrator(self._queue, lambda: self.id)
        self._membership = Membership(
            self._queue.database,
            self.options,
            clock=self._clock,
            emit=self._narrator.overhear,
            on_lost=self._on_lost,
            on_orders=self._steering.hear,
            before=self._steering.orders,
        )
        how = (self._queue.database, self.id, self._clock)
        self._settler = Settler(*how, offers=self.options.offers, watch=self._watch)
        self._on_join(self.id)
        self._queue.emit(WorkerStarted(self.id, self.options.executor, self.options.slots))

    def _leave(self) -> None:
        self._executors.close()
        self._wakeup.close()
        (self._membership.drop if self._lost else self._membership.leave)()
        self._queue.emit(WorkerStopped(self.id, self.settled))

    def _on_lost(self) -> None:
        self._lost = True
        self._wakeup.set()

    def _try_step(self) -> None:
        try:
            self._step()
        except DatabaseError as error:  # what has ended is kept, and settled when it works again
            if isinstance(error, LastingError):  # nothing that is written now is safe
                self._in_hand.stop_all(StopReason.NOW, self._clock.monotonic())
                raise
            if self._stopping.hurrying:
                raise
            self._queue.database.reserve.spend_on(error)
            self._tell(str(error))
            self._wakeup.wait(TROUBLE_PAUSE)

    def _tell(self, problem: str) -> None:
        self._queue.emit(WorkerTrouble(self.id, problem))

    def _step(self) -> None:
        now = self.turned_at = self._clock.monotonic()
        if self._lost:
            self._start_over(now)
        if self._done:
            return
        self._see_to_orders(now)
        self._collect()
        wants = self._wants(now)
        if self._unsettled or wants or self._settler.in_doubt:
            self._after(self._settler.turn(self._unsettled, wants, self._in_hand.hand_out), wants)
        elif self._nothing_left(now):
            self._done = True
        elif self._wakeup.wait(self._pause(now)):
            self._lookout.woken()

    def _nothing_left(self, now: float) -> bool:
        """Whether the work is done, asked when nothing is to be settled or claimed."""
        if len(self._in_hand):
            return False
        if self._stopping.begun or self._claimed >= (self._max_tasks or inf):
            return True
        if not self._until_empty or not self._lookout.found_nothing(now):
            return False
        with self._queue.database.reading() as transaction:
            return nothing_left(transaction, tuple(self.options.queues), self.options.offers)

    def _see_to_orders(self, now: float) -> None:
        if self._steering.follow(self._membership, now):
            self._lookout.woken()
        if now >= self._stop_at:
            self._stop_at = inf
            self._stopping.asked = self._stopping.asked or "its time is over"
        if self._stopping.begin():
            self._queue.emit(WorkerStopping(self.id, str(self._stopping.asked)))
            self._in_hand.stop_all(StopReason.SHUTDOWN, now)
            self._membership.stopping()
        if self._stopping.hurry():
            self._in_hand.stop_all(StopReason.NOW, now)
        self._in_hand.advance(now)
        self._narrator.catch_up()

    def _collect(self, *, all_of_it: bool = False) -> None:
        for attempt, ended in self._in_hand.collect(all_of_it=all_of_it):
            self._room.give(ended)
            self._claimed -= ended.started_at is None
            if attempt.stop_reason is not StopReason.LOST:  # or it was told of already
                self._unsettled.append(ended)

    def _wants(self, now: float) -> list[Want]:
        # What has ended may release dependents: then there is always something to look for.
        if self._stopping.begun or not (self._unsettled or self._lookout.is_due(now)):
            return []
        if self._steering.is_paused or not self._queue.database.reserve.is_kept():
            return []
        left = None if self._max_tasks is None else self._max_tasks - self._claimed
        return self._room.wants(now, at_most=self._executors.room(left))

    def _pause(self, now: float) -> float:
        step = self._in_hand.next_step() or inf
        return max(0.0, min(self._lookout.next_look(now), self._stop_at, step) - now)

    def _after(self, turn: Turn, wants: list[Want]) -> None:
        self.settled += len(turn.settlement.settled)
        self._unsettled = []
        self._room.take(turn.leases)
        self._claimed += len(turn.leases)
        self._narrator.tell(turn)
        self._in_hand.start(turn.leases)
        if self._stopping.begun:  # a COMMIT in doubt had claimed them
            self._in_hand.stop_all(StopReason.SHUTDOWN, self._clock.monotonic())
        if wants:
            self._lookout.saw(turn)

    def _start_over(self, now: float) -> None:
        """Declared lost: others have the tasks. Stop all, write nothing, take a new id."""
        self._queue.emit(WorkerLost(self.id, "others declared it lost; it starts over"))
        self._collect(all_of_it=True)
        for lease in [*(ended.lease for ended in self._unsettled), *self._in_hand.leases]:
            self._narrator.lease_lost(lease)
        self._unsettled = []
        self._in_hand.stop_all(StopReason.LOST, now)
        self._membership.drop()
        self._done = self._stopping.asked is not None
        try:
            if not self._done:
                self._join()
        except DatabaseError:
            self._lost = True  # to be tried again
            raise
