"""Labels of accounts in the configuration file, and as a row of the warehouse."""

import pytest

from pipelines.loads.workspace import build_account_row
from tests.pipelines.configuration.conftest import ConfigFolder, build_account


def test_labels_are_free_keys_in_one_text(config_folder: ConfigFolder) -> None:
    labels = {"market": "DACH", "customer": "Größe & Co", "cost_center": "0815"}
    config = config_folder.load(
        accounts=[build_account(labels=labels), build_account(name="other", project_id="5f0c2f4e8a1b2c3d4e5f6a7c")]
    )
    rows = [build_account_row(account).labels for account in config.accounts]
    assert rows == ['{"cost_center": "0815", "customer": "Größe & Co", "market": "DACH"}', None]


@pytest.mark.parametrize("labels", [{"Customer": "Acme"}, {"customer": ""}, {"customer": {"name": "Acme"}}, "Acme"])
def test_a_label_has_a_small_name_and_a_text(config_folder: ConfigFolder, labels: object) -> None:
    [problem] = config_folder.list_problems(accounts=[build_account(labels=labels)])
    assert "labels" in problem
