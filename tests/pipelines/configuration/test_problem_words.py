"""Every kind of wrong value has a sentence of ours, with what to write. None is in the words of a library."""

import re

import pytest

from tests.pipelines.configuration.conftest import ConfigFolder

DOCS = "accounts:\n- name: docs\n  provider: inkeep\n  api_key: ${ACME_KEY}\n"
COGNIGY = "accounts:\n- name: a\n  provider: cognigy\n  project_id: abc\n  api_key: ${ACME_KEY}\n"
CAPTAIN = "accounts:\n- name: a\n  provider: chatcaptain\n  chatbot_id: x\n  api_key: ${ACME_KEY}\n"
LIBRARY_WORDS = re.compile(r"(Input|String|List) should|valid (tuple|dictionary|list)|pydantic|\^\[|expected <")


CASES = [
    (DOCS.replace("docs", "My Docs"), "name: has another form than it must have: name of the account in every table"),
    (DOCS.replace("docs", "a" * 101), "name: is too long: the most are 100 characters"),
    (DOCS.replace("inkeep", "inkep"), "provider: is 'inkep'; did you mean inkeep?"),
    (DOCS + "  start_dat: 2025-01-01\n", "start_dat: is not a known key; did you mean start_date?"),
    (DOCS + "  project_id: x\n", "project_id: is not a known key here: accounts at cognigy and chatdash have it"),
    ("warehous: x\n" + DOCS, "warehous: is not a known key; did you mean warehouse?"),
    (DOCS + "  start_date: 01.02.2025\n", "start_date: is no day; write it as in 2025-01-31"),
    (DOCS + "  timezone: berlin\n", "there is no time zone 'berlin'; did you mean Europe/Berlin?"),
    (DOCS + "  timezone: CEST\n", "there is no time zone 'CEST'; use a name such as Europe/Berlin"),
    (DOCS + "  lookback_days: -1\n", "lookback_days: is too small: the least is 0"),
    (DOCS + "  lookback_days: 1000\n", "lookback_days: is too large: the most is 400"),
    (DOCS + "  streams: conversations\n", "streams: is not a list: write it as in [first, second]"),
    (DOCS + "  streams: [conversation]\n", "there is no stream conversation; did you mean conversations"),
    (DOCS + "  rate_limit: 5\n", "rate_limit: is not a section: write its keys below it"),
    (DOCS + "  rate_limit: {request: 5}\n", "rate_limit.request: is not a known key; did you mean requests?"),
    (DOCS + "  rate_limit: {period_seconds: 0}\n", "rate_limit.period_seconds: is too small: it is more than 0"),
    (COGNIGY, "project_id: has another form than it must have: the project's 24 characters"),
    (COGNIGY + "  auth: basic\n", "auth: is none of: header, bearer, query"),
    (CAPTAIN.replace("chatbot_id: x", "chatbot_id: ''"), "chatbot_id: is empty"),
    (CAPTAIN + "  export_poll_seconds: [5]\n", "export_poll_seconds, item 2: is missing"),
    ("landing: [a]\n" + DOCS, "landing: is not a text: it is a list or a section"),
    ("schedule: {hour: 25}\n" + DOCS, "schedule.hour: is too large: the most is 23"),
    ("schedule: daily\n" + DOCS, "schedule: is not a section"),
    ("schedule: {providers: {inkep: {hour: 3}}}\n" + DOCS, "schedule.providers.inkep: there is no provider"),
    ("owners: me\n" + DOCS, "owners: is not a list"),
    ("accounts:\n- docs\n", "accounts, item 1: is not a section"),
    ("accounts: []\n", "accounts: has too few items: the least is 1"),
]


@pytest.mark.parametrize(("text", "sentence"), CASES, ids=[sentence[:40] for _, sentence in CASES])
def test_a_wrong_value_is_answered_in_our_words(config_folder: ConfigFolder, text: str, sentence: str) -> None:
    problems = config_folder.list_problems(text)
    assert any(sentence in problem for problem in problems), problems
    assert not any(LIBRARY_WORDS.search(problem) for problem in problems), problems


YAML_CASES = [
    ("accounts: [a, b\n", "line 1, column 11: the list in [ ] that begins here is not closed"),
    ("defaults: {timezone: UTC\n", "line 1, column 11: the section in { } that begins here is not closed"),
    ('landing: "data\naccounts: []\n', "line 1, column 10: the quote that is opened here is never closed"),
    ("landing: a: b\n", "line 1, column 11: a colon where no key can stand"),
    ("accounts:\n- name: a\n- provider\n  name: b\n", "line 4, column 7: a colon where no key can stand"),
    ("landing: x\n warehouse: y\n", "line 2, column 11: a colon where no key can stand"),
    ("landing: @x\n", "line 1, column 10: a text that begins with %, @ or ` is put in quotes"),
    ('landing: "a\\qb"\n', "a backslash in double quotes"),
    ("landing: x\nfoo\nbar: y\n", "line 2, column 1: a line without `key: value`"),
]


@pytest.mark.parametrize(("text", "sentence"), YAML_CASES, ids=[text[:20] for text, _ in YAML_CASES])
def test_wrong_yaml_is_answered_with_line_and_column(config_folder: ConfigFolder, text: str, sentence: str) -> None:
    (problem,) = config_folder.list_problems(text)
    assert sentence in problem
    assert not LIBRARY_WORDS.search(problem)
