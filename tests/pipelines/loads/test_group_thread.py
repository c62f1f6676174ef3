import time
from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from pipelines.loads.group_thread import GroupThread, GroupWork


class Recorder:
    """Work that keeps its groups; the first one ends when it is released."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.began, self.released = Event(), Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.began.set()
        self.released.wait(10)
        return [-item for item in items]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.released.set()


def test_what_comes_in_meanwhile_is_the_next_group(recorder: Recorder) -> None:
    work = GroupWork(recorder, max_items=3)
    thread = GroupThread("test", [work])
    futures = [thread.submit(work, 1)]
    recorder.began.wait(10)
    futures += [thread.submit(work, number) for number in range(2, 7)]
    futures[2].cancel()
    recorder.released.set()
    assert [future.result(10) for future in futures if not future.cancelled()] == [-1, -2, -4, -5, -6]
    assert recorder.groups == [[1], [2, 4], [5, 6]]
    thread.close()


def test_earlier_kinds_of_work_have_precedence(recorder: Recorder) -> None:
    order: list[str] = []
    first = GroupWork(lambda items: [order.append(f"first {item}") for item in items], max_items=9)
    second = GroupWork(lambda items: [order.append(f"second {item}") for item in items], max_items=9)
    slow = GroupWork(recorder, max_items=9)
    thread = GroupThread("test", [slow, first, second])
    thread.submit(slow, 0)
    recorder.began.wait(10)
    futures = [thread.submit(second, 1), thread.submit(first, 2), thread.submit(second, 3)]
    recorder.released.set()
    for future in futures:
        future.result(10)
    assert order == ["first 2", "second 1", "second 3"]
    thread.close()


def test_a_pause_ends_when_there_is_no_more_to_come(recorder: Recorder) -> None:
    recorder.released.set()
    work = GroupWork(recorder, max_items=9, pause_seconds=60)
    thread = GroupThread("test", [work])
    assert thread.submit(work, 1).result(10) == -1, "nothing was committed before: no pause"
    futures = [thread.submit(work, 2), thread.submit(work, 3)]
    time.sleep(0.05)
    assert recorder.groups == [[1]]
    thread.hurry()
    assert [future.result(10) for future in futures] == [-2, -3]
    assert recorder.groups == [[1], [2, 3]]
    thread.close()


def test_a_full_group_makes_no_pause(recorder: Recorder) -> None:
    recorder.released.set()
    work = GroupWork(recorder, max_items=2, pause_seconds=60)
    thread = GroupThread("test", [work])
    assert thread.submit(work, 1).result(10) == -1
    futures = [thread.submit(work, 2), thread.submit(work, 3)]
    assert [future.result(10) for future in futures] == [-2, -3]
    thread.close()


def test_an_error_is_that_of_the_whole_group() -> None:
    def fail(_items: Sequence[int]) -> list[int]:
        raise OSError("no room")

    work = GroupWork(fail, max_items=9)
    thread = GroupThread("test", [work])
    for future in [thread.submit(work, number) for number in range(3)]:
        with pytest.raises(OSError, match="no room"):
            future.result(10)
    thread.close()


def test_closing_ends_the_group_under_way_and_cancels_the_rest(recorder: Recorder) -> None:
    work = GroupWork(recorder, max_items=1)
    thread = GroupThread("test", [work])
    first = thread.submit(work, 1)
    recorder.began.wait(10)
    second = thread.submit(work, 2)
    recorder.released.set()
    thread.close()
    assert first.result(0) == -1
    assert second.cancelled() or second.result(0) == -2
