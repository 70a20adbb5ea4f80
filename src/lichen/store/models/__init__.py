# SPDX-License-Identifier: Apache-2.0
"""The tables. One class a table, named after it; columns whose unit is not in their name have it in their class's text."""

from lichen.store.models.access import ApiToken, AuditEvent, Setting, WebSession
from lichen.store.models.aims import Action, Scope, Status, Target, Weight
from lichen.store.models.application import Application, Deployment, Environment, Journey, Part
from lichen.store.models.base import Base, Money, UtcTime, new_id, utc_now
from lichen.store.models.facts import Cost, Equipment, Traffic, Value
from lichen.store.models.measured import Basis, Figure, Granularity, IngestJournal, LandingState, Lease, Level, Run
from lichen.store.models.organisation import Membership, Organisation, Role, Team, User
from lichen.store.models.sources import ClaimSource, LaterFactors, SourceClaim, Tier, TierSource
from lichen.store.models.watching import (
    RESTATED,
    Alert,
    AlertState,
    Budget,
    ChangeCandidate,
    ChangePoint,
    Delivery,
    DeliveryAttempt,
    DeliveryKind,
    DeliveryStatus,
    JobRun,
    Mark,
    MarkKind,
    Per,
)

__all__ = [
    "RESTATED", "Action", "Alert", "AlertState", "ApiToken", "Application", "AuditEvent", "Base", "Basis", "Budget",
    "ChangeCandidate", "ChangePoint", "ClaimSource", "Cost", "Delivery", "DeliveryAttempt", "DeliveryKind",
    "DeliveryStatus", "Deployment", "Environment", "Equipment", "Figure", "Granularity", "IngestJournal", "JobRun",
    "Journey", "LandingState", "LaterFactors", "Lease", "Level", "Mark", "MarkKind", "Membership", "Money",
    "Organisation", "Part", "Per", "Role", "Run", "Scope", "Setting", "SourceClaim", "Status", "Target", "Team", "Tier",
    "TierSource", "Traffic", "User", "UtcTime", "Value", "WebSession", "Weight", "new_id", "utc_now",
]  # fmt: skip
