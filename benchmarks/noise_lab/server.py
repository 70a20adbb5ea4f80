# SPDX-License-Identifier: Apache-2.0
"""A small server with a database in memory: the work of a server part, and the page that the browser works on.

``server.py`` prints its port. ``/query`` runs one fixed set of queries, ``/`` is the page.
"""

from __future__ import annotations

import http.server
import sqlite3

ROWS = 4000
QUERIES = (
    "select region, count(*), avg(amount), max(amount) from loan group by region order by 3 desc",
    "select a.region, sum(a.amount * b.rate) from loan a join rate b on a.term = b.term group by a.region",
    "select id, amount from loan order by amount * (1 + term) desc limit 20",
)
PAGE = b"""<!doctype html><html lang=en><meta charset=utf-8><title>Cards</title>
<style>main{display:grid;grid-template-columns:repeat(6,1fr);gap:4px}
article{border:1px solid;padding:4px;border-radius:4px}</style>
<h1>Cards</h1><main></main><p id=state>busy</p><script>
const main = document.querySelector("main"), cards = [];
let value = 1;
const next = () => value = (value * 1103515 + 12345) % 2147483647;
for (let i = 0; i < 600; i++) {
  const card = document.createElement("article");
  card.textContent = "card " + next();
  card.value = next();
  cards.push(card);
}
let round = 0;
function show() {
  cards.sort((a, b) => round % 2 ? a.value - b.value : b.value - a.value);
  for (const card of cards) { card.style.padding = (4 + round % 3) + "px"; main.append(card); }
  let sum = 0;
  for (let i = 0; i < 600000; i++) sum = (sum * 31 + i) % 1000003;
  main.title = sum + main.offsetHeight;
  if (++round < 12) requestAnimationFrame(show); else document.querySelector("#state").textContent = "ready";
}
requestAnimationFrame(show);
</script></html>"""


def database() -> sqlite3.Connection:
    """The same rows on every start."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("create table loan (id integer primary key, region integer, amount real, term integer)")
    connection.execute("create table rate (term integer primary key, rate real)")
    rows = ((n, n * 7919 % 17, (n * 104_729 % 100_003) / 7, n * 31 % 25) for n in range(ROWS))
    connection.executemany("insert into loan values (?, ?, ?, ?)", rows)
    connection.executemany("insert into rate values (?, ?)", ((term, 0.01 + term / 1000) for term in range(25)))
    return connection


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers on connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    connection_of_rows = database()

    def do_GET(self) -> None:
        """One page, or one set of queries."""
        if self.path == "/query":
            found = [self.connection_of_rows.execute(query).fetchall() for query in QUERIES]
            kind, body = "text/plain", str([len(rows) for rows in found]).encode()
        else:
            kind, body = "text/html", PAGE
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
