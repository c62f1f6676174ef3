from pipelines.loads.stop import Stop


def test_whoever_listens_hears_it_once() -> None:
    stop, heard = Stop(), []
    with stop.heard_by(lambda: heard.append("inside")):
        assert not stop.asked
        stop.ask()
    assert stop.asked
    stop.ask()
    assert heard == ["inside"]


def test_who_comes_late_hears_it_too() -> None:
    stop, heard = Stop(), []
    stop.ask()
    with stop.heard_by(lambda: heard.append("late")):
        assert heard == ["late"]
