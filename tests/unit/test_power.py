# SPDX-License-Identifier: Apache-2.0
"""The power model of servers: published coefficients give published watts, shipped ones come close, ranges behave."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.config import load_settings
from lichen.errors import UsageError
from lichen.model import power
from lichen.model.server_model import BUILD_FIELDS, TENTHS, Server, ServerModel
from lichen.service import power as service
from lichen.service.power import Answer, Watts, estimate, this_machine
from lichen.service.power_hardware import Question
from lichen.service.workspace import Workspace

# An independent fit on 241 servers of 2015-2022: intercept, ln TDP, ln threads, ln GB, year - 2019, AMD.
PUBLISHED = {
    "max": (0.8403, 0.4801, 0.3031, 0.1800, -0.0024, -0.3674),
    "idle": (0.5433, 0.1830, 0.1585, 0.3666, 0.0445, 0.0328),
}
CURVE = (0.174, 0.237, 0.303, 0.367, 0.433, 0.514, 0.605, 0.727, 0.864)
# W of all processors, threads, GB, year, AMD; idle and full watts; guest's vCPUs; its watts at 0, 50, 100 %
HOSTS = [
    ((280, 128, 512, 2021, 1), (115.8, 319.5), 4, (3.62, 6.38, 9.99)),
    ((330, 48, 384, 2019, 0), (81.4, 353.9), 2, (3.39, 8.31, 14.74)),
    ((240, 128, 256, 2019, 1), (79.9, 263.2), 2, (1.25, 2.49, 4.11)),
    ((410, 128, 512, 2021, 0), (120.2, 554.1), 2, (1.88, 4.81, 8.66)),
]


def published() -> ServerModel:
    """The published coefficients as this model states them: the reference server has one watt, one thread, one gigabyte."""
    value = dict.fromkeys(BUILD_FIELDS, 1.0) | {"typical.year": 2019.0}
    for response, (intercept, tdp, threads, memory, year, amd) in PUBLISHED.items():
        fields = {"reference_power": math.exp(intercept), "tdp_exponent": tdp, "threads_exponent": threads}
        fields |= {"memory_exponent": memory, "yearly_ratio": math.exp(year), "amd_ratio": math.exp(amd)}
        value |= {f"{response}.{name}": number for name, number in fields.items()}
    return ServerModel(value | {f"curve.load_{t}": share for t, share in zip(TENTHS, CURVE, strict=True)})


def server(properties: tuple[float, ...]) -> Server:
    return Server(**dict(zip(("tdp_w", "threads", "memory_gb", "year", "amd_share"), properties, strict=True)))


@pytest.mark.parametrize(("properties", "ends", "vcpus", "guest"), HOSTS)
def test_published_coefficients_give_the_published_watts(
    properties: tuple[float, ...], ends: tuple[float, float], vcpus: int, guest: tuple[float, ...]
) -> None:
    model, host = published(), server(properties)
    # the coefficients are printed to four digits, which moves 320 W by less than 0.06 W
    assert (float(model.idle_w(host)), float(model.max_w(host))) == pytest.approx(ends, abs=0.11)
    for load, watts in zip((0.0, 0.5, 1.0), guest, strict=True):
        assert power.of_threads_w(float(model.power_w(host, load)), vcpus, properties[1]) == pytest.approx(
            watts, abs=0.0051
        )


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(load_settings(None, env={}))


def ask(workspace: Workspace, **said: Any) -> Answer:
    return estimate(workspace, Question(**said))


def words(properties: tuple[float, ...]) -> dict[str, Any]:
    tdp_w, threads, memory_gb, year, amd = properties
    vendor = "amd" if amd else "intel"
    return {
        "tdp_w": tdp_w, "chips": 1, "threads": int(threads), "memory_gb": memory_gb, "year": int(year), "vendor": vendor,
    }  # fmt: skip


@pytest.mark.parametrize(("properties", "ends", "vcpus", "guest"), HOSTS)
def test_the_shipped_fit_is_close_to_an_independent_one(
    workspace: Workspace, properties: tuple[float, ...], ends: tuple[float, float], vcpus: int, guest: tuple[float, ...]
) -> None:
    whole = ask(workspace, **words(properties))
    assert whole.basis == "full"
    assert (whole.idle.value, whole.max.value) == pytest.approx(ends, rel=0.05)
    shares = [ask(workspace, **words(properties), vcpus=vcpus, load=load).power.value for load in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx(guest, rel=0.05)


def test_one_thermal_design_power_gives_what_servers_of_it_draw(workspace: Workspace) -> None:
    """Medians over servers of 2015-2022: 0.185 of it at idle, 1.03 at full load."""
    for tdp_w in (150.0, 300.0, 600.0):
        answer = ask(workspace, tdp_w=tdp_w, chips=1)
        assert answer.idle.low < 0.185 * tdp_w < answer.idle.high
        assert answer.max.low < 1.032 * tdp_w < answer.max.high
        assert answer.max.value == pytest.approx(1.032 * tdp_w, rel=0.15)


loads = st.floats(min_value=0.0, max_value=1.0)


@given(some=loads, other=loads)
def test_more_load_draws_more(some: float, other: float) -> None:
    model, host = published(), server(HOSTS[0][0])
    low, high = sorted((some, other))
    assert model.power_w(host, low) <= model.power_w(host, high)


def test_the_curve_passes_through_its_knots_and_stops_at_its_ends() -> None:
    model = published()
    assert [float(model.curve(tenth / 10)) for tenth in range(11)] == pytest.approx([0.0, *CURVE, 1.0])
    assert float(model.curve(0.05)) == pytest.approx(0.174 / 2)
    assert (float(model.curve(-1.0)), float(model.curve(2.0))) == (0.0, 1.0)


def test_power_at_a_load_holds_both_ends() -> None:
    assert (power.at_load_w(50.0, 400.0, 0.0), power.at_load_w(50.0, 400.0, 1.0)) == (50.0, 400.0)


def test_full_load_never_draws_less_than_none() -> None:
    """Three terabytes on a processor of 35 W: far outside the fitted servers, where idle and full power would cross."""
    model = published()
    odd = Server(tdp_w=35.0, threads=4, memory_gb=3e6, year=2022, amd_share=1.0)
    assert model.max_w(odd) == model.idle_w(odd)


KNOWN = ("tdp_w", "threads", "memory_gb", "year", "vendor")


def relative(watts: Watts) -> float:
    return watts.high / watts.low


@pytest.mark.parametrize("load", [0.0, 0.3, 1.0])
def test_less_knowledge_never_narrows_the_range(workspace: Workspace, load: float) -> None:
    everything = words(HOSTS[0][0])
    chips = everything.pop("chips")
    width: dict[frozenset[str], float] = {}
    for size in range(len(KNOWN) + 1):
        for known in itertools.combinations(KNOWN, size):
            said = {name: everything[name] for name in known} | ({"chips": chips} if "tdp_w" in known else {})
            answer = ask(workspace, **said, load=load) if said else ask(workspace, memory_gb=512.0, load=load)
            assert 0 < answer.power.low <= answer.power.value <= answer.power.high
            width[frozenset(known)] = relative(answer.power)
    for fewer, more in itertools.product(width, width):
        if fewer < more:
            assert width[fewer] >= width[more] * (1 - 1e-9), (fewer, more)


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"cpu": "QEMU Virtual CPU version 2.5+"}, {"cpu": "AMD EPYC"}),
        ({"cpu": "AMD EPYC"}, {"cpu": "EPYC 7763"}),
        ({"cpu": "Neoverse-N1"}, {"cpu": "AMD EPYC-Rome Processor"}),
        ({"cpu": "Intel Xeon Processor (SapphireRapids)"}, {"cpu": "Intel Xeon Processor (Skylake, IBRS)"}),
        ({"cpu": "EPYC 7763"}, {"cpu": "EPYC 7763", "memory_gb": 512.0}),
    ],
)
def test_a_guest_on_a_host_that_is_known_less_has_a_wider_range(
    workspace: Workspace, worse: dict[str, Any], better: dict[str, Any]
) -> None:
    for load in (0.0, 0.1, 0.5, 1.0):
        some, other = (ask(workspace, **said, vcpus=2, load=load).power for said in (worse, better))
        assert relative(some) >= relative(other) * (1 - 1e-9)


def test_the_curve_of_an_answer_rises_with_its_range(workspace: Workspace) -> None:
    for said in ({"cpu": "EPYC 7763", "vcpus": 4}, {"tdp_w": 95.0, "year": 2012}, {"threads": 64}, {"memory_gb": 64.0}):
        answer = ask(workspace, **said)
        assert [load for load, _ in answer.curve] == pytest.approx([tenth / 10 for tenth in range(11)])
        for bound in ("value", "low", "high"):
            figures = [getattr(watts, bound) for _, watts in answer.curve]
            assert figures == sorted(figures), (said, bound)
        assert answer.curve[0][1] == answer.idle
        assert answer.curve[-1][1] == answer.max


def test_all_guests_together_carry_the_host(workspace: Workspace) -> None:
    host = ask(workspace, cpu="EPYC 7763", memory_gb=512.0, load=0.4)
    guest = ask(workspace, cpu="EPYC 7763", memory_gb=512.0, vcpus=4, load=0.4)
    assert guest.power.value * 128 / 4 == pytest.approx(host.power.value)
    assert guest.host == host.power


def test_a_guest_adds_less_than_it_is_allocated_and_nothing_at_rest(workspace: Workspace) -> None:
    for load in (0.0, 0.5, 1.0):
        guest = ask(workspace, cpu="EPYC 7763", vcpus=4, load=load)
        assert guest.marginal is not None
        assert 0 <= guest.marginal.low <= guest.marginal.value <= guest.marginal.high
        assert guest.marginal.value < guest.power.value
        assert (guest.marginal.value == 0) == (load == 0)


def test_the_era_of_a_server_changes_its_power(workspace: Workspace) -> None:
    """Servers of 2006 to 2010 drew 46 % of their full power at idle, those of 2015 to 2018 16 % (medians)."""
    old = ask(workspace, tdp_w=80.0, chips=2, threads=8, memory_gb=8.0, year=2008, vendor="intel")
    new = ask(workspace, tdp_w=80.0, chips=2, threads=8, memory_gb=8.0, year=2017, vendor="intel")
    assert old.idle.value / old.max.value == pytest.approx(0.6, abs=0.2)
    assert new.idle.value / new.max.value < 0.25
    assert old.idle.value > 2 * new.idle.value
    assert "old" in {note.code for note in old.notes}
    assert "old" not in {note.code for note in new.notes}
    assert old.fitted_years == (2006, 2014)


def test_beyond_the_fitted_servers_the_year_stops_and_the_range_widens(workspace: Workspace) -> None:
    last = ask(workspace, tdp_w=300.0, chips=1, threads=64, year=2022)
    later = ask(workspace, tdp_w=300.0, chips=1, threads=64, year=2026)
    assert later.power.value == last.power.value
    assert relative(later.power) > 1.2 * relative(last.power)
    assert last.inside
    assert not later.inside
    assert [note.code for note in later.notes if note.code.startswith("outside")] == ["outside_year"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"tdp_w": 3000.0, "chips": 1}, "outside_tdp"),
        ({"threads": 2000}, "outside_threads"),
        ({"tdp_w": 300.0, "memory_gb": 24000.0}, "outside_memory"),
        ({"tdp_w": 300.0}, "one_chip"),
        ({"cpu": "AMD EPYC"}, "maker"),
        ({"cpu": "Common KVM processor"}, "hidden"),
        ({"cpu": "Neoverse-N1"}, "arm"),
        ({"cpu": "Graviton3", "vcpus": 4}, "no_tdp"),
        ({"threads": 64}, "no_year"),
        ({"cpu": "Ryzen 9 9950X3D", "tdp_w": 170.0}, "unknown_cpu"),
        ({"cpu": "EPYC 7764", "threads": 128}, "unknown_cpu_near"),
    ],
)
def test_every_assumption_is_told(workspace: Workspace, said: dict[str, Any], code: str) -> None:
    assert code in {note.code for note in ask(workspace, **said).notes}


@pytest.mark.parametrize(
    ("said", "basis"),
    [
        ({"cpu": "EPYC 7763"}, "tdp+threads+year+vendor"),
        ({"cpu": "EPYC 7763", "memory_gb": 256.0}, "full"),
        ({"tdp_w": 200.0}, "tdp"),
        ({"threads": 64}, "threads"),
        ({"threads": 64, "memory_gb": 64.0}, "threads+memory"),
        ({"memory_gb": 64.0}, "nothing"),
        ({"cpu": "AMD EPYC"}, "family"),
        ({"cpu": "AMD EPYC", "threads": 96}, "threads+vendor"),
        ({"cpu": "QEMU Virtual CPU"}, "nothing"),
        ({"cpu": "AMD Ryzen 9 9950X3D", "tdp_w": 170.0}, "tdp+vendor"),
        ({"gpu": "T4"}, "accelerator"),
    ],
)
def test_the_basis_says_what_was_known(workspace: Workspace, said: dict[str, Any], basis: str) -> None:
    assert ask(workspace, **said).basis == basis


def test_two_processors_are_counted_from_the_threads(workspace: Workspace) -> None:
    whole = ask(workspace, cpu="8370C", threads=128).server
    assert whole is not None
    assert (whole.tdp_w, whole.threads) == (410, 128)


def test_accelerators_add_to_the_machine(workspace: Workspace) -> None:
    bare = ask(workspace, cpu="EPYC 7763", load=0.2)
    with_cards = ask(workspace, cpu="EPYC 7763", load=0.2, gpu="A100 SXM4", gpus=8, gpu_load=1.0)
    assert with_cards.accelerators is not None
    assert with_cards.accelerators.value == pytest.approx(8 * 400 * 0.9)
    assert with_cards.power.value == pytest.approx(bare.power.value + 8 * 400 * 0.9)
    assert with_cards.power.high - bare.power.high == pytest.approx(8 * 400 * 1.15)


def test_this_machine_is_asked_when_no_other_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = service.describe_host()
    for virtual in (True, False):
        monkeypatch.setattr(service, "describe_host", lambda virtual=virtual: real | {"virtualised": virtual})
        asked = this_machine(Question())
        assert asked.cpu
        assert (asked.vcpus is not None) == virtual
        assert (asked.threads is None) == virtual
        assert asked.memory_gb == (None if virtual else real["memory_bytes"] / 2**30), "as modules are sold"
    assert ask(workspace).power.value > 0


def test_a_guest_larger_than_the_typical_host_makes_the_host_grow(workspace: Workspace) -> None:
    small, large = (ask(workspace, cpu="AMD EPYC", vcpus=vcpus, load=0.5) for vcpus in (128, 512))
    assert large.server is not None
    assert large.server.threads == 512
    assert large.power.value > 2 * small.power.value


def test_a_name_that_nothing_else_explains_is_an_error_with_the_nearest_names(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="not in the catalogue") as caught:
        ask(workspace, cpu="EPYC 7764")
    assert "AMD EPYC 7763" in caught.value.repair


@pytest.mark.parametrize(
    "cpu", ["EPYC 7763", "7B12", "8370C", "Gold 6246", "AMD EPYC", "Intel Xeon Processor (Skylake, IBRS)"]
)
def test_joules_per_cpu_second_agree_with_the_factor_of_any_server(workspace: Workspace, cpu: str) -> None:
    """The factor of lichen-1 rests on servers at 10 to 60 % load, idle power shared among busy seconds, memory left out."""
    factor, memory = (workspace.lookup(f"server.{name}", None) for name in ("cpu_energy", "memory_power"))
    for load in (0.2, 0.3, 0.5):
        guest = ask(workspace, cpu=cpu, vcpus=2, load=load)
        assert guest.server is not None
        memory_w = memory.value * guest.server.memory_gb * 2 / guest.server.threads
        joules = (guest.power.value - memory_w) / (2 * load)
        assert 0.9 * factor.low < joules < factor.high
