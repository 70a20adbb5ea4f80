# SPDX-License-Identifier: Apache-2.0
"""Fills another board: LICHEN_URL and LICHEN_TOKEN give the figures, BOARD_URL takes a JSON list of rows with BOARD_TOKEN."""

import json
import os
from urllib.request import Request, urlopen

COLUMNS = ("visits", "cost.amount", "value.amount", "impact.value", "impact.low", "impact.high", "roi.value")


def call(whose, path="", content=None):
    """Asks LICHEN or BOARD; sends ``content`` as JSON if there is some."""
    body = None if content is None else json.dumps(content).encode()
    headers = {"Authorization": f"Bearer {os.environ[f'{whose}_TOKEN']}", "Content-Type": "application/json"}
    with urlopen(Request(os.environ[f"{whose}_URL"] + path, body, headers), timeout=60) as answer:  # noqa: S310
        return answer.read()


rows, cursor = [], ""
while cursor is not None:
    page = json.loads(call("LICHEN", f"/api/v1/applications?limit=100{cursor and f'&cursor={cursor}'}"))
    for item in page["items"]:
        row = {"application": item["application"]["code"], **item["ranks"]}
        for column in COLUMNS:
            name, _, part = column.partition(".")
            row[column] = item["measures"][name][part] if part else item["measures"][name]
        rows.append(row)
    cursor = page["next"]
call("BOARD", content=rows)
print(len(rows), "applications sent")
