# SPDX-License-Identifier: Apache-2.0
"""Messages in words: golden texts in both languages, limits of the services, names that try to be more than names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from tests import notify_support
from tests.notify_support import LONG, RTL, outgoing

from lichen.config import Channel
from lichen.outputs.notify import (
    EmailNotifier,
    MattermostNotifier,
    SlackBotNotifier,
    SlackNotifier,
    TeamsNotifier,
    WebhookNotifier,
)
from lichen.outputs.notify.slack import escaped
from lichen.render.notices import Notice, worded
from lichen.render.notices.model import SUBJECT_MAX, bars
from lichen.service.digest.model import Change, digest_message
from lichen.service.messages import RULES, AlertNotice, alert_message

CHANNEL = Channel(name="c", kind="slack", to=("#c",))
NOTIFIERS: dict[str, Any] = {
    notifier.name: notifier
    for notifier in (
        SlackNotifier(),
        SlackBotNotifier(),
        MattermostNotifier(),
        TeamsNotifier(),
        WebhookNotifier(),
        EmailNotifier(),
    )
}
MESSAGES = notify_support.messages()


def said(message: Any, lang: str = "en") -> Notice:
    return worded(outgoing(message, lang))


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("count", [0, 1, 80, 500])
def test_a_digest_as_text(count: int, lang: str, golden: Callable[[str, str], None]) -> None:
    golden(f"notify/digest-{count}-{lang}.txt", said(MESSAGES[f"digest {count}"], lang).plain())


@pytest.mark.parametrize("count", [0, 1, 80, 500])
@pytest.mark.parametrize("name", ["slack", "mattermost", "teams"])
def test_a_digest_as_json(count: int, name: str, golden: Callable[[str, str], None]) -> None:
    payload = NOTIFIERS[name].payload(outgoing(MESSAGES[f"digest {count}"]), CHANNEL)
    golden(f"notify/{name}-{count}.json", json.dumps(json.loads(payload), ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_digest_as_a_mail(lang: str, golden: Callable[[str, str], None]) -> None:
    golden(f"notify/email-80-{lang}.html", NOTIFIERS["email"].payload(outgoing(MESSAGES["digest 80"], lang), CHANNEL))


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("name", ["slack", "slack-bot"])
def test_slack_takes_every_message(name: str, kind: str) -> None:
    """By the endpoint that keeps Slack's documented limits; and ours, which are narrower."""
    payload = NOTIFIERS[name].payload(outgoing(MESSAGES[kind], "fr"), CHANNEL)
    assert notify_support.slack_refusal(json.loads(payload)) == ""
    assert len(payload) <= 8_000
    assert len(json.loads(payload)["blocks"]) <= 20


