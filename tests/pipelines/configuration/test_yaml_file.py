"""Files that are not the YAML of a configuration: one sentence each, without a secret."""

from pathlib import Path

import pytest
import yaml

from extractors.errors import ConfigError
from pipelines.configuration import config as configuration
from pipelines.configuration import yaml_file
from pipelines.configuration.yaml_file import parse_value, read_yaml
from tests.pipelines.configuration.conftest import ACCOUNT, SECRET, ConfigFolder


@pytest.mark.parametrize(
    ("text", "problem_start"),
    [
        ("", "is empty; `chatmart init` writes one"),
        ("- a\n- b\n", "is not a file of keys and values"),
        ("just text", "is not a file of keys and values"),
        ("accounts: []\n", "accounts: has too few items: the least is 1"),
        ("accounts: {}\n", "accounts: is not a list: write it as in"),
        ("landing: x\n", "accounts: is missing"),
        ("accounts:\n- a\n---\naccounts: []\n", "line 3, column 1: a second document begins"),
        ("accounts: [\n", "line 2, column 1: a value is missing, or a bracket"),
        ("accounts:\n\t- x\n", "line 2, column 1: a tab"),
        ("accounts: *later\n", "line 1, column 11: a text that begins with * or & is put in quotes"),
        ("accounts: !!python/object:os.system x\n", "line 1, column 11: a text that begins with ! is put in quotes"),
        ("landing: a\nlanding: b\naccounts: []\n", "line 2, column 1: the key landing is given twice"),
        ("accounts:\n- name: a\n  name: b\n", "line 3, column 3: the key name is given twice"),
        ("accounts:\n- {1: a, '1': b}\n", "line 2, column 10: the key 1 is given twice"),
        ("accounts:\n- bot_id: !!int 0123\n", "line 2, column 11: a text that begins with ! is put in quotes"),
        ("defaults: {start_date: 2025-02-30}\naccounts: [1]\n", "defaults.start_date: there is no day 2025-02-30"),
        ("accounts: &a [*a]\n", "cannot be read as YAML: a list or section contains itself"),
        ("[" * 5000, "cannot be read as YAML: its lists and sections are nested too deeply"),
        ("[" * 200_000, "cannot be read as YAML: its lists and sections are nested too deeply"),
        ("- " * 5000, "cannot be read as YAML: its lists and sections are nested too deeply"),
        ("{a: " * 5000, "cannot be read as YAML: its lists and sections are nested too deeply"),
        ("{1: a, true: b, accounts: [], null: c}\n", "1: "),
        ("a: \x00", "cannot be read as YAML"),
        ("? [a]\n: b\n", "line 1, column 3: a list or a section stands where a key"),
    ],
)
def test_each_problem_is_one_sentence(config_folder: ConfigFolder, text: str, problem_start: str) -> None:
    problems = config_folder.list_problems(text)
    assert all(problem.startswith("chatmart.yaml: ") and "\n" not in problem for problem in problems)
    assert any(problem.startswith(f"chatmart.yaml: {problem_start}") for problem in problems), problems


@pytest.mark.parametrize(
    "text",
    [
        "accounts:\n- api_key: '{0}\n",
        'accounts:\n- api_key: "{0}\n',
        "accounts:\n- api_key: *{0}\n",
        "accounts:\n- api_key: !{0} x\n",
        "accounts:\n- api_key: {0}: x\n",
        "accounts:\n- {{api_key: {0}\n",
        "accounts:\n- api_key: %{0}\n",
        "accounts:\n- api_key: @{0}\n",
        "api_key: {0}\n  name: x\n",
        "- {0}\n",
        "{0}",
    ],
)
def test_broken_yaml_around_a_secret_does_not_show_it(config_folder: ConfigFolder, text: str) -> None:
    assert config_folder.list_problems(text.format(SECRET))


def test_unreadable_files_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "chatmart.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match=r"^chatmart\.yaml: cannot be read as YAML"):
        configuration.load_config(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ConfigError, match=r"^folder: cannot be read"):
        read_yaml(folder)
    path.write_text(yaml.safe_dump({"accounts": [ACCOUNT]}))
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match=r"^\.env: cannot be read"):
        configuration.load_config(path)


@pytest.mark.parametrize(
    "text",
    [
        (Path(__file__).parents[3] / "chatmart.example.yaml").read_text(),
        '{"a": "0123", "b": [12:30:45, no, null, ~, ""], "c": {"d": "${E}", "<<": x}}',
        "a: 'it''s'\nb: \"\\u00e4\\x41\\\"\"\nc: |\n  x\n   y\nd: >-\n  a\n  b\n\n  c\n? e\n: f\nnull: ~\n",
        "a: &x {b: [1, 2]}\nc: *x\nd:\n- e: f # g\n  h: i#j\n-\n  k: http://l:80/m?n#o\n",
        "\ufeffa: é\u2028\n  b\r\nc:   d  \r\n",
    ],
)
def test_libyaml_and_pyyaml_read_the_same_values(text: str) -> None:
    assert parse_value(text) == yaml.load(text, Loader=yaml_file._Loader)
