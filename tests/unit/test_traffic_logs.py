# SPDX-License-Identifier: Apache-2.0
"""Access logs: visits and page views counted by hand, each format, rotated and packed files, robots, clocks, hostile lines."""

from __future__ import annotations

import contextlib
import gzip
import re
import tracemalloc
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lichen.collect.declared import lines as reading
from lichen.collect.traffic import DayRow, JourneyRule, LogReport, Pages
from lichen.collect.traffic.globs import Glob
from lichen.collect.traffic.hits import CombinedParser, W3cParser
from lichen.collect.traffic.logs import CLOUDFRONT, COMBINED, Rules, looks_like_log, read_logs
from lichen.collect.traffic.robots import Robots
from lichen.errors import LichenError, StorageError

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NOON: Final = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
APPLY: Final = JourneyRule(name="apply", paths=("/apply/**",), start="/apply/start")


def line(
    minute: float = 0, path: str = "/", *, address: str = "192.0.2.1", agent: str | None = FIREFOX, status: int = 200,
    method: str = "GET", offset: str = "+0000",
) -> str:  # fmt: skip
    """A line of the combined format, of the common one without agent; minutes count from noon of 2 November 2026."""
    at = (NOON + timedelta(minutes=minute)).strftime("%d/%b/%Y:%H:%M:%S")
    tail = "" if agent is None else f' "https://example.org/" "{agent}"'
    return f'{address} - - [{at} {offset}] "{method} {path} HTTP/1.1" {status} 5120{tail}'


def write(path: Path, lines: Iterable[str], *, packed: bool = False) -> Path:
    content = "".join(f"{one}\n" for one in lines).encode("utf-8", "surrogateescape")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def read(
    *paths: Path,
    journeys: Sequence[JourneyRule] = (),
    zone: tzinfo = UTC,
    ignore: Sequence[str] = ("/api/**",),
    **more: Any,
) -> tuple[tuple[DayRow, ...], LogReport]:
    rules = Rules(pages=Pages(journeys, ignore), robots=Robots(), zone=zone, now=int(NOW.timestamp()), **more)
    return read_logs(paths, rules)


def whole(rows: Iterable[DayRow]) -> list[tuple[date, float | None, float | None]]:
    return [(row.day, row.visits, row.page_views) for row in rows if row.journey is None]


DAY: Final = date(2026, 11, 2)


def test_visits_by_hand(tmp_path: Path) -> None:
    """One visitor at 0, 29 and 60 minutes makes two visits, another address a third, another browser a fourth."""
    lines = [
        line(0), line(0, address="192.0.2.2"), line(0, agent=f"{FIREFOX} other"), line(29), line(60, "/x?q=1"),
        line(60, "/style.css"), line(60, "/api/loans"), line(60, method="POST"), line(60, status=404), line(60, status=302),
        line(60, "/y", status=304), line(60, agent="Googlebot/2.1 (+http://www.google.com/bot.html)"), line(60, agent="-"),
    ]  # fmt: skip
    rows, report = read(write(tmp_path / "access.log", lines))
    assert whole(rows) == [(DAY, 4, 6)]
    assert (report.lines, report.pages, report.robots, report.other, report.malformed) == (13, 6, 2, 5, 0)
    assert (report.first, report.last, report.without_agent) == (DAY, DAY, False)


def test_a_pause_of_exactly_the_limit_ends_a_visit(tmp_path: Path) -> None:
    rows, _ = read(write(tmp_path / "a", [line(0), line(30)]))
    assert whole(rows) == [(DAY, 2, 2)]
    rows, _ = read(write(tmp_path / "b", [line(0), line(30)]), session_s=3600)
    assert whole(rows) == [(DAY, 1, 2)]