def test_the_endpoint_refuses_what_slack_refuses() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    refusal = notify_support.slack_refusal
    assert refusal({"text": "x", "blocks": [section] * 51}) == "invalid_blocks"
    assert (
        refusal({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]})
        == "invalid_blocks"
    )
    assert (
        refusal({"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]})
        == "invalid_blocks"
    )
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}
    assert refusal({"text": "x", "blocks": [long] * 5}) == "msg_blocks_too_long"
    assert refusal({}) == "no_text"


def test_nothing_moved_is_one_line() -> None:
    notice = said(MESSAGES["quiet"])
    assert notice.lead == "Nothing moved: 1.0\u00a0kgCO₂e, as in a usual week."
    assert notice.sections == ()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("rule", [*RULES, "made-by-a-plug-in"])
@pytest.mark.parametrize("change", ["firing", "reminder", "resolved"])
def test_every_alert_has_words(rule: str, change: Any, lang: str) -> None:
    notice = said(alert_message(notify_support.alert(rule=rule, change=change, share=0.08, subject="runs")), lang)
    assert len(notice.subject) <= SUBJECT_MAX
    assert "{" not in notice.subject + notice.lead
    assert "None" not in notice.subject + notice.lead
    assert "2026" in notice.lead


def test_alerts_as_text(golden: Callable[[str, str], None]) -> None:
    at = notify_support.AT
    alerts = [
        notify_support.alert(name="Loan application", journey="Apply", cause="deployment 1.26 (3f18215)"),
        AlertNotice(rule="target", change="reminder", since=at, code="loans", name="Loans", share=0.057),
        AlertNotice(rule="change_point", change="firing", since=at, name="Loans", journey="Apply", what="network_bytes",
                    share=0.12, low=0.1, high=0.14),
        AlertNotice(rule="data_stopped", change="resolved", since=at, name="Loans", subject="traffic"),
        AlertNotice(rule="channel_dead", change="firing", since=at, subject="payments", cause="The channel answers 404."),
    ]  # fmt: skip
    texts = [said(alert_message(alert), lang).plain() for lang in ("en", "fr") for alert in alerts]
    golden("notify/alerts.txt", "---\n".join(texts))


class Page(HTMLParser):
    """Elements and attributes of a mail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_mail_fetches_nothing_and_runs_nothing(kind: str) -> None:
    page = Page(NOTIFIERS["email"].payload(outgoing(MESSAGES[kind]), CHANNEL))
    assert set(page.tags) <= {
        "html", "head", "meta", "title", "body", "h1", "h2", "p", "ul", "li", "b", "bdi", "span", "a"
    }  # fmt: skip
    assert {name for name, _ in page.attributes} <= {
        "lang", "charset", "name", "content", "style", "dir", "aria-hidden", "href"
    }  # fmt: skip
    assert {value for name, value in page.attributes if name == "href"} <= {
        "https://lichen.example.org/teams/loans", "https://lichen.example.org/applications/loans", "https://lichen.example.org/"
    }  # fmt: skip
    assert not [value for name, value in page.attributes if name == "style" and "url(" in (value or "")]


def _slack_texts(payload: str) -> Iterator[str]:
    document = json.loads(payload)
    yield document["text"]
    for block in document["blocks"]:
        if block["type"] == "section":
            assert block["text"]["verbatim"] is True
            yield block["text"]["text"]
        for element in block.get("elements", ()):
            yield element["text"]


def test_a_hostile_name_is_a_name_in_slack() -> None:
    for kind in ("digest hostile", "alert hostile", "test"):
        for text in _slack_texts(NOTIFIERS["slack"].payload(outgoing(MESSAGES[kind]), CHANNEL)):
            ours = {
                f"<https://lichen.example.org{path}|Open in Lichen>"
                for path in ("/", "/teams/loans", "/applications/loans")
            }
            assert set(re.findall(r"<[^>]*>", text)) <= ours
            for line in re.sub(r"<[^>]*>", "", text).splitlines():
                assert not re.search(r"[~_](?!\w)", line)
                assert line.count("`") in (0, 2)
                assert line.count("*") in (0, 2)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"), ("<!here>", "&lt;!here&gt;"), ("*a* ~b~ `c`", "∗a∗ ∼b∼ ˋcˋ"),
        ("my_app_2", "my_app_2"), ("_a_", "＿a＿"), ("__", "＿＿"), ("&lt;", "&amp;lt;"),
    ],
)  # fmt: skip
def test_texts_that_slack_shows_as_they_are(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_hostile_name_is_a_name_in_mattermost() -> None:
    for kind in ("digest hostile", "alert hostile", "test"):
        text = json.loads(NOTIFIERS["mattermost"].payload(outgoing(MESSAGES[kind]), CHANNEL))["text"]
        assert not re.search(r"@(here|all|channel)", text)
        assert "<" not in text
        assert re.findall(r"(?<!\\)\]\(([^)]*)\)", text) == [
            next(url for url in re.findall(r"\((https://lichen[^)]*)\)", text))
        ]
        assert not re.search(r"(?<!\\)!\[", text)


def test_a_hostile_name_is_text_in_teams() -> None:
    document = json.loads(NOTIFIERS["teams"].payload(outgoing(MESSAGES["digest hostile"]), CHANNEL))
    card = document["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert [action["url"] for action in card["actions"]] == ["https://lichen.example.org/teams/loans"]


def test_a_name_that_runs_from_right_to_left_keeps_its_place() -> None:
    text = said(digest_message(notify_support.digest(1, RTL))).plain()
    assert "\u202e" not in text
    assert text.count("\u2068") == text.count("\u2069") > 0


def test_names_are_short() -> None:
    notice = said(digest_message(notify_support.digest(5, LONG * 2)))
    assert len(notice.subject) <= SUBJECT_MAX
    assert LONG not in notice.plain()
    assert "ÆÆ…" in notice.plain()


def test_without_an_address_there_is_no_link() -> None:
    notice = worded(outgoing(MESSAGES["digest 1"], base_url=""))
    assert notice.link == ""
    assert "http" not in notice.plain()


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ((), ""), ((1.0,), ""), ((1.0, None), ""), ((1.0, 1.0), "██"), ((0.0, 0.0), "██"), ((0.0, 1.0, 2.0), "▁▅█"),
        ((100.0, 99.0, 101.0), "█▇█"), ((None, 2.0, 4.0), "·▁█"),
    ],
)  # fmt: skip
def test_a_sparkline(values: tuple[float | None, ...], drawn: str) -> None:
    assert bars(values) == drawn


def test_a_webhook_without_room_loses_the_facts() -> None:
    payload = json.loads(NOTIFIERS["webhook"].payload(outgoing(MESSAGES["digest endless"]), CHANNEL))
    assert payload["facts"] is None
    assert payload["lead"]
    assert (
        json.loads(NOTIFIERS["webhook"].payload(outgoing(MESSAGES["digest 80"]), CHANNEL))["facts"]["moves_more"] == 77
    )


def test_a_week_that_cannot_be_held_against_another() -> None:
    first = notify_support.digest(2, verdict="unknown", change=Change(now=5.0, low=1.0, high=9.0), moves=())
    assert said(digest_message(first)).lead == "5\u00a0gCO₂e (1 to 9). No earlier week is known to hold it against."
