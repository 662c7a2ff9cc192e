"""The one thread that empties the region: collects, sends, decides, waits, gives up.

It starts with the process's first record, and sleeps without a timeout while there is nothing to send. Where
no thread can start, force_flush() and shutdown() do its work in the caller, within their timeouts but for the
resolution of a name, which nothing bounds there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic, time
from typing import TYPE_CHECKING

from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    attach,
    detach,
    set_value,
)

from .._native import core
from ..counters import NO_EXPORTER, ExporterStats
from .health import Health
from .http import Carrier
from .retry import Verdict, classify, forget_frames, partial_success, refusal, retry_after
from .signals import TRACES
from .unpatched import allocate_lock, get_ident, start_thread, threads_run
from .waiters import RecordWaiter, Waiter, Waiters

if TYPE_CHECKING:
    from ..slots.directory import Slots

BODY_MAX = 1 << 20
"""Bytes of a request, before compression."""
BUSY_WAIT = 0.05
"""Seconds until another's batch is asked after again."""
BODY_MIN = 4096
"""A receiver that finds this too large has another reason: it refuses."""
GROW_AFTER = 60.0
"""Seconds without a 413 after which the halved size doubles."""
WAIT_MAX = 1e6
"""Seconds; what a lock can still wait."""
ABANDON_MAX = 0.5
"""Seconds for the worker to end, once it was told to."""
FASTEST = 200e6
"""Bytes a second: faster than anything records."""


