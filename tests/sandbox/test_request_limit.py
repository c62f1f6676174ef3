"""A limit of requests as the simulator counts it."""

from sandbox.request_limit import RequestLimit


def test_a_limit_counts_any_period_and_refused_requests_too():
    limit = RequestLimit(2, 10.0)
    assert [limit.admit(now) for now in (0.0, 1.0, 10.0)] == [None, None, None]
    assert limit.most_in_a_period == 2
    assert limit.admit(10.5) == 9.5
    assert limit.admit(10.9) == 9.6
    assert limit.most_in_a_period == 4
    assert limit.admit(20.5) is None


def test_requests_beyond_a_limit_are_refused_and_recorded(own_client):
    own_client.sandbox.request_log.limits["inkeep"] = RequestLimit(1, 300.0)
    bodies = [{"select": []}] * 2
    first, second = (own_client.request("acme-docs", "/query/conversations", json=body) for body in bodies)
    assert (first.status_code, second.status_code) == (400, 429)
    assert 0 < int(second.headers["retry-after"]) <= 300
    assert [record.status for record in own_client.sandbox.requests] == [400, 429]
    assert own_client.request("acme-support", "/v3.0/projects/{id}/conversationcounter").status_code != 429