def test_journeys_by_hand(tmp_path: Path) -> None:
    """A visit counts for a journey when it sees its start, once; page views are those of all its pages."""
    lines = [
        line(0, "/apply/start"), line(1, "/apply/start"), line(2, "/apply/amount/2"),  # begins, reloads, goes on
        line(0, "/apply/amount/1", address="192.0.2.2"),  # never sees the start
        line(40, "/"), line(41, "/apply/start"),  # the first visitor's second visit
    ]  # fmt: skip
    rows, _ = read(write(tmp_path / "a", lines), journeys=[APPLY, JourneyRule(name="browse", paths=("/", "/loans"))])
    assert [(row.journey, row.visits, row.page_views) for row in rows] == [
        (None, 3, 6), ("apply", 2, 5), ("browse", 1, 1),
    ]  # fmt: skip


def test_a_visit_belongs_to_the_day_it_began(tmp_path: Path) -> None:
    """23:50 and 0:10 in Paris are one visit of 2 November; at 0:10 the journey begins."""
    lines = [line(10 * 60 + 50), line(11 * 60 + 10, "/apply/start")]
    rows, _ = read(write(tmp_path / "a", lines), zone=ZoneInfo("Europe/Paris"), journeys=[APPLY])
    assert [(row.day.day, row.journey, row.visits, row.page_views) for row in rows] == [
        (2, None, 1, 1), (2, "apply", 1, 0), (3, None, 0, 1), (3, "apply", 0, 1),
    ]  # fmt: skip
    rows, _ = read(tmp_path / "a")
    assert whole(rows) == [(DAY, 1, 2)]


def test_a_day_of_25_hours_is_one_day(tmp_path: Path) -> None:
    """25 October 2026 in Paris: 2:30 comes twice; three visitors, one of each half-hour and one at 23:59."""
    lines = [
        f'192.0.2.{number} - - [25/Oct/2026:{time}] "GET / HTTP/1.1" 200 1 "-" "{FIREFOX}"'
        for number, time in enumerate(("02:30:00 +0200", "02:30:00 +0100", "23:59:59 +0100"))
    ]
    rows, report = read(write(tmp_path / "a", lines), zone=ZoneInfo("Europe/Paris"))
    assert whole(rows) == [(date(2026, 10, 25), 3, 3)]
    assert report.late == 0


@pytest.mark.parametrize(
    ("offset", "day"), [("+0000", 2), ("+1300", 1), ("-1200", 3), ("-1300", 3), ("+0530", 2)]
)  # fmt: skip
def test_offsets_of_the_log(tmp_path: Path, offset: str, day: int) -> None:
    rows, _ = read(write(tmp_path / "a", [line(0, offset=offset)]))
    assert rows[0].day == date(2026, 11, day)