class Pipeline:
    """What a provider hands its region to. `secrets` never appear in a message, whatever a receiver says.

    `slots` is where regions outlive their processes: what cannot be sent stays in this one's, and what the
    dead left in theirs is sent beside, by the worker.
    """

    def __init__(
        self,
        carrier: Carrier,
        url: str,
        *,
        timeout: float = 10.0,
        schedule_delay: float = 5.0,
        max_records: int = 0,
        secrets: Iterable[str] = (),
        slots: Slots | None = None,
        proxy: str | None = None,
    ) -> None:
        self._carrier = carrier
        self._url = url
        self._slots = slots
        self._health = Health(f"{url} through the proxy {proxy}" if proxy else url, secrets)
        self._timeout = timeout
        self._delay = schedule_delay
        self._records_max = max_records
        self._stopped = False
        self._ended = False
        """The stop is through: not interrupted by a signal's handler."""
        self._abandoned = False
        """Another has the region: it is not touched any more."""
        self._region: core.Region | None = None
        self._alone = not threads_run()
        """There is no worker; said here, before a server forks, and so once."""
        self._reset()
        if self._alone:
            self._health.once(
                "alone",
                logging.WARNING,
                "uWSGI runs without --enable-threads: only force_flush() and a worker's end send %s",
                TRACES.records,
            )

    def _reset(self) -> None:
        """As in a process that has not recorded yet."""
        self._pid = os.getpid()
        self._threaded = False
        self._start_at = 0.0
        """When the worker may be started, after it could not."""
        self._thread = 0
        self._turn = allocate_lock()
        """Held by whoever collects or settles."""
        self._driving = allocate_lock()
        """Held by a caller who does the worker's work."""
        self._nudge = allocate_lock()
        self._gone = allocate_lock()
        """Held while there is a worker; by the worker, or for a moment by who waited for its end."""
        self._waiters = Waiters()
        self._urgent = False
        self._unreachable = False
        """There was no connection at the last attempt."""
        self._at_once = False
        """The next attempt waits for no company."""
        self._held: core.Batch | None = None
        """A batch that the receiver wants again; released, so perhaps gone."""
        self._estate = None if self._slots is None else self._slots.estate()
        """What the dead have left."""
        self._bytes_max = BODY_MAX
        self._halved_at = 0.0
        self._given_before = 0
        """Records of the region that earlier shutdowns gave up."""
        self._health.reset()

    # ---- From any thread ----

    def opened(self, region: core.Region) -> bool:
        """The first record of `region` is about to be made. False: no worker could be started, ask again."""
        if self._abandoned:
            return True  # overtaken by a shutdown and a restart: the next asks its successor
        if region is not self._here():
            if self._region is not None:
                self._carrier.close()  # a forked child: the connection is its parent's
                self._region = None  # and so is what was recorded: nobody may find it, and send it
            if self._pid != os.getpid():
                self._stopped = self._ended = False  # so was the end
            self._reset()
            self._given_before = region.given_up
            self._health.starts_with(region)
        region.endpoint = self._url
        now = monotonic()
        if self._threaded or self._stopped or self._alone:
            self._region = region
            if self._stopped:
                region.in_turn(self._turn, self._drop_rest)  # what others recorded meanwhile
            return True
        if self._start_at > now:
            return False
        self._start_at = now + self._delay
        self._threaded = True  # before it runs: it asks; and before others see that there is a region
        self._region = region
        try:
            start_thread(self._work_alone)
        except BaseException as error:
            self._threaded = self._gone.locked()  # raised by a signal's handler, it may have started
            if not isinstance(error, RuntimeError):
                raise
            if "shutdown" not in str(error):  # at exit what there is will be sent without it
                self._health.once(
                    "thread",
                    logging.WARNING,
                    "%s: until one can, only force_flush() and shutdown() send",
                    error,
                )
        return self._threaded

    def force_flush(self, timeout: float) -> bool:
        """Sends what was recorded before the call. True when it is settled: taken, refused or overwritten.

        False at the deadline, or as soon as it is known that the receiver will not be asked again by then.
        """
        return self._wait(timeout, last=False)

    def shutdown(self, timeout: float) -> bool:
        """Sends what there is, drops what is left, says so, and ends. True when nothing was left."""
        if self._ended:
            return True
        settled = False
        deadline = 0.0
        try:
            timeout = min(max(timeout, 0), WAIT_MAX)
            deadline = monotonic() + timeout
            reserve = min(0.1, timeout / 4)
            settled = self._wait(timeout - reserve, last=True)
        finally:  # also when a signal's handler raised
            left = self._stop(settled, deadline)
        return settled and left == 0

    def _stop(self, settled: bool, deadline: float) -> int:
        """Ends the worker; returns how many records are given up."""
        self._stopped = True
        region = self._here()
        if region is None:
            self._ended = True
            return 0
        self._poke()
        if not settled:
            self._carrier.interrupt()
        # For the worker, and not for the turn alone: where it can it is to be out.
        if self._turn.locked():
            self._worker_ended(max(deadline - monotonic(), 0.01))
        if not self._turn.locked():  # else the worker drops them when it gets out, and may be about it
            region.in_turn(self._turn, self._drop_rest)  # who takes it from here on sees that we have stopped
        stats = region.stats()
        pending = stats.pending
        left = pending + stats.given_up - self._given_before - region.interrupted()
        self._health.tell_losses(region, last=True)
        if left:
            kept = self._slots.file() if self._slots is not None and region.durable and pending else ""
            self._health.given_up(left, kept)
        self._ended = True
        return left

    def abandon(self) -> None:
        """Another will have the region. Waits a moment for the worker; one that is stuck leaves it alone."""
        self._stopped = self._abandoned = True
        self._poke()
        if self._here() is not None:
            self._carrier.interrupt()
        if self._here() is not None and self._thread != get_ident():
            self._worker_ended(ABANDON_MAX)
        self._region = None

    def _worker_ended(self, timeout: float) -> bool:
        """Waits for it. One that has not begun yet finds out that it has nothing to do."""
        return core.free_within(self._gone, timeout)

    def stats(self) -> ExporterStats:
        """How exporting goes, in this process."""
        if self._here() is None:
            return NO_EXPORTER
        return self._health.stats()

    def _settled(self, stats: core.Stats) -> int:
        """Records that were kept and are settled; not those that were lost as they came, or came too late."""
        dropped = stats.dropped
        reasons = ("overwritten", "refused", "unsupported_protocol", "damaged")
        lost = sum(dropped.get(reason, 0) for reason in reasons)
        return stats.exported + stats.rejected + lost + stats.given_up - self._given_before

    def _here(self) -> core.Region | None:
        """This process's region; not the one that a forked child has seen in its parent."""
        return self._region if self._pid == os.getpid() else None

    def _wait(self, timeout: float, last: bool) -> bool:
        region = self._here()
        if region is None:
            return True
        stats = region.stats()
        if stats.pending == 0:
            return True
        if self._stopped or self._thread == get_ident():
            return False  # a finaliser, or a handler of our own messages: the worker cannot wait for itself
        timeout = min(max(timeout, 0), WAIT_MAX)
        waiter = Waiter(self._settled(stats) + stats.pending, monotonic() + timeout, last)
        try:
            self._attend(waiter)
            if self._threaded:
                waiter.sleep()
        finally:
            self._waiters.forget(waiter)
        return waiter.settled

    def wait_for(
        self, known: Callable[[], bool], timeout: float, wake: Callable[[], None] | None = None
    ) -> RecordWaiter | None:
        """Sends at once. The waiter is over when it is `known()` what became of a record, or its time is.

        Where there is no worker, it is over by the return. None: nothing here is about to send the record.
        """
        if self._here() is None or self._ended or self._abandoned or self._thread == get_ident():
            return None
        rest = monotonic() + timeout, wake, self._waiters
        if self._stopped:  # a shutdown is at it: who waits looks for himself
            return RecordWaiter(lambda: known() or self._ended or self._abandoned, *rest)
        waiter = RecordWaiter(known, *rest)
        try:
            self._attend(waiter)
        except BaseException:
            waiter.leave()
            raise
        return waiter

    def _attend(self, waiter: Waiter) -> None:
        """Has the worker see to it; where there is none, does that here."""
        self._waiters.add(waiter)
        self._urgent = True
        if self._stopped:  # meanwhile: the worker may have looked for the last time
            waiter.finish(False)
        elif self._threaded:
            self._poke()
        else:
            core.holding(self._driving, lambda: self._work(waiter), max(waiter.deadline - monotonic(), 0))

    def _poke(self) -> None:
        if (region := self._region) is not None:
            region.wake()
        if self._nudge.locked():
            with suppress(RuntimeError):  # another thread was quicker
                self._nudge.release()

    # ---- From the worker ----

    def _work_alone(self) -> None:
        """The worker's life."""
        if not self._gone.acquire(blocking=False):
            return  # there is one already
        self._thread = get_ident()
        self._threaded = True
        region = self._region
        try:
            self._work(None)
        finally:
            self._thread = 0
            self._threaded = self._stopped  # else who flushes does its work
            try:
                for waiter in self._waiters:
                    waiter.finish(False)
                if region is not None:
                    region.wake()  # what woke us may have been meant for the next
            finally:
                self._gone.release()

    def _work(self, caller: Waiter | None) -> None:
        """Until it is stopped; or, where there is no worker, what `caller` waits for."""
        quiet = set_value(
            _SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)
        )
        token = attach(quiet)
        try:
            while not self._stopped and (caller is None or caller.over.locked()):
                try:
                    self._step(caller)
                except Exception:
                    self._health.once(
                        "bug", logging.ERROR, "exporting failed, and is tried again", exc_info=True
                    )
                    self._back_off(self._region, "internal error")
        finally:
            detach(token)
            try:
                if self._estate is not None and caller is None:
                    self._held = None  # it may be of a region that is another's from here on
                    self._estate.leave()
                if self._stopped and (region := self._region) is not None:
                    region.in_turn(self._turn, self._drop_rest)
            finally:
                if caller is None:
                    self._carrier.close()

    def _step(self, caller: Waiter | None) -> None:
        urgent, self._urgent = self._urgent, False
        if urgent:
            self._health.hurry()  # someone waits: one attempt at once, unless the receiver asked for time
        self._answer_waiters()
        if caller is not None and not caller.over.locked():
            return
        pause = self._health.resume() - monotonic()
        if pause > 0:
            self._sleep(pause if caller is None else min(pause, max(caller.deadline - monotonic(), 0)))
        elif self._waiters or self._at_once:
            self._attempt(caller)
        elif self._estate is not None and caller is None and (left := self._estate.region()) is not None:
            self._attempt(caller, left)
            if self._health.resume() <= monotonic():
                self._attempt(caller)  # what comes meanwhile does not wait for it
            else:
                self._held = None
                self._estate.leave(again=True)
        elif self._rested():
            self._attempt(caller)

    def _rested(self) -> bool:
        """Waits until there is enough to send. False when woken for something else."""
        region = self._region
        if region is None:
            return False  # abandoned
        region.wait("any")
        if not self._waiters and not self._stopped:
            region.wait("chunk", self._patience())
        if not self._waiters and not self._stopped:
            # A chunk seldom comes alone, and a request costs more than its bytes; but a quarter of the region
            # must not fill meanwhile.
            self._sleep(region.size / 4 / FASTEST)
        return not self._waiters and not self._stopped

    def _patience(self) -> float:
        """The schedule delay, or a little less, lest the connection be too old when it is over."""
        left = self._carrier.usable() * 0.95
        return left if self._delay / 2 <= left < self._delay else self._delay

    def _sleep(self, seconds: float) -> None:
        """Until poked."""
        self._nudge.acquire(blocking=False)
        if not self._stopped and not self._urgent:
            self._nudge.acquire(timeout=seconds)

    def _answer_waiters(self) -> None:
        """Ends the wait of who has what they want, and of who cannot get it in time."""
        region = self._region
        if not self._waiters or region is None:
            return
        stats = region.stats()
        self._waiters.answer(self._settled(stats), stats.pending, self._health.resume(), self._unreachable)

    def _attempt(self, caller: Waiter | None, left: core.Region | None = None) -> None:
        """Sends what there is now, until something goes wrong.

        One batch for a caller, by its deadline, or of what is `left` by the dead.
        """
        region = self._region if left is None else left
        self._at_once = False
        if region is None or region.stats().pending == 0:
            return  # abandoned, or woken for nothing
        region.reanchor()
        kept = False
        self._unreachable = True
        try:
            kept = self._carrier.open(self._allowed(caller))
            self._unreachable = False
            timeout = self._allowed(caller)
            one = region.unanswered or caller is not None or left is not None
            one = one or any(waiter.one for waiter in self._waiters)
            found = region.in_turn(self._turn, lambda: self._send(region, timeout, one))
            if left is not None and self._estate is not None and not (found or self._stopped):
                self._estate.leave()  # it counts what it does not have
        except core.Busy:  # an overtaken worker's, or of a turn that this handler of a signal interrupts
            self._sleep(BUSY_WAIT)
        except (OSError, ValueError) as error:
            forget_frames(error)
            self._carrier.close()
            acknowledged = getattr(error, "acknowledged", 0)
            if acknowledged:
                self._succeeded(region, acknowledged)
            if isinstance(error, core.WrongProtocol):
                self._unsupported(region, str(error))
                return
            if getattr(error, "sent", False):
                region.unanswered = True
            if kept and isinstance(error.__cause__ or error, ConnectionError):
                self._at_once = True  # the peer has closed a kept connection: a new one is opened
                return
            self._back_off(region, self._health.last_error() if self._stopped else str(error))
        except BaseException:
            self._carrier.close()  # in the middle of an exchange, perhaps
            raise
        finally:
            if not self._stopped and left is None:
                # shutdown() does; a thread that writes while the process exits may stop it
                self._health.tell_losses(region)

    def _allowed(self, caller: Waiter | None) -> float:
        """Seconds that connecting, or a request, may take."""
        if caller is None:
            return self._timeout
        left = caller.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("no time is left")
        return min(self._timeout, left)

    def _send(self, region: core.Region, timeout: float, one: bool) -> bool:
        """What there is, or `one` batch; False: nothing. The caller holds the turn."""
        if self._stopped:
            return False
        self._grow()
        answer = None
        count = 0
        batch, self._held = self._held, None
        if batch is None or not batch.of(region) or not batch.repin():
            # Until what is there now is sent: what comes meanwhile may gather.
            until = 1 if one else max(region.stats().pending, 1)
            batch, answer, count = self._carrier.drain(
                region, self._bytes_max, self._records_max, timeout, until
            )
        try:
            if count:
                self._succeeded(region, count)
            if batch is not None:
                self._settle(region, batch, answer or self._carrier.exchange(batch, timeout))
            elif answer is not None:
                self._carrier.close()
            return batch is not None or answer is not None or count > 0
        except BaseException:
            if batch is not None and batch.pinned:
                batch.release()
            raise

    def _settle(self, region: core.Region, batch: core.Batch, answer: core.Answer) -> None:
        """Does to a pinned batch what the answer says."""
        records = batch.records
        verdict = classify(answer.status)
        if verdict is Verdict.ACCEPTED and answer.cut:
            batch.release()
            self._held = batch
            region.unanswered = True  # it may have them
            self._back_off(
                region, f"HTTP {answer.status} with a body that is no answer to an export: over 64 KiB"
            )
        elif verdict is Verdict.ACCEPTED:
            rejected, words = partial_success(answer.body)
            rejected = min(rejected, records)
            batch.acknowledge(rejected)
            self._succeeded(region, records)
            if rejected:
                self._health.told("rejected", rejected)
            if rejected or words:
                self._health.once(
                    f"partial {words}",
                    logging.WARNING,
                    "the receiver at %s rejected %d of %d %s: %s",
                    self._health.url,
                    rejected,
                    records,
                    TRACES.records,
                    self._health.safe(words),
                )
        elif verdict is Verdict.RETRY:
            batch.release()
            self._held = batch
            self._back_off(region, f"HTTP {answer.status}", answer)
        elif verdict is Verdict.HALVE and records > 1 and batch.size > BODY_MIN:
            self._bytes_max = max(min(batch.size, self._bytes_max) // 2, 1)
            self._halved_at = monotonic()
            self._at_once = True
            batch.release()
        else:
            batch.drop("refused", answered=not region.unanswered)
            self._health.told("refused", records)
            region.unanswered = False
            words = self._health.safe(refusal(answer.body))
            self._health.refused(f"HTTP {answer.status}")
            self._health.once(
                f"refused {answer.status} {words}",
                logging.ERROR,
                "the receiver at %s refused %d %s, dropped: HTTP %d%s",
                self._health.url,
                records,
                TRACES.records,
                answer.status,
                f": {words}" if words else "",
            )
        if answer.close:
            self._carrier.close()

    def _unsupported(self, region: core.Region, reason: str) -> None:
        """The receiver speaks another protocol: no later attempt will do better with what there is."""
        records = region.in_turn(self._turn, lambda: self._drop_unsupported(region))
        region.unanswered = False
        self._back_off(region, reason, said=True)
        self._health.once(
            "protocol",
            logging.ERROR,
            "the receiver at %s does not speak http/protobuf but, it seems, gRPC: %d %s dropped. Expected "
            "the port for OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, by convention 4318 (gRPC's is 4317)",
            self._health.url,
            records,
            TRACES.records,
        )

    def _drop_unsupported(self, region: core.Region) -> int:
        """One batch. The caller holds the turn."""
        batch = None if self._stopped else region.collect(self._bytes_max, self._records_max)
        if batch is None:
            return 0
        records = batch.records
        batch.drop("unsupported_protocol", answered=not region.unanswered)
        self._health.told("unsupported_protocol", records)
        return records

    def _grow(self) -> None:
        now = monotonic()
        if self._bytes_max < BODY_MAX and now - self._halved_at >= GROW_AFTER:
            self._bytes_max = min(self._bytes_max * 2, BODY_MAX)
            self._halved_at = now

    def _drop_rest(self) -> None:
        """Gives up what was not sent, counted, unless it outlives this process. The caller holds the turn."""
        with suppress(core.Busy):  # another pipeline's worker, left behind or the next, has a batch out
            while not self._abandoned and (region := self._region) is not None and not region.durable:
                batch = region.collect(BODY_MAX)
                if batch is None:
                    break
                batch.drop("shutdown")
        if not self._threaded:
            self._carrier.close()

    def _succeeded(self, region: core.Region, records: int) -> None:
        if region.unanswered:
            region.unanswered = False
            region.resent += records
        self._health.succeeded()

    def _back_off(
        self, region: core.Region | None, reason: str, answer: core.Answer | None = None, said: bool = False
    ) -> None:
        wanted = None if answer is None else retry_after(answer.retry_after, time())
        pending = 0 if region is None else region.stats().pending
        self._health.failed(reason, wanted, pending, quiet=said or self._stopped, said=said)
