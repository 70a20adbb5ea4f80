# SPDX-License-Identifier: Apache-2.0
"""Words that name what is compared, and pairs that make no sense."""

from pathlib import Path

import pytest

from lichen.errors import UsageError
from lichen.service.comparing.operands import check_pair, parse_operand


@pytest.mark.parametrize(
    ("word", "kind", "value"),
    [
        ("https://example.org/a?b=1", "url", "https://example.org/a?b=1"),
        ("url:http://127.0.0.1:8000", "url", "http://127.0.0.1:8000"),
        ("cmd:python -m http.server {port}", "cmd", "python -m http.server {port}"),
        ("git:feature/x", "git", "feature/x"),
        ("run:a.run.json.gz,b.run.json.gz", "run", "a.run.json.gz,b.run.json.gz"),
    ],
)
def test_operands(word: str, kind: str, value: str) -> None:
    operand = parse_operand(word)
    assert (operand.kind, operand.value) == (kind, value)


def test_the_words_of_a_command_and_the_files_of_recorded_runs() -> None:
    assert parse_operand("cmd:sh -c 'serve it'").command == ("sh", "-c", "serve it")
    assert parse_operand("run:a,b").files == (Path("a"), Path("b"))


def test_secrets_of_an_address_are_masked() -> None:
    assert "hunter2" not in parse_operand("https://me:hunter2@example.org/").text


@pytest.mark.parametrize(
    ("word", "problem", "repair"),
    [
        ("main", "'main' does not say what it is.", "git:REF"),
        ("lichen-runs/a.run.json.gz", "does not say what it is.", "Did you mean run:lichen-runs/a.run.json.gz?"),
        ("git:", "'git:' names nothing.", "Write"),
        ("cmd:  ", "names nothing.", "Write"),
        ("cmd:python 'oops", "cannot be read", "quotes"),
        ("url:example.org", "'example.org' is no address.", "http://"),
        ("ftp://example.org", "does not say what it is.", "Write"),
        ("", "does not say what it is.", "Write"),
    ],
)
def test_what_is_no_operand_says_how_to_write_one(word: str, problem: str, repair: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_operand(word)
    assert problem in caught.value.problem
    assert repair in caught.value.repair


def test_a_recorded_side_is_not_compared_with_one_that_would_be_measured_now() -> None:
    with pytest.raises(UsageError, match="would be measured now"):
        check_pair(parse_operand("run:a.run.json.gz"), parse_operand("git:main"))
    check_pair(parse_operand("git:main"), parse_operand("https://example.org"))