@pytest.mark.parametrize(
    "text",
    [
        line(0, address="2001:db8::ffff:1"),
        line(0, agent=None),
        f"www.example.org:443 {line(0)}",
        f'{line(0)} "198.51.100.7" 0.003',
        line(0).replace(" - - ", " - jo ann "),
        line(0, agent='Mozilla/5.0 \\"quoted\\" Firefox'),
        line(0, "/\\x22><script>"),
        line(0, "/r%C3%AAve/%00"),
    ],
)
def test_lines_that_are_requests(tmp_path: Path, text: str) -> None:
    rows, report = read(write(tmp_path / "a", [text]))
    assert whole(rows) == [(DAY, 1, 1)]
    assert report.malformed == 0
    assert report.without_agent == ('"Mozilla' not in text)


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        line(0)[:60],
        line(0).replace("02/Nov", "31/Nov"),
        line(0).replace("Nov", "Xxx"),
        line(0).replace(":12:00:00", ":25:00:00"),
        line(0).replace("/2026", "/0000"),
        line(0).replace("/2026", "/1970"),
        line(0).replace(" 200 ", " two "),
        "\udcff\udcfe\udc80",
        "\x16\x03\x01\x02",
    ],
)
def test_lines_that_are_none_are_counted_and_told(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a", [line(0), text, line(1)])
    rows, report = read(path)
    assert whole(rows) == [(DAY, 1, 2)]
    assert (report.lines, report.malformed, report.examples) == (3, 1, [f"{path}:2"])


def test_a_tls_handshake_and_an_empty_request_are_no_page(tmp_path: Path) -> None:
    odd = [line(0).replace("GET / HTTP/1.1", wrong) for wrong in ("-", "\\x16\\x03", "")]
    _, report = read(write(tmp_path / "a", [line(0), *odd]))
    assert (report.pages, report.other, report.malformed) == (1, 3, 0)


REAL: Final = Path(__file__).parents[1] / "fixtures" / "access-logs"
"""Written by the servers themselves, asked by curl over IPv4 and IPv6: two visitors with quotes and a backslash in their agent,
who see two pages each; besides, a style, curl under its own name, a page that is missing and a HEAD."""


@pytest.mark.parametrize("path", sorted(REAL.glob("*.log")), ids=lambda path: path.stem)
def test_logs_of_real_servers(path: Path) -> None:
    rows, report = read(path, journeys=[APPLY])
    agents = "common" not in path.name
    assert [(row.journey, row.visits, row.page_views) for row in rows] == [
        (None, 2, 4 if agents else 6), ("apply", 2, 2),
    ]  # fmt: skip
    assert (report.lines, report.robots, report.malformed, report.without_agent) == (
        12,
        2 if agents else 0,
        0,
        not agents,
    )


def test_there_are_logs_of_real_servers() -> None:
    assert len(list(REAL.glob("*.log"))) == 4


def test_rotated_and_packed_files_in_any_order_are_one_log(tmp_path: Path) -> None:
    """The visit that goes on over the rotation is one."""
    old = write(tmp_path / "access.log.1.gz", [line(0), line(20)], packed=True)
    new = write(tmp_path / "access.log", [line(40), line(41, address="192.0.2.2")])
    assert read(new, old) == read(old, new)
    rows, _ = read(new, old, new)
    assert whole(rows) == [(DAY, 2, 4)]


def test_files_of_several_servers_are_merged_by_time(tmp_path: Path) -> None:
    """A visitor whose pages come from two servers in turns makes one visit of 100 minutes."""
    first = write(tmp_path / "one", [line(minute) for minute in range(0, 100, 40)])
    second = write(tmp_path / "two", [line(minute) for minute in range(20, 120, 40)])
    rows, report = read(first, second)
    assert whole(rows) == [(DAY, 1, 6)]
    assert report.late == 0


def test_a_clock_that_was_set_back_is_told(tmp_path: Path) -> None:
    _, report = read(write(tmp_path / "a", [line(100), line(0)]))
    assert report.late == 1


FIELDS: Final = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query"
)
TWICE: Final = FIREFOX.replace(" ", "%2520")


def cloudfront(time: str = "12:00:00", stem: str = "/", agent: str = FIREFOX, **more: str) -> str:
    values = {
        "date": "2026-11-02", "time": time, "x-edge-location": "CDG50", "sc-bytes": "99", "c-ip": "2001:db8::1",
        "cs-method": "GET", "cs(Host)": "d1.cloudfront.net", "cs-uri-stem": stem, "sc-status": "200",
        "cs(User-Agent)": agent.replace(" ", "%20"), "cs-uri-query": "-",
    } | more  # fmt: skip
    return "\t".join(values[name] for name in FIELDS.split())


def test_cloudfront_by_hand(tmp_path: Path) -> None:
    """Agents are encoded once or twice; a visitor is the same in both."""
    lines = [
        "#Version: 1.0", f"#Fields: {FIELDS}", cloudfront(),
        cloudfront("12:10:00", agent=TWICE), cloudfront("12:20:00", "/a.png"),
        cloudfront("12:21:00", agent="Mozilla/5.0%2520(compatible;%2520bingbot/2.0)"), cloudfront(**{"sc-status": "000"}),
        cloudfront(**{"cs-method": "HEAD"}), f"#Fields: {FIELDS}", cloudfront("13:00:00", "/apply/start"),
        cloudfront(date="2026-13-02"), "2026-11-02",
    ]  # fmt: skip
    path = write(tmp_path / "E1.2026-11-02-12.abc.gz", lines, packed=True)
    assert looks_like_log(path) == CLOUDFRONT
    rows, report = read(path, journeys=[APPLY])
    assert [(row.journey, row.visits, row.page_views) for row in rows] == [(None, 2, 3), ("apply", 1, 1)]
    assert (report.robots, report.other, report.malformed) == (1, 3, 2)


