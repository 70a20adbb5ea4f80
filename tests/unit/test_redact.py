# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen import redact
from lichen.errors import JourneyFailed

CANARY = "hunter2canary"


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("https://bob:hunter2canary@h.org/a", "https://h.org/a"),
        ("https://bob:hun@ter2canary@h.org/a", "https://h.org/a"),
        ("http://bob:hunter2canary@[::1/a", "http://[::1/a"),
        ("postgres://u:hunter2canary@db/x", "postgres://db/x"),
        ("https://h.org/?lang=fr&token=hunter2canary&page=2", "https://h.org/?lang=fr&token=***&page=2"),
        ("https://h.org/?TOKEN=hunter2canary", "https://h.org/?TOKEN=***"),
        ("https://h.org/?key=hunter2canary", "https://h.org/?key=***"),
        ("https://h.org/?code=hunter2canary&state=1", "https://h.org/?code=***&state=1"),
        ("https://h.org/?X-Amz-Signature=hunter2canary", "https://h.org/?X-Amz-Signature=***"),
        ("https://h.org/?x-api-key=hunter2canary", "https://h.org/?x-api-key=***"),
        ("https://h.org/?accessToken=hunter2canary", "https://h.org/?accessToken=***"),
        ("https://h.org/?pass%77ord=hunter2canary", "https://h.org/?pass%77ord=***"),
        ("https://h.org/?user[password]=hunter2canary", "https://h.org/?user[password]=***"),
        ("https://h.org/cb#access_token=hunter2canary&x=1", "https://h.org/cb#access_token=***&x=1"),
        ("https://h.org/#/in?jwt=hunter2canary", "https://h.org/#/in?jwt=***"),
        ("https://h.org/a;jsessionid=hunter2canary", "https://h.org/a;jsessionid=***"),
        ("https://h.org/?next=/a?token=hunter2canary", "https://h.org/?next=/a?token=***"),
        (
            "https://h.org/?to=https%3A%2F%2Fu%3Ahunter2canary%40b.org%2F%3Fa%3D1%26token%3Dhunter2canary%26z%3D2",
            "https://h.org/?to=https%3A%2F%2Fb.org%2F%3Fa%3D1%26token%3D***%26z%3D2",
        ),
        ("https://h.org/eyJhbGciOiJI.eyJzdWIiOiIx.abc_DEF/x", "https://h.org/***/x"),
        ("pushed with glpat-abcDEF123456 to h", "pushed with *** to h"),
        ("sent with lichen_0123456789abcdefghijABCDEFGHIJ012345 to h", "sent with *** to h"),
        ("ghp_abcdefABCDEF0123456789 and AKIAIOSFODNN7EXAMPLE", "*** and ***"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: *** ***"),
        ("waited 5 s for http://h/r?sig=hunter2canary, not there.", "waited 5 s for http://h/r?sig=***, not there."),
        ("'node a.js --password=hunter2canary'", "'node a.js --password=***'"),
        ("node a.js --db-password hunter2canary --port 80", "node a.js --db-password *** --port 80"),
        ("""run --secret="two hunter2canary words" x""", "run --secret=*** x"),
        ("PGPASSWORD=hunter2canary psql", "PGPASSWORD=*** psql"),
        ('{"password": "hunter2canary"}', '{"password": ***}'),
        ('{"api_key":"hunter2canary"}', '{"api_key":***}'),
        ("X-Auth-Token: hunter2canary", "X-Auth-Token: ***"),
        ("PRIVATE-TOKEN: 'hunter2 canary'", "PRIVATE-TOKEN: ***"),
        ("bob:hunter2canary@10.0.0.1:/x", "bob:***@10.0.0.1:/x"),
        ("push to bob:hunter2canary@h.org", "push to bob:***@h.org"),
        ("db_pass=hunter2canary", "db_pass=***"),
    ],
)  # fmt: skip
def test_secrets_are_masked(given_text: str, shown: str) -> None:
    assert redact.text(given_text) == shown
    assert CANARY not in redact.text(given_text)


@pytest.mark.parametrize(
    "plain",
    [
        "https://h.org/a/@bob/pkg@1.0?page=2&postal_code=75001&sort_key=name&author=x&design=1#top",
        "tcp://127.0.0.1:5432",
        "Write for example --format json=result.json.",
        "The part ended with code=3, key=7.",
        "Unexpected token: '<' at line 1",
        "There is no key 'measure.sample'.",
        "nothing answers at http://127.0.0.1:1/: the connection is refused",
        "https://h.org/?token=",
        "redis:7@sha256:abcd",
        "git@h.org:a/b",
        "npm:left@1.0",
        "mailto:bob@h.org",
        "X-Page-Key: 3",
        "12 tests pass, 3 bypass=1",
    ],
)
def test_what_is_no_secret_stays(plain: str) -> None:
    assert redact.text(plain) == plain


@given(st.text(alphabet="ab=&?#;%3D@:/. '\"-token", max_size=60))
def test_masking_twice_changes_nothing_more(sentence: str) -> None:
    once = redact.text(sentence)
    assert redact.text(once) == once


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=20))
def test_no_value_of_a_secret_parameter_survives(value: str) -> None:
    for name in ("token", "key", "code", "sig", "password", "session", "auth", "api_key", "X-Goog-Signature"):
        assert redact.text(f"https://h.org/zz?{name}={value}&q=1") == f"https://h.org/zz?{name}=***&q=1"


def test_a_long_address_takes_no_time_worth_naming() -> None:
    address = "https://h.org/?" + "a.b-c%3D=" * 20_000
    assert redact.text(address) == address


def test_words_of_a_command() -> None:
    assert redact.words(["node", "--password", CANARY, "--token=" + CANARY, "-v", 5]) == [
        "node", "--password", "***", "--token=***", "-v", "5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given_words", "shown"),
    [
        (["curl", "-u", f"bob:{CANARY}", "h"], ["curl", "-u", "bob:***", "h"]),
        (["curl", f"--user=bob:{CANARY}"], ["curl", "--user=bob:***"]),
        (["curl", "--proxy-user", f"bob:{CANARY}"], ["curl", "--proxy-user", "bob:***"]),
        (["java", "-password", CANARY], ["java", "-password", "***"]),
        (["x", "--pass", CANARY], ["x", "--pass", "***"]),
        (["docker", "-u", "1000:1000", "-p", "80:80"], ["docker", "-u", "1000:1000", "-p", "80:80"]),
        (["python", "-u", "test_x.py", "--bypass", "3"], ["python", "-u", "test_x.py", "--bypass", "3"]),
    ],
)
def test_logins_and_options_of_a_command(given_words: list[str], shown: list[str]) -> None:
    assert redact.words(given_words) == shown


def test_a_tree_is_masked_by_its_keys_and_its_texts() -> None:
    masked = redact.tree(
        {"token": CANARY, "args": [f"--proxy-server=http://u:{CANARY}@p:1"], "n": 1, "deep": [{"pwd": CANARY}]}
    )
    assert masked == {"token": "***", "args": ["--proxy-server=http://p:1"], "n": 1, "deep": [{"pwd": "***"}]}


def test_every_error_is_masked() -> None:
    error = JourneyFailed(
        f"no answer at http://u:{CANARY}@h/?key={CANARY}.",
        repair=f"see http://h/?token={CANARY}",
        culprit=f"http://u:{CANARY}@h",
    )
    assert CANARY not in f"{error} {error.sentence()} {error.culprit} {error!r}"
