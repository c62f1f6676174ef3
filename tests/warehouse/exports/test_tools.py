"""The exports and the examples of docs/tools.md in the tools themselves, which are installed in own environments."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, query_rows
from warehouse.docs.catalog import Relation
from warehouse.exports.dbt import write_package
from warehouse.exports.folder import write_export
from warehouse.exports.superset import write_bundle
from warehouse.store import Store, open_store

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/tools.md").read_text("utf-8")
CHANNELS = """
    SELECT month, provider, channel, CAST(sum(conversations) AS BIGINT) AS conversations
    FROM channel_monthly WHERE NOT is_test GROUP BY ALL ORDER BY ALL
"""
SHOW = """
import json
rows = result.rows() if hasattr(result, "rows") else result.itertuples(index=False)
print(json.dumps([[str(month)[:10], *members, int(count)] for month, *members, count in rows]))
"""
SUPERSET_CONFIG = """
SECRET_KEY = "invented-for-this-test-alone"
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
"""
CHART_DATA = """
import json, sys
from superset.app import create_app
app = create_app()
with app.app_context():
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.dashboard import Dashboard
    table = db.session.query(SqlaTable).filter_by(table_name="channel_monthly").one()
    by = ["month", "provider", "channel"]
    query = dict(granularity=None, from_dttm=None, to_dttm=None, is_timeseries=False, filter=[], columns=[],
        groupby=by, metrics=["sum_conversations"], extras={"where": "NOT is_test"})
    rows = table.query(query).df.sort_values(by).itertuples(index=False)
    print(json.dumps([[str(month)[:10], *members, int(count)] for month, *members, count in rows]))
    print(len(db.session.query(Dashboard).filter_by(slug="chatmart").one().slices))
"""

pytestmark = pytest.mark.long


def find_program(tool: str, program: str) -> str:
    """The path of a program in the environment of a tool. Skips the test where there is none."""
    path = Path(os.environ.get("CHATMART_TOOLS", "/nonexistent")) / tool / "bin" / program
    if not path.exists():
        pytest.skip(f"{tool} is not installed: docs/tools.md says how, and CHATMART_TOOLS names the folder")
    return str(path.absolute())


@pytest.fixture(scope="module", name="store")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A warehouse where the page has it, seen from the folder above."""
    store = open_store("duckdb://data/demo/warehouse.duckdb", tmp_path_factory.mktemp("tools"))
    store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2))))
    store.publish()
    return store


def run(folder: Path, command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """The standard output of a command in a folder, without this process's Python path."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONWARNINGS")}
    done = subprocess.run(
        command, cwd=folder, env={**inherited, **(environment or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def expected_rows(store: Store) -> list[list[object]]:
    return [[str(month), *others] for month, *others in query_rows(store, CHANNELS)]


@pytest.mark.parametrize(("number", "tool"), [(0, "polars"), (1, "ibis")])
def test_python_as_it_stands(store: Store, number: int, tool: str) -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number]
    output = run(store.location.parents[2], [find_program(tool, "python"), "-c", code + SHOW])
    assert json.loads(output) == expected_rows(store)


def test_dbt_builds_and_tests_the_package(store: Store, catalog: Mapping[str, Relation], tmp_path: Path) -> None:
    dbt = find_program("dbt", "dbt")
    write_export(tmp_path, "dbt", write_package(catalog, str(store.location)))
    output = run(tmp_path, [dbt, "--no-use-colors", "build", "--show-all-deprecations"], {"DO_NOT_TRACK": "1"})
    assert re.search(r"PASS=\d{3} WARN=0 ERROR=0 SKIP=0", output), output[-3000:]
    assert "eprecat" not in output
    query = "select sum(conversations) as n from {{ ref('channel_share_month') }}"
    shown = run(tmp_path, [dbt, "--quiet", "show", "--output", "json", "--inline", query])
    assert json.loads(shown)["show"][0]["n"] == sum(int(str(row[-1])) for row in expected_rows(store))


def test_superset_imports_the_dashboard_and_shows_the_same_numbers(
    store: Store, catalog: Mapping[str, Relation], tmp_path: Path
) -> None:
    superset = find_program("superset", "superset")
    write_export(tmp_path / "export", "superset", write_bundle(catalog, str(store.location)))
    (tmp_path / "superset_config.py").write_text(SUPERSET_CONFIG.format(home=tmp_path))
    environment = {
        "SUPERSET_CONFIG_PATH": str(tmp_path / "superset_config.py"),
        "SUPERSET_HOME": str(tmp_path),
        "FLASK_APP": "superset",
    }
    admin = [
        "--username",
        "admin",
        "--firstname",
        "A",
        "--lastname",
        "B",
        "--email",
        "a@example.com",
        "--password",
        "a",
    ]
    run(tmp_path, [superset, "db", "upgrade"], environment)
    run(tmp_path, [superset, "fab", "create-admin", *admin], environment)
    run(tmp_path, [superset, "init"], environment)
    bundle = tmp_path / "export/dashboard.zip"
    run(tmp_path, [superset, "import-dashboards", "--path", str(bundle), "--username", "admin"], environment)
    with ZipFile(bundle) as parts:
        parts.extractall(tmp_path)
    run(tmp_path, [superset, "import-directory", str(tmp_path / "chatmart"), "--overwrite"], environment)
    rows, charts = run(tmp_path, [find_program("superset", "python"), "-c", CHART_DATA], environment).splitlines()[-2:]
    assert json.loads(rows) == expected_rows(store)
    assert int(charts) == 9
