# SPDX-License-Identifier: Apache-2.0
"""The way out keeps out of private networks: addresses in every disguise, rebinding names, redirects, slow answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

import pytest
from tests import notify_support

from lichen.errors import ConfigError
from lichen.outputs.notify.answers import retry_after, understood
from lichen.service.notifying import Refused, Sent
from lichen.service.outbound import ANSWER_MAX, Outbound, Reply, Unreachable, is_public


def lookup(*answers: Sequence[str]) -> tuple[Outbound, list[str]]:
    """A way out whose names lead to these addresses, one list a look-up; and the names that were looked up."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return Outbound(resolver=resolve, deadline_s=2.0), asked


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0.0.0.0", "localhost", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", "[64:ff9b::a00:1]", "[2002:7f00:1::]", "10.0.0.1", "172.16.0.1",
        "192.168.1.1", "169.254.169.254", "100.100.100.200", "100.64.0.1", "168.63.129.16", "[fd00:ec2::254]", "[fe80::1]",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "192.0.0.192", "[fec0::1]", "[3fff::1]",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="not in the public internet") as told:
        Outbound().post(f"https://{host}/hook", b"{}", {})
    assert "allow_private_hosts" in told.value.repair


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2001:4860:4860::8888", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
        ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", True), ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("240.0.0.1", False), ("ff02::1", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_a_name_that_leads_to_this_machine_is_refused() -> None:
    out, _ = lookup(["127.0.0.1"])
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1\.nip\.io leads to 127\.0\.0\.1"):
        out.post("https://127.0.0.1.nip.io/", b"", {})


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    out, _ = lookup(["8.8.8.8", "10.0.0.1"])
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1"):
        out.post("https://both.example/", b"", {})


def test_a_name_is_looked_up_once_and_the_connection_goes_where_was_looked() -> None:
    """A second look-up would lead to another machine: there is none."""
    with notify_support.endpoint() as endpoint:
        out, asked = lookup(["127.0.0.1"], ["192.0.2.1"])
        out = Outbound(frozenset({"hooks.example"}), out.resolver, 2.0)
        reply = out.post(f"http://hooks.example:{endpoint.port}/x", b"{}", {})
    assert isinstance(reply, Reply)
    assert asked == ["hooks.example"]
    assert endpoint.headers[0]["host"] == f"hooks.example:{endpoint.port}"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://hooks.example/", "without encryption"), ("ftp://hooks.example/", "none of http or https"),
        ("file:///etc/passwd", "none of http or https"), ("hooks.example/x", "none of http or https"),
        ("https://hooks.slack.com@127.0.0.1/", "holds a user's name"), ("https://", "none of http or https"),
        ("https://[::1/", "is none"), ("https://a\nb/", "is none"),
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_one_sentence(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Outbound().post(url, b"", {})


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ("a" * 60 + ".") * 5 + "example"])
def test_a_name_that_no_host_can_have_is_not_found(host: str) -> None:
    answer = Outbound(deadline_s=5.0).post(f"https://{host}/", b"", {})
    assert isinstance(answer, Unreachable)
    assert "cannot be found" in answer.reason


def test_a_declared_host_is_reached_in_any_case_of_letters() -> None:
    with notify_support.endpoint() as endpoint:
        out = Outbound(frozenset({"localhost"}))
        assert isinstance(out.post(endpoint.url.replace("127.0.0.1", "LocalHost"), b"{}", {}), Reply)


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with notify_support.endpoint() as inside:
        answers = [(302, {"location": inside.url}, ""), (307, {"location": "http://169.254.169.254/latest"}, "")]
        with notify_support.endpoint(answers) as outside:
            out = Outbound(frozenset({"127.0.0.1"}))
            for _ in answers:
                reply = out.post(outside.url, b"{}", {})
                answer = understood(reply)
                assert isinstance(answer, Refused)
                assert answer.dead
                assert "redirect" in answer.reason
        assert inside.bodies == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with notify_support.endpoint() as endpoint:
        assert isinstance(Outbound(frozenset({"127.0.0.1"})).post(endpoint.url, b"{}", {}), Reply)


@pytest.mark.parametrize("how", ["slow", "trickle"])
def test_an_exchange_has_a_deadline(how: str) -> None:
    with notify_support.endpoint([how]) as endpoint:
        reply = Outbound(frozenset({"127.0.0.1"}), deadline_s=0.5).post(endpoint.url, b"{}", {})
    assert reply == Unreachable("127.0.0.1 did not answer within 0.5 s.")


def test_who_hangs_up_or_is_not_there_is_unreachable() -> None:
    out = Outbound(frozenset({"127.0.0.1"}), deadline_s=5.0)
    with notify_support.endpoint(["hang up"]) as endpoint:
        hung_up = out.post(endpoint.url, b"{}", {})
    gone = out.post(endpoint.url, b"{}", {})
    for reply in (hung_up, gone):
        assert isinstance(reply, Unreachable)
        assert "secret-path" not in reply.reason
    nowhere = Outbound(deadline_s=5.0).post("https://does-not-exist.invalid/", b"", {})
    assert isinstance(nowhere, Unreachable)
    assert "cannot be found" in nowhere.reason


def test_an_endless_answer_is_cut() -> None:
    with notify_support.endpoint([(200, {}, "x" * (3 * ANSWER_MAX))]) as endpoint:
        reply = Outbound(frozenset({"127.0.0.1"})).post(endpoint.url, b"{}", {})
    assert isinstance(reply, Reply)
    assert len(reply.body) == ANSWER_MAX


@pytest.mark.parametrize(
    ("status", "check"),
    [
        (200, lambda answer: isinstance(answer, Sent)), (204, lambda answer: isinstance(answer, Sent)),
        *((status, lambda answer: isinstance(answer, Refused) and not answer.dead) for status in (408, 425, 429, 500, 503)),
        *((status, lambda answer: isinstance(answer, Refused) and answer.dead) for status in (301, 400, 401, 403, 404, 410)),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, check: Callable[[Sent | Refused], bool]) -> None:
    assert check(understood(Reply(status=status, headers={}, body=b"no_service")))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_how_long_an_answer_asks_to_wait(text: str, seconds: float | None) -> None:
    assert retry_after(Reply(status=429, headers={"retry-after": text}, body=b"")) == seconds
