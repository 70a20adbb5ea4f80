# SPDX-License-Identifier: Apache-2.0
"""Delivery on a real store against a real endpoint: at least once, once written down, later when later, never when never."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests import notify_support
from tests.notify_support import AT, Endpoint

from lichen.config import Channel, Notify
from lichen.errors import ConfigError
from lichen.outputs.notify import SlackBotNotifier, SlackNotifier, WebhookNotifier
from lichen.outputs.notify.webhook import signature
from lichen.service import notifying
from lichen.service.context import ServiceContext
from lichen.service.messages import alert_message
from lichen.service.notifying import Limits, Means, Outgoing, Sent
from lichen.service.quiet import quiet_until
from lichen.store.queries import deliveries

TOML = """
[server]
url = "https://lichen.example.org/"
[notify]
attempts = 3
allow_private_hosts = ["127.0.0.1"]
[[channel]]
name = "pay"
kind = "slack"
url_env = "HOOK"
teams = ["payments"]
"""
NOTIFIERS: dict[str, Any] = {"slack": SlackNotifier(), "slack-bot": SlackBotNotifier(), "webhook": WebhookNotifier()}


@contextmanager
def channel_of(folder: Path, answers: list[Any], toml: str = TOML) -> Iterator[tuple[ServiceContext, Endpoint, Means]]:
    with notify_support.endpoint(answers) as endpoint, notify_support.told(folder, toml) as context:
        env = {"HOOK": endpoint.url, "KEY": "key", "TOKEN": "xoxb-1"}
        yield context, endpoint, notify_support.means(context, env, deadline_s=1.0)


def put(context: ServiceContext, key: str = "k", **further: Any) -> str | None:
    channel = context.settings.channels[0]
    message = notify_support.messages()["digest 1"]
    return notifying.enqueue(context, channel=channel, dedup_key=key, message=message, **further)


def deliver(context: ServiceContext, means: Means, minutes: float = 0) -> notifying.Delivered:
    return notifying.deliver_due(context, NOTIFIERS, means=means, now=AT + timedelta(minutes=minutes))


def fact(context: ServiceContext, delivery: str | None) -> deliveries.DeliveryFact:
    assert delivery is not None
    with context.store.reading() as session:
        found = deliveries.delivery(session, delivery)
    assert found is not None
    return found


def attempts(context: ServiceContext, delivery: str | None) -> list[str]:
    assert delivery is not None
    with context.store.reading() as session:
        return [one.status for one in deliveries.attempts(session, delivery)]


def test_a_message_is_delivered_and_its_delivery_proved(tmp_path: Path) -> None:
    with channel_of(tmp_path, []) as (context, endpoint, means):
        made = put(context)
        assert deliver(context, means).sent == 1
        row = fact(context, made)
        assert (row.status, row.attempts, row.last_status, row.sent_at) == ("sent", 1, "200", AT)
        assert attempts(context, made) == ["sent"]
        assert endpoint.documents[0]["text"].startswith("Loans, week 46")
        assert "https://lichen.example.org/teams/loans" in str(endpoint.documents[0]["blocks"])
        assert deliver(context, means, 60) == notifying.Delivered()
        assert len(endpoint.bodies) == 1


def test_a_message_is_written_down_once(tmp_path: Path) -> None:
    with channel_of(tmp_path, []) as (context, endpoint, means):
        assert put(context) is not None
        assert put(context) is None
        deliver(context, means)
        assert put(context) is None
        deliver(context, means, 5)
        assert len(endpoint.bodies) == 1
        assert put(context, "another") is not None


def test_a_channel_that_asks_to_wait_is_asked_again_then(tmp_path: Path) -> None:
    with channel_of(tmp_path, [(429, {"retry-after": "600"}, "")]) as (context, endpoint, means):
        made = put(context)
        assert deliver(context, means).failed == 1
        row = fact(context, made)
        assert row.next_attempt_at == AT + timedelta(minutes=10)
        assert "429" in (row.last_error or "")
        assert deliver(context, means, 9.9) == notifying.Delivered()
        assert deliver(context, means, 10).sent == 1
        assert attempts(context, made) == ["failed", "sent"]
        assert len(endpoint.bodies) == 2


@pytest.mark.parametrize("fault", [500, 503, "slow", "trickle", "hang up"])
def test_a_fault_that_passes_is_tried_again(tmp_path: Path, fault: Any) -> None:
    with channel_of(tmp_path, [fault]) as (context, endpoint, means):
        made = put(context)
        assert deliver(context, means).failed == 1
        assert fact(context, made).next_attempt_at == AT + timedelta(minutes=1)
        assert "secret-path" not in (fact(context, made).last_error or "")
        assert deliver(context, means, 1).sent == 1
        assert len(endpoint.bodies) == 2


def test_a_channel_that_is_not_there_is_given_up_after_some_attempts(tmp_path: Path) -> None:
    with channel_of(tmp_path, []) as (context, endpoint, means):
        pass
    with notify_support.told(tmp_path, TOML) as context:
        made = put(context)
        assert [deliver(context, means, minutes).failed for minutes in (0, 1, 2)] == [1, 1, 0]
        assert deliver(context, means, 3).dead == 1
        assert attempts(context, made) == ["failed", "failed", "dead"]
        assert deliver(context, means, 10_000) == notifying.Delivered()
        assert notifying.silent(context)[0].why == "refused"
    assert endpoint.bodies == []


@pytest.mark.parametrize(
    "refusal", [(404, {}, "no_service"), (403, {}, "action_prohibited"), (302, {"location": "/"}, "")]
)
def test_what_is_refused_for_good_is_not_tried_again_until_somebody_asks(tmp_path: Path, refusal: Any) -> None:
    with channel_of(tmp_path, [refusal]) as (context, endpoint, means):
        made = put(context)
        assert deliver(context, means).dead == 1
        assert deliver(context, means, 10_000) == notifying.Delivered()
        with context.store.session() as session:
            assert deliveries.revive(session, made or "", AT)
            assert not deliveries.revive(session, made or "", AT)
        assert deliver(context, means).sent == 1
        assert len(endpoint.bodies) == 2


def test_a_process_that_dies_between_the_answer_and_the_record_sends_again_under_the_same_id(tmp_path: Path) -> None:
    toml = TOML.replace('"slack"', '"webhook"').replace("teams", 'token_env = "KEY"\nteams')
    with channel_of(tmp_path, [], toml) as (context, endpoint, means):
        made = put(context)
        row = fact(context, made)
        with context.store.session() as session:
            assert deliveries.claim(session, row, AT + timedelta(minutes=5))
        NOTIFIERS["webhook"].send(notifying.outgoing_of(context.settings, row), context.settings.channels[0], means)
        # Nobody settles it: the process is gone.
        assert deliver(context, means, 4) == notifying.Delivered()
        assert deliver(context, means, 5).sent == 1
        assert [headers["x-lichen-delivery"] for headers in endpoint.headers] == [made, made]


def test_two_processes_deliver_a_message_once(tmp_path: Path) -> None:
    with channel_of(tmp_path, []) as (context, endpoint, means):
        for number in range(8):
            put(context, f"k{number}")
        start = threading.Barrier(2)

        def work() -> None:
            start.wait()
            deliver(context, means)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(endpoint.bodies) == 8


def test_a_channel_that_does_not_answer_keeps_no_other_waiting(tmp_path: Path) -> None:
    toml = TOML + '[[channel]]\nname = "other"\nkind = "slack"\nurl_env = "GONE"\n'
    with channel_of(tmp_path, [], toml) as (context, endpoint, means):
        means = replace(means, env={**means.env, "GONE": "http://127.0.0.1:9/x"})
        message = notify_support.messages()["quiet"]
        for number in range(3):
            notifying.enqueue(
                context, channel=context.settings.channels[1], dedup_key=f"{number}", message=message, now=AT
            )
        made = put(context)
        done = deliver(context, means)
        assert (done.sent, done.failed) == (1, 1)
        assert list(done.reasons) == ["other"]
        assert fact(context, made).status == "sent"
        assert len(endpoint.bodies) == 1


@pytest.mark.parametrize(
    ("toml", "env", "told"),
    [
        (TOML, {}, "The variable HOOK of the channel 'pay' is not set."),
        (TOML.replace('url_env = "HOOK"\n', ""), {}, "The channel 'pay' has no url_env."),
        (TOML.replace('"slack"', '"pigeon"'), {}, "kind 'pigeon', which nothing serves"),
        (TOML, {"HOOK": "https://10.0.0.1/x"}, "10.0.0.1 leads to 10.0.0.1, which is not in the public internet"),
    ],
)
def test_what_somebody_has_to_repair_is_said_and_given_up(
    tmp_path: Path, toml: str, env: Mapping[str, str], told: str
) -> None:
    with notify_support.told(tmp_path, toml) as context:
        made = put(context)
        assert deliver(context, notify_support.means(context, env)).dead == 1
        assert told in (fact(context, made).last_error or "")


def test_a_message_for_a_channel_that_is_no_more_is_given_up(tmp_path: Path) -> None:
    with channel_of(tmp_path, []) as (context, endpoint, means):
        made = put(context)
        settings = replace(context.settings, channels=())
        gone = replace(context, workspace=_With(context, settings))
        assert deliver(gone, means).dead == 1
        assert "There is no channel 'pay'." in (fact(context, made).last_error or "")
        assert endpoint.bodies == []


class _With:
    """A workspace with other settings."""

    def __init__(self, context: ServiceContext, settings: Any) -> None:
        self.settings = settings


def test_a_strangers_notifier_that_fails_is_told_and_tried_again(tmp_path: Path) -> None:
    class Broken:
        name = "slack"
        limits = Limits(characters=1)

        def payload(self, outgoing: Outgoing, channel: Channel) -> str:
            return ""

        def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent:
            raise ZeroDivisionError("oops")

    with channel_of(tmp_path, []) as (context, _, means):
        made = put(context)
        assert notifying.deliver_due(context, {"slack": Broken()}, means=means, now=AT).failed == 1
        assert fact(context, made).last_error == "The notifier 'slack' failed: ZeroDivisionError: oops."


def test_a_bot_reads_the_answers_body(tmp_path: Path) -> None:
    toml = TOML.replace('"slack"', '"slack-bot"').replace("teams", 'token_env = "TOKEN"\nto = ["#pay"]\nteams')
    answers = [
        (200, {}, '{"ok":false,"error":"ratelimited"}'), (200, {}, '{"ok":true,"ts":"1.2"}'),
        (200, {}, '{"ok":false,"error":"channel_not_found"}'), (200, {}, "<html>"),
    ]  # fmt: skip
    with channel_of(tmp_path, answers, toml) as (context, endpoint, means):
        first = put(context)
        assert deliver(context, means).failed == 1
        assert deliver(context, means, 1).sent == 1
        assert fact(context, first).last_status == "ok 1.2"
        second, third = put(context, "b"), None
        assert deliver(context, means, 2).dead == 1
        assert "channel_not_found" in (fact(context, second).last_error or "")
        third = put(context, "c")
        assert deliver(context, means, 3).failed == 1
        assert fact(context, third).last_error == "Slack's answer is no JSON object."
        assert endpoint.headers[0]["authorization"] == "Bearer xoxb-1"
        assert endpoint.documents[0]["channel"] == "#pay"


def test_a_webhook_is_signed(tmp_path: Path) -> None:
    toml = TOML.replace('"slack"', '"webhook"').replace("teams", 'token_env = "KEY"\nteams')
    with channel_of(tmp_path, [], toml) as (context, endpoint, means):
        put(context)
        deliver(context, means)
        headers = endpoint.headers[0]
        told = signature("key", headers["x-lichen-timestamp"], endpoint.bodies[0])
        assert headers["x-lichen-signature-256"] == f"sha256={told}"
        assert headers["x-lichen-event"] == "digest"
        document = endpoint.documents[0]
        assert document["facts"]["change"]["now"] == 12_300.0
        assert document["lead"] in document["text"]


def test_a_trial_tells_what_the_channel_answers(tmp_path: Path) -> None:
    with channel_of(tmp_path, [200, (404, {}, "no_service")]) as (context, endpoint, means):
        taken = notifying.trial(context, "pay", by="ada", available=NOTIFIERS, means=means)
        assert (taken.status, taken.kind, taken.last_status) == ("sent", "test", "200")
        later = replace(context, clock=lambda: AT + timedelta(seconds=1))
        refused = notifying.trial(later, "pay", by="ada", available=NOTIFIERS, means=means)
        assert refused.status == "dead"
        assert "no_service" in (refused.last_error or "")
        assert notifying.silent(context) == []
        with pytest.raises(ConfigError, match="There is no channel 'pya'") as told:
            notifying.trial(context, "pya", by="ada", available=NOTIFIERS, means=means)
        assert told.value.repair == "Did you mean 'pay'?"
        assert len(endpoint.bodies) == 2


def test_silence(tmp_path: Path) -> None:
    with channel_of(tmp_path, [200, 500]) as (context, _, means):
        assert notifying.silent(context) == []
        put(context)
        deliver(context, means)
        assert notifying.silent(context, AT + timedelta(days=8)) == []
        assert notifying.silent(context, AT + timedelta(days=8, minutes=1))[0].why == "silent"
        put(context, "b", now=AT + timedelta(days=1))
        deliver(context, means, 24 * 60)
        assert notifying.silent(context, AT + timedelta(days=2)) == []
        failing = notifying.silent(context, AT + timedelta(days=2, minutes=1))
        assert [(one.why, one.since) for one in failing] == [("failing", AT + timedelta(days=1))]
        assert "500" in failing[0].error


def test_alerts_wait_for_the_end_of_quiet_hours_and_digests_do_not(tmp_path: Path) -> None:
    toml = TOML.replace("attempts = 3", 'quiet_from = "08:00"\nquiet_to = "10:30"\ntime_zone = "Europe/Paris"')
    with channel_of(tmp_path, [], toml) as (context, endpoint, means):
        channel = context.settings.channels[0]
        message = alert_message(notify_support.alert())
        alert = notifying.enqueue(context, channel=channel, dedup_key="a", message=message)
        put(context)
        assert deliver(context, means).sent == 1
        assert fact(context, alert).next_attempt_at == datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
        assert deliver(context, means, 30).sent == 1
        assert "Alert: Loans" in endpoint.documents[1]["text"]


PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("moment", "start", "end", "until"),
    [
        # The night in which the clock is put forward: 08:00 is 06:00 UTC on that day.
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), "22:00", "08:00", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
        # The night in which it is put back: 08:00 is 07:00 UTC.
        (datetime(2026, 10, 24, 23, 0, tzinfo=UTC), "22:00", "08:00", datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 6, 59, tzinfo=UTC), "22:00", "08:00", datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 7, 0, tzinfo=UTC), "22:00", "08:00", None),
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), "12:00", "14:00", datetime(2026, 7, 1, 12, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "12:00", "14:00", None),
        # The hour that comes twice: the end has been, nobody waits for a day.
        (datetime(2026, 10, 25, 1, 15, tzinfo=UTC), "01:00", "02:30", None),
    ],
)
def test_quiet_hours_follow_the_wall_clock(moment: datetime, start: str, end: str, until: datetime | None) -> None:
    assert quiet_until(moment, Notify(quiet_from=start, quiet_to=end, time_zone="Europe/Paris")) == until


def test_who_hears_of_an_alert(tmp_path: Path) -> None:
    toml = TOML + "".join(
        f'[[channel]]\nname = "{name}"\nkind = "slack"\n{rest}\n'
        for name, rest in (("app", 'applications = ["portal"]'), ("all", ""), ("mute", "alerts = false"))
    )
    with notify_support.told(tmp_path, toml) as context:

        def hears(team: str | None, application: str | None) -> list[str]:
            return [one.name for one in notifying.channels_of(context.settings, team=team, application=application)]

        assert hears("payments", "portal") == ["app"]
        assert hears("payments", "other") == ["pay"]
        assert hears(None, None) == ["all"]
        assert hears("risk", "other") == ["all"]
