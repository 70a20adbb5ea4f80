# SPDX-License-Identifier: Apache-2.0
"""JSON for people: the same content whatever its shape, rows on one line, nothing that is no number."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.cli.json_text import pieces

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
)


@given(VALUES, st.booleans())
def test_what_is_written_is_what_was_given(document: Any, ensure_ascii: bool) -> None:
    text = "".join(pieces(document, ensure_ascii=ensure_ascii))
    assert json.loads(text) == document
    assert text.isascii() or not ensure_ascii


def test_rows_stand_on_one_line_and_what_holds_them_is_indented() -> None:
    row = {"id": "a", "fallback": ["FR", "WORLD"]}
    text = "".join(pieces({"impacts": [{"value": 1.5, "factors": [row, row]}], "totals": [row]}, ensure_ascii=False))
    assert text.splitlines() == [
        "{",
        '  "impacts": [',
        "    {",
        '      "value": 1.5,',
        '      "factors": [',
        f"        {json.dumps(row)},",
        f"        {json.dumps(row)}",
        "      ]",
        "    }",
        "  ],",
        '  "totals": [',
        f"    {json.dumps(row)}",
        "  ]",
        "}",
    ]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(pieces({"rows": [{"value": wrong}]}, ensure_ascii=False))
