from pipelines.loads.stop import StopSignal


def test_a_listener_is_called_once() -> None:
    stop, calls = StopSignal(), []
    with stop.subscribe(lambda: calls.append("inside")):
        assert not stop.is_requested
        stop.request()
    assert stop.is_requested
    stop.request()
    assert calls == ["inside"]


def test_a_late_listener_is_called_at_once() -> None:
    stop, calls = StopSignal(), []
    stop.request()
    with stop.subscribe(lambda: calls.append("late")):
        assert calls == ["late"]