def test_a_w3c_log_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ["#Fields: date time cs-uri-stem", "2026-11-02\t12:00:00\t/"])
    with pytest.raises(StorageError, match="no access log"):
        read(path)


@pytest.mark.parametrize(
    ("glob", "matching", "other"),
    [
        ("/apply/*", ["/apply/a", "/apply/"], ["/apply", "/apply/a/b"]),
        ("/apply/**", ["/apply/a", "/apply/a/b"], ["/apply", "/x/apply/a"]),
        ("**/pay", ["/pay", "/a/b/pay"], ["/pay/x"]),
        ("/a?c", ["/abc"], ["/a/c", "/ac"]),
        ("/a.b+(c)[d]", ["/a.b+(c)[d]"], ["/axb+(c)[d]", "/a.bb(c)d"]),
        ("/rêve", ["/rêve"], ["/reve"]),
    ],
)
def test_patterns_of_paths(glob: str, matching: list[str], other: list[str]) -> None:
    assert [path for path in (*matching, *other) if Glob(glob).matches(path)] == matching


@given(st.text("a/*?", max_size=8), st.text("ab/", max_size=8))
def test_patterns_are_what_they_say(glob: str, path: str) -> None:
    """As a regular expression that is written from the definition."""
    words = {"*": "[^/]*", "?": "[^/]"}
    expression = "".join(
        words.get(token) or (".*" if "*" in token else re.escape(token)) for token in re.findall(r"\*+|.", glob)
    )
    assert Glob(glob).matches(path) is (re.fullmatch(expression, path) is not None)


def test_no_path_is_slow() -> None:
    """A pattern on which a regular expression would try some 10^20 ways."""
    assert not Glob("/" + "**a" * 12 + "**b").matches("/" + "a" * 1_000)


def test_encoded_paths_match_as_people_write_them() -> None:
    pages = Pages([JourneyRule(name="a", paths=("/rêve/*",))])
    assert pages.of(b"/r%C3%AAve/1?x=/rien") == (1, 1)
    assert pages.of(b"/r%EAve/1") == (0, 0)
    assert pages.of(b"/photo.JPG?x=1") is None


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        (FIREFOX, False),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36", False),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0)", True),
        ("curl/8.5.0", True),
        ("Mozilla/5.0 (X11) HeadlessChrome/130.0", True),
        ("ELB-HealthChecker/2.0", True),
        ("", True),
    ],
)
def test_robots_by_what_they_say(agent: str, robot: bool) -> None:
    assert Robots().is_robot(agent.encode()) is robot


def test_robots_of_ones_own() -> None:
    assert Robots(["Firefox/140"]).is_robot(FIREFOX.encode())


def test_what_is_kept_of_a_visitor_is_a_salted_hash(tmp_path: Path) -> None:
    """Two counters give one visitor two keys, and neither holds the address."""
    from lichen.collect.traffic.hits import Hit
    from lichen.collect.traffic.visits import VisitCounter

    keys = []
    for _ in range(2):
        counter = VisitCounter(Pages(), Robots(), UTC)
        counter.add(Hit(0, b"192.0.2.1 " + FIREFOX.encode(), FIREFOX.encode(), b"/"))
        assert "192.0.2.1" not in repr(vars(counter))
        keys.extend(counter._visits)
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {8}


