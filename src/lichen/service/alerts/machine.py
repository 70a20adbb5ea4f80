# SPDX-License-Identifier: Apache-2.0
"""The life of an alert: it fires once, is remembered while it lasts, and is over.

A message is written down before the state that it tells of, under a key that follows from that state: whoever is killed between
the two tells nothing twice and forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from lichen.errors import StoreConflict
from lichen.service import notifying
from lichen.service.alerts.findings import Finding, Findings, joined
from lichen.service.alerts.rules import RULES
from lichen.service.context import ServiceContext
from lichen.service.messages import AlertChange, AlertNotice, alert_message
from lichen.store.models import Alert, Journey
from lichen.store.queries import watching as queries
from lichen.store.queries.watching import Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """What a round came to: keys of alerts that began, were told again, are over; and how many are open."""

    fired: tuple[str, ...] = ()
    reminded: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    open: int = 0


def look(context: ServiceContext) -> Turned:
    """Asks every rule, and turns alerts accordingly. Two at once do no harm; one after the other, the second does nothing.

    Raises:
        StorageError: the store cannot be read or written.
    """
    return turn(context, joined(rule(context) for rule in RULES.values()))


def turn(context: ServiceContext, findings: Findings) -> Turned:
    """Turns alerts by what was found.

    Raises:
        StorageError: the store cannot be read or written.
    """
    return _Round(context).turn(findings)


class _Round:
    """One round."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._now = context.clock()
        with context.store.reading() as session:
            self._open = {one.key: one for one in queries.alerts(session, state="firing")}
            self._before = queries.alert_counts(session)
            self._applications: Mapping[str, Watched] = {one.id: one for one in queries.applications(session)}

    def turn(self, findings: Findings) -> Turned:
        """Every alert that begins, lasts or is over."""
        fired = [finding for key, finding in findings.wrong.items() if key not in self._open]
        lasting = [(self._open[key], finding) for key, finding in findings.wrong.items() if key in self._open]
        over = [one for key, one in self._open.items() if key not in findings.wrong and key not in findings.undecided]
        for finding in fired:
            self._fire(finding)
        reminded = [alert.key for alert, finding in lasting if self._last(alert, finding)]
        for alert in over:
            self._resolve(alert)
        return Turned(
            fired=tuple(finding.key for finding in fired), reminded=tuple(reminded),
            resolved=tuple(alert.key for alert in over), open=len(self._open) + len(fired) - len(over),
        )  # fmt: skip

    def _fire(self, finding: Finding) -> None:
        row = Alert(
            rule=finding.rule, application_id=finding.application_id, journey_id=finding.journey_id, key=finding.key,
            state="firing", opened_at=self._now, last_seen_at=self._now, value=finding.value, limit_value=finding.limit,
            detail=dict(finding.detail),
        )  # fmt: skip
        times = self._before.get(finding.key, 0)
        self._tell(row, "firing", f"alert/{finding.key}/{times}/firing")
        with suppress(StoreConflict), self._context.store.session() as session:  # another process was faster
            session.add(row)

    def _last(self, alert: Alert, finding: Finding) -> bool:
        """Notes that it lasts; whether it is time to say so."""
        due = (alert.reminded_at or alert.opened_at) + timedelta(days=self._context.settings.alerts.remind_days)
        is_due = self._now >= due
        alert.value, alert.limit_value, alert.detail = finding.value, finding.limit, dict(finding.detail)
        if is_due:
            self._tell(alert, "reminder", f"alert/{alert.id}/reminder/{due.isoformat()}")
        with self._context.store.session() as session:
            row = session.get(Alert, alert.id)
            if row is not None:
                row.last_seen_at = self._now
                row.value, row.limit_value, row.detail = finding.value, finding.limit, dict(finding.detail)
                if is_due:
                    row.reminded_at = self._now
        return is_due

    def _resolve(self, alert: Alert) -> None:
        self._tell(alert, "resolved", f"alert/{alert.id}/resolved")
        with self._context.store.session() as session:
            row = session.get(Alert, alert.id)
            if row is not None:
                row.state, row.resolved_at = "resolved", self._now

    def _tell(self, alert: Alert, change: AlertChange, dedup_key: str) -> None:
        """Writes the message down for each channel of whoever owns what the alert is about."""
        application = self._applications.get(alert.application_id or "")
        team = application.team_code if application is not None else alert.detail.get("team") or None
        channels = notifying.channels_of(
            self._context.settings, team=team, application=None if application is None else application.code
        )
        message = alert_message(self._notice(alert, change, application))
        for channel in channels:
            if channel.alerts and not (alert.rule == "channel_dead" and channel.name == alert.detail.get("subject")):
                notifying.enqueue(
                    self._context, channel=channel, dedup_key=dedup_key, message=message, now=self._now,
                    scope="organisation" if application is None else "application", scope_id=alert.application_id,
                )  # fmt: skip

    def _notice(self, alert: Alert, change: AlertChange, application: Watched | None) -> AlertNotice:
        detail = alert.detail
        since = detail.get("since")
        journey = ""
        if alert.journey_id is not None:
            with self._context.store.reading() as session:
                row = session.get(Journey, alert.journey_id)
                journey = "" if row is None else row.name
        return AlertNotice(
            rule=alert.rule, change=change, since=datetime.fromisoformat(since) if since else alert.opened_at,
            code="" if application is None else application.code, name="" if application is None else application.name,
            journey=journey, what=detail.get("what", ""), unit=detail.get("unit", ""), value=alert.value,
            limit=alert.limit_value, share=detail.get("share"), low=detail.get("low"), high=detail.get("high"),
            cause=detail.get("cause", ""), subject=detail.get("subject", ""), path=path_of(alert, application),
        )  # fmt: skip


def path_of(alert: Alert, application: Watched | None) -> str:
    """Page of the dashboard that shows what an alert is about."""
    if application is not None:
        return f"/applications/{application.code}"
    return "/targets" if alert.rule == "target" else "/"
