"""Other engines answer the ten questions as DuckDB does, from a folder and from an object store."""

import importlib.util
from pathlib import Path

import pytest

from benchmarks.engines import ENGINES, FIRST, QUESTIONS, are_equal, fill_lake, open_chatmart, to_texts
from benchmarks.synthetic_slices import build_accounts
from tests.support.object_store import BUCKET, start_object_store
from warehouse.store import LakeSettings, open_store


@pytest.mark.long
@pytest.mark.parametrize("kind", ["delta", "delta+s3"])
def test_ten_questions(kind: str, tmp_path: Path) -> None:
    address = str(tmp_path / "lake")
    if kind == "delta+s3":
        start_object_store()
        address = f"s3://{BUCKET}/{tmp_path.name}/engines"
    url = f"delta+{address}" if "://" in address else f"delta://{address}"
    store = open_store(url, tmp_path, lake=LakeSettings(shards=3))
    numbered = build_accounts(43, FIRST)
    fill_lake(store, [numbered[number] for number in (0, 7, 42)])
    expected = {question: to_texts(open_chatmart(store)(question)) for question in QUESTIONS}
    assert all(expected.values())
    engines = [name for name, (package, _, _) in ENGINES.items() if importlib.util.find_spec(package)]
    assert "pandas" in engines
    for name in engines:
        if name == "Spark" and kind == "delta+s3":
            continue  # its package for object stores comes from no registry of Python packages
        ask = ENGINES[name][1](address)
        assert [question for question in QUESTIONS if not are_equal(to_texts(ask(question)), expected[question])] == []


def test_numbers_may_differ_by_a_billionth_and_rows_by_nothing() -> None:
    assert are_equal([("a", "1.0000000001")], [("a", "1")])
    assert not are_equal([("a", "1.00000001")], [("a", "1")])
    assert not are_equal([("a", "")], [("a", "0")])
    assert not are_equal([("a",), ("a",)], [("a",)])
