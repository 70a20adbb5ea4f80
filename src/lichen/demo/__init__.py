# SPDX-License-Identifier: Apache-2.0
"""The bundled sample application: a portal for state-guaranteed loans and its back office.

Two ordinary web processes over one SQLite file. They exist to be measured, so every answer has the same size
on every cold run: the business date is fixed, identifiers are sequential and the data set is seeded.
"""

from datetime import date
from pathlib import Path
from typing import Final

BUSINESS_DATE: Final = date(2025, 6, 30)
"""The day the portal believes it is: content never depends on the clock of the machine."""

LANGUAGES: Final = ("en", "fr")

HERE: Final = Path(__file__).resolve().parent
