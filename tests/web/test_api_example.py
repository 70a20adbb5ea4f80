# SPDX-License-Identifier: Apache-2.0
"""The example that fills somebody else's board does so, against a real server, in thirty lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests import board_support as support
from tests.e2e.prometheus_support import answering, send
from tests.web.server_support import token
from tests.web.test_api import web_of
from tests.web.test_api_metrics import serving

from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import PortfolioQuery

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "fill_a_board.py"


@pytest.mark.slow
@pytest.mark.beside
def test_another_board_gets_every_application(tmp_path: Path) -> None:
    received: list[Any] = []

    def take(handler: BaseHTTPRequestHandler) -> None:
        assert handler.headers["Authorization"] == "Bearer board-secret"
        received.extend(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
        send(handler, "{}", kind="application/json")

    with support.sample_board(tmp_path) as board, serving(board) as port, answering(take) as address:
        done = subprocess.run(
            [sys.executable, "-I", str(EXAMPLE)], check=True, capture_output=True, text=True, timeout=60,
            env={
                **os.environ, "LICHEN_URL": f"http://127.0.0.1:{port}", "LICHEN_TOKEN": token(web_of(board), "read"),
                "BOARD_URL": address, "BOARD_TOKEN": "board-secret",
            },
        )  # fmt: skip
        assert done.stdout == "80 applications sent\n"
        shown = portfolio(board, PortfolioQuery()).rows
    by_code = {row["application"]: row for row in received}
    assert len(by_code) == 80
    for row in shown:
        sent = by_code[row.application.code]
        assert sent["impact.value"] == row.measures.impact.value
        assert (sent["rank"], sent["weighted_rank"]) == (row.ranks.rank, row.ranks.weighted_rank)
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 30
