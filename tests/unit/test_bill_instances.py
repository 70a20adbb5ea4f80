# SPDX-License-Identifier: Apache-2.0
"""Types of machines in the words of bills: every type of the catalogue is found, unknown ones have a neighbour of their kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.catalogue import machines
from lichen.collect.bills.instances import Size, core_family, find_instance, nearest, size_of

PROVIDERS = ("aws", "azure", "gcp", "ovhcloud", "scaleway")


def instances(provider: str) -> list[str]:
    start = f"{provider}:"
    return [
        key
        for key in machines.keys()  # noqa: SIM118 -- a function
        if key.startswith(start) and (machines.find(key) or {}).get("kind") == "instance"
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_instance_of_the_catalogue_is_found_as_it_is_written(provider: str) -> None:
    known = instances(provider)
    assert len(known) >= 50
    for key in known:
        written = key.partition(":")[2]
        assert find_instance(provider, written) == key
        assert find_instance(provider, written.upper()) == key


@pytest.mark.parametrize("key", [key for key in instances("azure") if key.startswith("azure:standard_")][::7])
def test_a_meter_of_azure_is_the_product_without_its_first_word(key: str) -> None:
    """Whether the bill has the product or the meter, a type of that name is found; its virtual CPUs are the same."""
    meter = key.removeprefix("azure:standard_").replace("_", " ")
    found = find_instance("azure", meter)
    assert found is not None
    assert (machines.find(found) or {})["vcpu"] == (machines.find(key) or {})["vcpu"]


WRITTEN = [
    ("azure", "Standard_D4s_v3", "azure:standard_d4s_v3"),
    ("azure", "D4 v3/D4s v3", "azure:d4_v3"),
    ("azure", "D4 v3/D4s v3 Spot", "azure:d4_v3"),
    ("azure", "DS4 v2 Low Priority", "azure:ds4_v2"),
    ("azure", "E4-2s_v4", "azure:e4-2s_v4"),
    ("azure", "NC24ads A100 v4", "azure:nc24ads_a100_v4"),
    ("azure", "Virtual Machines DSv2 Series - DS4 v2 Spot Hours - US Central", "azure:ds4_v2"),
    ("aws", "EUW2-BoxUsage:t3.xlarge", "aws:t3.xlarge"),
    ("aws", "USE1-HeavyUsage:c5.18xl", "aws:c5.18xlarge"),
    ("aws", "$1.624 per On Demand Linux g5.4xlarge Instance Hour", "aws:g5.4xlarge"),
    ("aws", "InstanceUsage:db.r5.large", "aws:db.r5.large"),
    ("aws", "ESInstance:m5.large.search", "aws:m5.large.search"),
    ("aws", "db.m7g.large", "aws:m7g.large"),
    ("gcp", "db-n1-standard-4", "gcp:n1-standard-4"),
    ("ovhcloud", "win-b2-7-flex", "ovhcloud:b2-7"),
    ("ovhcloud", "b3-8.monthly.postpaid", "ovhcloud:b3-8"),
    ("scaleway", "/compute/pop2_hm_4c_32g/run_fr-par-1", "scaleway:pop2-hm-4c-32g"),
    ("scaleway", "Instance PLAY2-NANO PAR1", "scaleway:play2-nano"),
]


@pytest.mark.parametrize(("provider", "text", "key"), WRITTEN)
def test_a_type_is_found_in_what_a_bill_says(provider: str, text: str, key: str) -> None:
    assert find_instance(provider, text) == key


@pytest.mark.parametrize(
    ("provider", "text"),
    [
        ("azure", "LRS Data Stored"),
        ("azure", "managed-disks"),
        ("aws", "TimedStorage-ByteHrs"),
        ("gcp", "n2-custom-8-32768"),
        ("gcp", "compute-engine"),
        ("oci", "VM.Standard.E4.Flex"),
        ("scaleway", ""),
        ("nobody", "m5.large"),
    ],
)
def test_what_names_no_known_type_is_not_found(provider: str, text: str) -> None:
    assert find_instance(provider, text) is None


NEAREST = [
    ("azure", "Standard_D4s_v6", "azure:d4s_v5", "generation"),
    ("azure", "D4as_v6", "azure:d4as_v5", "generation"),
    ("azure", "E8bds_v6", "azure:e8bds_v5", "generation"),
    ("azure", "NC40ads_H100_v5", "azure:nc48ads_a100_v4", "variant"),
    ("aws", "m9g.xlarge", "aws:m8g.xlarge", "generation"),
    ("aws", "m5.3xlarge", "aws:m5.4xlarge", "size"),
    ("aws", "db.m9g.large", "aws:m8g.large", "generation"),
    ("gcp", "n2-standard-6", "gcp:n2-standard-8", "size"),
    ("gcp", "n4d-standard-8", "gcp:n2d-standard-8", "generation"),
    ("ovhcloud", "b4-8", "ovhcloud:b3-8", "generation"),
    ("scaleway", "PRO3-S", "scaleway:pro2-s", "generation"),
]


@pytest.mark.parametrize(("provider", "meant", "platform", "why"), NEAREST)
def test_an_unknown_type_has_a_neighbour_of_its_family(provider: str, meant: str, platform: str, why: str) -> None:
    found = nearest(provider, meant)
    assert found is not None
    assert (found.platform, found.meant, found.why) == (platform, meant, why)


@pytest.mark.parametrize(
    ("provider", "meant"),
    [
        ("azure", "Standard_D4ps_v5"),
        ("aws", "t3.32xlarge"),
        ("gcp", "n4a-standard-8"),
        ("azure", "GP_Gen5_4"),
        ("aws", "zz1.large"),
        ("oci", "VM.Standard.E9.Flex"),
        ("gcp", "n2-custom-8-32768"),
    ],
)
def test_another_architecture_another_size_altogether_or_another_series_is_no_neighbour(
    provider: str, meant: str
) -> None:
    assert nearest(provider, meant) is None


@given(st.sampled_from(PROVIDERS), st.text(max_size=40))
def test_neighbours_are_of_the_same_provider_and_known(provider: str, text: str) -> None:
    found = nearest(provider, text)
    for key in (find_instance(provider, text), found.platform if found else None):
        assert key is None or (key.startswith(f"{provider}:") and machines.find(key) is not None)


def test_a_known_type_is_its_own_neighbour() -> None:
    for key in instances("ovhcloud"):
        found = nearest("ovhcloud", key.partition(":")[2])
        assert found is None or found.platform == key


FAMILIES = [
    ("gcp", "N2 Instance Core running in Paris", "gcp:n2"),
    ("gcp", "N2D AMD Instance Ram running in Paris", "gcp:n2d"),
    ("gcp", "N1 Predefined Instance Ram running in EMEA", "gcp:n1"),
    ("gcp", "N2 Custom Extended Instance Ram running", "gcp:n2"),
    ("gcp", "Spot Preemptible C4A Arm Instance Core running in Belgium", "gcp:c4a"),
    ("gcp", "Compute optimized Core running in Americas", "gcp:c2"),
    ("gcp", "Custom Instance Core running in Americas", "gcp:n1"),
    ("gcp", "n2-custom-8-32768", "gcp:n2"),
    ("gcp", "Standard Storage Europe", None),
    ("oci", "Standard - E4 - Memory", "oci:e4"),
    ("oci", "VM.Standard.E5.Flex", "oci:e5"),
    ("oci", "VM.Standard3.Flex", "oci:x9"),
    ("oci", "VM.Standard2.1", "oci:x7"),
    ("oci", "Standard - A1 - OCPU", "oci:a1"),
    ("oci", "BM.GPU4.8", "oci:a100"),
    ("oci", "Block Volume - Storage", None),
    ("aws", "m5.large", None),
]


@pytest.mark.parametrize(("provider", "text", "key"), FAMILIES)
def test_processors_that_are_billed_apart_have_a_family(provider: str, text: str, key: str | None) -> None:
    assert core_family(provider, text) == key


def test_a_type_may_say_its_size() -> None:
    assert size_of("gcp", "n2-custom-8-32768") == Size(8, 32)
    assert size_of("gcp", "db-custom-4-16384") == Size(4, 16)
    assert size_of("gcp", "n2-standard-6") == Size(6)
    assert size_of("scaleway", "POP2-128C-512G") == Size(128, 512)
    assert size_of("aws", "m5.large") is None
