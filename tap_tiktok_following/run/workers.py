"""Many lists at once: usernames in, events out in the order they arrive.

Each worker reads one list after another; the pages of a list cannot be read in parallel.
Workers never write. A worker that is ahead of the consumer waits for a free slot. The consumer
never waits for a slot, so the two cannot deadlock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue

from tap_tiktok_following.model import Event

PAGES_AHEAD = 2  # maximum number of pages per worker that the consumer has not taken yet
TICK = 0.5  # seconds after which the consumer gets None if nothing arrived


def read_lists(
    usernames: Iterable[str], read: Callable[[str], Iterable[Event]], workers: int
) -> Generator[Event | None, None, None]:
    """Read the lists of usernames in the order given, one per worker at a time.

    `read` reads one list, and must not raise.

    Yields:
        What arrives, until all workers are done. None if nothing has arrived yet, and again
        after each `TICK` until something does.
    """
    waiting = deque(usernames)
    arrived: SimpleQueue[Event | None] = SimpleQueue()  # None: a worker is done
    slots, closed = threading.Semaphore(PAGES_AHEAD * workers), threading.Event()

    def work() -> None:
        try:
            with suppress(IndexError):  # no username is left
                while not closed.is_set():
                    for event in read(waiting.popleft()):
                        slots.acquire()
                        if closed.is_set():
                            return
                        arrived.put(event)
        finally:
            arrived.put(None)

    for number in range(1, workers + 1):
        threading.Thread(target=work, name=f"worker-{number}", daemon=True).start()
    working = workers
    try:
        while working:
            if arrived.empty():
                yield None
            try:
                event = arrived.get(timeout=TICK)
            except Empty:
                continue
            if event is None:
                working -= 1
            else:
                slots.release()
                yield event
    finally:
        closed.set()
        slots.release(workers)  # those that wait for a slot would outlive the run
