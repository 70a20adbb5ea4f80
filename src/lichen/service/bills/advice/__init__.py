# SPDX-License-Identifier: Apache-2.0
"""What to change in what a bill tells of: each rule beside what following it would save in money, climate, energy and water."""

from lichen.service.bills.advice.advising import BillAdvice, Piece, advise_bill
from lichen.service.bills.advice.asking import Question

__all__ = ["BillAdvice", "Piece", "Question", "advise_bill"]