@pytest.mark.parametrize("packed", [False, True])
def test_memory_does_not_grow_with_the_log(tmp_path: Path, packed: bool) -> None:
    """Eight times the lines of as many visitors at once need no more memory."""

    def peak(count: int) -> int:
        lines = (line(number / 100, f"/p{number % 50}", address=f"192.0.2.{number % 200}") for number in range(count))
        path = write(tmp_path / f"{count}", lines, packed=packed)
        tracemalloc.start()
        try:
            read(path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(8_000) < 1.5 * peak(1_000)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_BOMB_BYTES", 1 << 20)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(line(0).encode() + b"\n" + b"\0" * (8 << 20)))
    with pytest.raises(StorageError, match="unpacks to more than 200 times"):
        read(path)


def test_a_line_without_end_is_passed_over(tmp_path: Path) -> None:
    long = "x" * (3 * reading.LONGEST_LINE)
    path = write(tmp_path / "a", [line(0), long, line(1)])
    rows, report = read(path)
    assert whole(rows) == [(DAY, 1, 2)]
    assert (report.lines, report.malformed) == (3, 1)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"day,visits\n2026-11-02,5\n", b"\x89PNG\r\n\x1a\n" * 100])
def test_what_is_no_log_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(StorageError, match="a is no access log"):
        read(tmp_path / "a")


def test_damaged_missing_and_odd_files_are_told(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(b"\n".join(line(n).encode() for n in range(1000)))[:300])
    for path, said in ((cut, "damaged gzip"), (tmp_path / "none", "cannot be read"), (tmp_path, "is no file")):
        with pytest.raises(StorageError, match=said):
            read(path)


def test_the_future_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [line(0), line(0).replace("/2026:", "/2027:")])
    with pytest.raises(StorageError, match=r"line 2 of .* is of the future") as caught:
        read(path)
    assert caught.value.culprit == f"{path}:2"


def test_a_log_of_robots_alone_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no page view in .*: 2 requests of robots, 1 others"):
        read(write(tmp_path / "a", [line(0, agent="curl/8"), line(0, agent="-"), line(0, "/x.css")]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=200), st.just(line(0).encode())), max_size=8), st.booleans())
def test_no_bytes_break_it(tmp_path: Path, pieces: list[bytes], packed: bool) -> None:
    content = b"\n".join(pieces)
    (tmp_path / "a").write_bytes(gzip.compress(content) if packed else content)
    with contextlib.suppress(LichenError):
        rows, report = read(tmp_path / "a")
        assert sum(row.page_views or 0 for row in rows) == report.pages
        assert report.lines == report.pages + report.robots + report.other + report.malformed


@given(st.binary(max_size=300))
def test_no_line_breaks_a_parser(content: bytes) -> None:
    w3c = W3cParser()
    w3c.directive(b"#Fields: " + " ".join(W3cParser.NEEDED).encode())
    assert w3c.ready
    for parse in (CombinedParser(), w3c):
        found = parse(content)
        assert found is None or isinstance(found.at, int)


visit_lines = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from("12"), st.sampled_from(["/", "/apply/start", "/apply/2"])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visit_lines, st.integers(0, 25))
def test_cutting_a_log_changes_no_count(tmp_path: Path, hits: list[tuple[int, str, str]], cut: int) -> None:
    """Visits are counted as the definition has them, whether the log is one file or two."""
    lines = [line(minute, path, address=f"192.0.2.{visitor}") for minute, visitor, path in sorted(hits)]
    whole_file = write(tmp_path / "whole", lines)
    parts = [write(tmp_path / f"part{number}", part) for number, part in enumerate((lines[:cut], lines[cut:])) if part]
    rows, _ = read(whole_file, journeys=[APPLY])
    assert read(*parts, journeys=[APPLY])[0] == rows
    expected = 0
    for visitor in "12":
        minutes = sorted(minute for minute, who, _ in hits if who == visitor)
        expected += sum(number == 0 or minute - minutes[number - 1] >= 30 for number, minute in enumerate(minutes))
    assert sum(row.visits or 0 for row in rows if row.journey is None) == expected
    assert sum(row.page_views or 0 for row in rows if row.journey is None) == len(hits)


def test_formats_are_told_apart(tmp_path: Path) -> None:
    assert looks_like_log(write(tmp_path / "a", ["", "?", line(0)])) == COMBINED
    assert looks_like_log(write(tmp_path / "b", ["date,visits"])) is None
