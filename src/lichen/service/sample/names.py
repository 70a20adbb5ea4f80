# SPDX-License-Identifier: Apache-2.0
"""Who and what the sample portfolio is about: a made-up public bank with 17 teams and 80 applications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ORGANISATION: Final = "Sample Bank (made up)"
PREFIX: Final = "sample-"
"""What codes of the sample begin with, so that none is ever taken for somebody's own."""

TEAMS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Guarantees": ("Financing", ("Guarantee desk", "Guarantee calls", "Guarantee scoring", "Portfolio guarantees", "Claims")),
    "Loans": ("Financing", ("Loan application", "Loan back office", "Repayments", "Loan contracts", "Early settlement")),
    "Innovation aid": ("Financing", ("Aid applications", "Aid review", "Aid payments", "Project follow-up", "Call for projects")),
    "Investment": ("Financing", ("Fund portal", "Deal flow", "Shareholder register", "Valuations")),
    "Export": ("Financing", ("Export insurance", "Export missions", "Country risk", "Export credit")),
    "Onboarding": ("Customers", ("Company onboarding", "Document check", "Anti-fraud", "Electronic signature", "Consent")),
    "Identity": ("Customers", ("Sign-in", "Account settings", "Mandates", "Access review")),
    "Customer space": ("Customers", ("Customer space", "Messages", "Appointments", "Notifications", "Surveys", "Mobile app")),
    "Advice": ("Customers", ("Self-diagnosis", "Climate plan", "Mentoring", "Advisor desk", "Resource library")),
    "Partners": ("Customers", ("Partner portal", "Bank exchange", "Regional desk", "Partner API", "Commissions")),
    "Public site": ("Communication", ("Public site", "Events", "Press room", "Newsletter", "Store locator")),
    "Learning": ("Communication", ("Online courses", "Webinars", "Certificates", "Training planner")),
    "Payments": ("Finance", ("Payment hub", "Reconciliation", "Direct debits", "Treasury", "Invoices")),
    "Risk": ("Finance", ("Risk engine", "Stress tests", "Regulatory reports", "Limits", "Early warning")),
    "Data": ("Technology", ("Data catalogue", "Self-service reports", "Data quality", "Open data", "Forecasts")),
    "Workplace": ("Technology", ("Intranet", "Expense claims", "Meeting rooms", "Leave planner", "Helpdesk")),
    "Platform": ("Technology", ("Developer portal", "Monitoring", "Secrets")),
}  # fmt: skip
"""Team -> the domain of its applications, and their names."""

OWNERS: Final = (
    "A. Moreau", "B. Lefèvre", "C. Durand", "D. Petit", "E. Garnier", "F. Roux", "G. Faure", "H. Blanc", "I. Guérin", "J. Müller",
    "K. Henry", "L. Nowak", "M. Silva", "N. Perrin", "O. Clément",
)  # fmt: skip

ACTIONS: Final = (
    ("Pictures as WebP, sized for the screen", 0.18),
    ("Third-party trackers removed", 0.12),
    ("Answers of the API compressed", 0.08),
    ("Lists paged on the server", 0.15),
    ("Polling replaced by a push message", 0.22),
    ("Animations stop when nobody looks", 0.09),
    ("One form in place of three pages", 0.20),
    ("Nightly report only where somebody reads it", 0.05),
)
"""Title, and the saving expected of it."""
