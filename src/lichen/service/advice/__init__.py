# SPDX-License-Identifier: Apache-2.0
"""What to change in a journey, each with a measured reason and what it would save."""

from lichen.service.advice.advise import Advice, JourneyAdvice, advise
from lichen.service.advice.finding import Finding, Rule, Saved

__all__ = ["Advice", "Finding", "JourneyAdvice", "Rule", "Saved", "advise"]
