# SPDX-License-Identifier: Apache-2.0
"""Pages from views made by hand: what they say of unknowns, hostile names, money, changes and gaps, and what they weigh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from tests.web.access_support import World, world

from lichen.config import load_settings
from lichen.outputs.web.access import Identity
from lichen.outputs.web.pages.addresses import Addresses
from lichen.outputs.web.pages.drawings import Drawings
from lichen.outputs.web.pages.footprint import Weight, footprint, weigh
from lichen.outputs.web.pages.rendering import environment, named, render, with_footprint
from lichen.outputs.web.pages.static import asset
from lichen.render.curves import Place, line_chart, nice_top, sparkline, tick_values
from lichen.service.board.queries import PortfolioQuery
from lichen.service.board.rows import Curve, DeploymentMark, Frame, Measures, PortfolioRow, PortfolioTotals
from lichen.service.board.shapes import (
    Effects,
    Figure,
    MethodName,
    Missing,
    Money,
    Named,
    Page,
    Period,
    Point,
    Ranks,
    RollOut,
    TargetGap,
    Trend,
)
from lichen.service.board.views import PortfolioView
from lichen.service.workspace import Workspace

HOSTILE: Final = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "طلب \u202eالقرض", "🌿" * 30, "n" * 10_000)
SHARES: Final = {"measured": 0.62, "modelled": 0.31, "proxy": 0.07}
FIGURE: Final = Figure(
    value=2137.0, low=1500.0, high=3100.0, unit="gCO2e", shares=SHARES, why="/explain?level=application&ref=a"
)
UNKNOWN: Final = Figure(value=None, unit="gCO2e", missing=Missing.NO_RUN)
EUROS: Final = Money(amount=Decimal("1234567.89"), currency="EUR")
NOTHING: Final = Money(amount=None, currency="EUR", missing=Missing.NO_VALUE)
GAP: Final = TargetGap(
    scope="organisation", inherited=True, indicator="gwp100", base_year=2024, horizon_year=2030, reduction=0.3, base=100.0,
    planned=80.0, actual=92.0, unit="gCO2e", gap=0.15,
)  # fmt: skip
EN, FR = Drawings("en"), Drawings("fr")


def view(*names: str, measures: Measures | None = None) -> PortfolioView:
    """A portfolio with an application of each name."""
    shown = measures or Measures(
        visits=1234567.0, cost=EUROS, value=NOTHING, impact=FIGURE, per_visit=replace(FIGURE, unit="gCO2e/visit"),
        per_euro=UNKNOWN, roi=Figure(value=None, unit="1", missing=Missing.NO_VALUE), cost_per_visit=UNKNOWN,
    )  # fmt: skip
    trend = Trend(
        points=(Point(at=date(2026, 9, 1), value=2.0), Point(at=date(2026, 10, 1), value=1.5)),
        unit="gCO2e",
        change=-0.25,
    )
    rows = tuple(
        PortfolioRow(
            application=Named(code=f"a{number}", name=name), team=Named(code="t", name=name), domain="", criticality=None,
            measures=shown, trend=trend, target=GAP, ranks=Ranks(weight=2.0, weight_reason="", rank=3, weighted_rank=1),
            last_run=None,
        )
        for number, name in enumerate(names)
    )  # fmt: skip
    return PortfolioView(
        frame=Frame(
            organisation="Bank", sample=False, period=Period(start=date(2026, 10, 1), end=date(2026, 11, 1), name="2026-10"),
            periods=("2026-10", "2026-09"), currency="EUR", is_over=True,
            method=MethodName(method_id="lichen-1", version="1.0.0", title={"en": "Method"}, factors_hash="f" * 64),
        ),
        query=PortfolioQuery(), rows=rows, facets=(), page=Page(number=1, size=25, rows=len(rows)),
        totals=PortfolioTotals(
            measures=shown, unallocated_cost=Money(amount=Decimal(500), currency="EUR"), applications=len(rows), trend=trend,
            target=GAP, estimated=0.38,
        ),
        roll_out=RollOut(measured=1, total=len(rows)), journeys_roll_out=RollOut(measured=1, total=3),
    )  # fmt: skip


def page(shown: PortfolioView, lang: str = "en", query: str = "") -> str:
    """The portfolio page of somebody signed in."""
    return render(
        "pages/portfolio.html.j2", lang, Addresses("/", tuple(parse_qsl(query))), caller=Identity(kind="user", name="Ada"),
        view=shown, frame=shown.frame, place="portfolio", before="2026-09", after=None, is_empty="", chosen=[], csv="/x.csv",
        columns=[("name", "asc", ""), ("gwp100", "asc", "descending")], has_twin=True,
    )  # fmt: skip


def test_unknown_is_a_word_with_its_reason_and_never_zero() -> None:
    shown = EN.figure(UNKNOWN)
    assert (shown.text, shown.missing, shown.spread) == ("unknown", "no run yet", "")
    assert EN.money(NOTHING) == "unknown"
    assert EN.integer(None) == EN.percent(None) == EN.change(None) == "unknown"
    assert EN.integer(0.0) == "0"
    assert FR.figure(UNKNOWN).missing == "aucune mesure"


def test_figures_have_their_range_and_unit_in_the_language() -> None:
    assert EN.figure(FIGURE).full == "2.1\u00a0kgCO₂e (1.5 to 3.1)"
    assert FR.figure(FIGURE).full == "2,1\u202fkg\u00a0éq.\u00a0CO₂ (1,5 à 3,1)"
    assert EN.figure(replace(FIGURE, unit="gCO2e/visit")).text == "2.1\u00a0kgCO₂e\u00a0/\u00a0visit"
    assert EN.figure(replace(FIGURE, unit="gCO2e/visit"), with_per=False).text == "2.1\u00a0kgCO₂e"
    assert EN.figure(Figure(value=22.0, unit="1")).text == "22"


def test_money_is_whole_from_ten_on_and_in_the_order_of_the_language() -> None:
    assert EN.money(EUROS) == "€1,234,568"
    assert FR.money(EUROS) == "1\u202f234\u202f568\u00a0€"
    assert EN.money(Money(amount=Decimal("3.5"), currency="USD")) == "$3.50"


@pytest.mark.parametrize(
    ("share", "text"), [(-0.123, "▼\u00a0\u221212%"), (0.5, "▲\u00a0+50%"), (0.001, "no change"), (0.0, "no change")]
)
def test_changes_have_an_arrow_and_a_sign(share: float, text: str) -> None:
    assert EN.change(share) == text


@pytest.mark.parametrize(
    ("lang", "alone", "inside"),
    [("en", "October 2026", "October 2026"), ("fr", "Octobre 2026", "octobre 2026")],
)
def test_a_month_has_its_capital_where_it_stands_alone(lang: str, alone: str, inside: str) -> None:
    words = Drawings(lang)
    assert (words.period("2026-10"), words.period("2026-10", inside=True)) == (alone, inside)
    assert words.period("2026", inside=True) == "2026"


def test_gaps_say_above_and_below_in_words() -> None:
    assert EN.gap(GAP) == "▲ 15% above"
    assert EN.gap(replace(GAP, gap=-0.02)) == "▼ 2% below"
    assert EN.gap(replace(GAP, gap=0.0)) == "on the path"
    assert EN.gap(replace(GAP, gap=None)) == "unknown"
    assert EN.gap(None) == "–"


def test_a_rank_tells_its_weighted_twin_only_where_they_differ() -> None:
    ranks = Ranks(weight=1.0, weight_reason="", rank=3, weighted_rank=3)
    assert EN.rank(ranks) == "#3"
    assert EN.rank(replace(ranks, weighted_rank=4)) == "#3, weighted #4"
    assert EN.rank(replace(ranks, weight=2.0, weighted_rank=1)) == "#3, weighted #1 (× 2)"
    assert EN.rank(replace(ranks, rank=None, weighted_rank=None)) == "unknown"


def test_counts_follow_the_plural_of_the_language() -> None:
    assert EN.count("web.footer.requests", 1) == "1 request"
    assert EN.count("web.footer.requests", 0) == "0 requests"
    assert FR.count("web.footer.requests", 0) == "0 requête"
    assert FR.period("2026-08") == "Août 2026"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_hostile_name_stays_text(name: str, lang: str) -> None:
    html = page(view(name), lang)
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert len(html) < 20_000
    if "ط" in name:
        assert "<bdi>" in html


def test_a_long_name_is_cut_and_its_title_is_bounded() -> None:
    shown = str(named("n" * 10_000, 40))
    assert shown.startswith('<bdi title="')
    assert len(shown) < 600
    assert str(named("Prêts", 40)) == "Prêts"


def test_twenty_five_rows_are_within_the_budget(workspace: Workspace) -> None:
    html = page(view(*(f"Application {number}" for number in range(25))))
    weight = weigh(html, ("app.css", "app.js"))
    assert weight.transfer_bytes < 30_000
    assert footprint(workspace, weight).grade == "A"
    row = html[html.index("<tbody>") : html.index("</tr>", html.index("<tbody>"))]
    assert row.count("<td") + row.count("<th") == 8


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    toml = tmp_path_factory.mktemp("pages") / "lichen.toml"
    toml.touch()
    return Workspace(load_settings(toml, env={}))


def test_a_page_counts_its_elements_without_those_in_drawings(workspace: Workspace) -> None:
    html = "<!doctype html><html><body><p>a<br>b</p><svg><g><path/></g></svg><i></i></body></html>"
    assert weigh(html, ()).elements == 6
    assert weigh(html, ()).requests == 1
    assert weigh(html, ("app.css",)).transfer_bytes - weigh(html, ()).transfer_bytes == len(asset("app.css").packed)


def test_the_footprint_is_that_of_the_published_score(workspace: Workspace) -> None:
    found = footprint(workspace, Weight(transfer_bytes=20_000, requests=3, elements=380))
    assert found.score == pytest.approx(81.331275, abs=1e-5)
    assert found.low < found.gwp100 < found.high


def test_the_footer_is_filled_in_both_languages(workspace: Workspace) -> None:
    for lang, start in (("en", "This page:"), ("fr", "Cette page\u00a0:")):
        html = with_footprint(page(view("One"), lang), lang, workspace, ("app.css", "app.js"))
        assert start in html
        assert "EcoIndex" in html
        assert str(environment().globals["footprint"]) not in html


def test_addresses_keep_filters_and_the_language() -> None:
    addresses = Addresses("/", (("team", "a"), ("team", "b"), ("lang", "fr"), ("page", "3")))
    assert addresses.here(page=None, sort="cost") == "/?team=a&team=b&lang=fr&sort=cost"
    assert addresses.here(team=["c"]) == "/?lang=fr&page=3&team=c"
    assert addresses.to("/targets") == "/targets?lang=fr"
    assert addresses.to("/explain?level=team") == "/explain?level=team&lang=fr"
    assert addresses.twin() == "/portfolio.json?team=a&team=b&page=3"
    assert Addresses("/runs/x", ()).twin() == "/runs/x.json"


def test_links_that_leave_the_text_alone_are_escaped() -> None:
    html = page(view("One"), query="search=%22%3E%3Cscript%3E")
    assert '"><script>' not in html


def test_each_figure_of_the_portfolio_opens_its_derivation() -> None:
    html = page(view("One"))
    assert html.count('href="/explain?level=application&amp;ref=a"') == 3
    assert 'aria-sort="descending"' in html


def test_curves_break_at_unknown_months_and_mark_deployments() -> None:
    points = tuple(
        Point(at=date(2026, month, 1), value=value) for month, value in enumerate((1.0, None, 3.0, 4.0), start=1)
    )
    curve = Curve(name="impact", unit="gCO2e", points=points)
    marks = [
        DeploymentMark(
            at=datetime(2026, 2, 1, tzinfo=UTC), version="2 <b>", commit="", author="", link="", environment=""
        ),
        DeploymentMark(
            at=datetime(2025, 2, 1, tzinfo=UTC), version="old", commit="", author="", link="", environment=""
        ),
    ]
    drawing = str(EN.chart(curve, deployments=marks))
    line = drawing[drawing.index('class="line" d="') :].split('"')[3]
    assert line.count("M") == 2
    assert drawing.count('class="mark"') == 1
    assert "2 &lt;b&gt;" in drawing
    names, rows = EN.curves_table([curve])
    assert names == ["Climate"]
    assert [cells[0] for _, cells in rows] == ["4.0\u00a0gCO₂e", "3.0\u00a0gCO₂e", "unknown", "1.0\u00a0gCO₂e"]
    assert str(EN.chart(replace(curve, points=(Point(at=date(2026, 1, 1), value=None),)))) == ""


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, 1.0), (0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (2.1, 2.5), (26.0, 50.0), (51.0, 100.0)]
)
def test_axes_end_at_a_round_number(value: float, top: float) -> None:
    assert nice_top(value) == pytest.approx(top)
    assert tick_values(value)[-1] == pytest.approx(top)


def test_a_sparkline_starts_at_zero_and_ends_with_a_dot() -> None:
    drawing = str(sparkline([0.0, 10.0, None], title="<t>", width=108, height=28))
    assert "M4.0 24.0L54.0 4.0" in drawing
    assert 'cx="54.0" cy="4.0"' in drawing
    assert "&lt;t&gt;" in drawing
    flat = str(line_chart([Place(label="<x>", value=1.0)], title="t", ticks=[(0.0, "0"), (1.0, "1")]))
    assert "&lt;x&gt;" in flat


def test_effects_add_up_in_words() -> None:
    change = Effects(before=350.0, volume=40.0, intensity=-52.0, factors=4.0, after=342.0, unit="gCO2e", rebound=False)
    assert EN.signed(change.volume, change.unit, plus=True) == "+40\u00a0gCO₂e"
    assert EN.signed(change.intensity, change.unit, plus=True) == "\u221252\u00a0gCO₂e"
    assert EN.signed(None, change.unit, plus=True) == "unknown"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def test_files_are_named_after_their_content_and_kept(here: World) -> None:
    for name in ("app.css", "app.js", "chart.css", "chart.js"):
        answer = here.program().get(asset(name).url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.content == asset(name).body
    assert here.program().get("/static/app.000000000000.css").status_code == 404
    plain = here.program().get(asset("app.css").url, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


PATHS: Final = (
    "/",
    "/filters",
    "/targets",
    "/measure-next",
    "/actions",
    "/quality",
    "/bills",
    "/methods",
    "/settings",
    "/-/patterns",
)


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_board_has_every_page_in_both_languages(here: World, path: str) -> None:
    for lang in ("en", "fr"):
        answer = here.browser("admin").get(path, params={"lang": lang})
        assert answer.status_code == 200, answer.text
        assert f'<html lang="{lang}">' in answer.text
        assert "EcoIndex" in answer.text


@pytest.mark.parametrize(
    "path", ["/targets", "/measure-next", "/actions", "/quality", "/bills", "/methods", "/portfolio"]
)
def test_every_page_has_a_twin(here: World, path: str) -> None:
    twin: dict[str, Any] = here.browser("viewer").get(f"{path}.json").json()
    assert "frame" in twin


def test_what_a_stranger_may_not_see_does_not_exist(here: World) -> None:
    ours = here.browser("viewer")
    assert ours.get("/applications/app-ours").status_code == 200
    for path in (
        "/applications/app-theirs",
        "/applications/none",
        "/teams/theirs",
        "/runs/0123456789abcdef",
        "/public/nothing",
    ):
        assert ours.get(path).status_code == 404, path
        assert ours.get(f"{path}.json").status_code == 404, path


def test_only_an_administrator_is_offered_the_sample(here: World) -> None:
    assert "/sample/load" not in here.browser("viewer").get("/?search=zzz").text
    assert here.browser("viewer").post("/sample/load").status_code == 403
    assert here.browser().get("/").status_code == 303


def test_a_wrong_address_is_refused_in_a_sentence(here: World) -> None:
    assert here.browser("viewer").get("/?sort=colour").status_code == 422
    assert here.browser("viewer").get("/?page=0").status_code == 422


def test_a_refusal_is_a_page_for_people_and_data_for_programs(here: World) -> None:
    seen = here.browser("viewer").get("/applications/none", params={"lang": "fr"})
    assert seen.status_code == 404
    assert "<h1>Rien ici</h1>" in seen.text
    assert "EcoIndex" in seen.text
    data = here.program(here.token("read").text).get("/applications/none")
    assert data.headers["content-type"] == "application/problem+json"
    assert here.browser("viewer").get("/applications/none.json").headers["content-type"] == "application/problem+json"
    assert here.browser("viewer").get("/applications/<script>alert(1)</script>").text.count("<script>") == 0
