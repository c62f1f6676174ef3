from pipelines.loads.stop import StopSignal


def test_whoever_listens_hears_it_once() -> None:
    stop, heard = StopSignal(), []
    with stop.subscribe(lambda: heard.append("inside")):
        assert not stop.is_requested
        stop.request()
    assert stop.is_requested
    stop.request()
    assert heard == ["inside"]


def test_who_comes_late_hears_it_too() -> None:
    stop, heard = StopSignal(), []
    stop.request()
    with stop.subscribe(lambda: heard.append("late")):
        assert heard == ["late"]
