# SPDX-License-Identifier: Apache-2.0
"""Methods ccf-2024 and ccf-fixed: what an activity states goes before the catalogue, and what nobody knows is not made up."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.catalogue import ccf_source, machines
from lichen.config import Settings
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

METHODS: Final = ("ccf-2024", "ccf-fixed")
HOUR_S: Final = 3600
GB_HOUR: Final = 3.6e12
both = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def used(workspace: Workspace, method: str, quantity: str, value: float, **attributes: Any) -> dict[str, float | None]:
    """Kilowatt-hours of the use phase by rule."""
    evaluation = evaluated(workspace, method, quantity, value, **attributes)
    assert not evaluation.not_covered
    return {i.rule: i.value for i in evaluation.impacts if i.indicator == "energy" and i.phase == "use"}


def evaluated(workspace: Workspace, method: str, quantity: str, value: float, **attributes: Any) -> Any:
    row = {"entity": "bill", "quantity": quantity, "value": value, "region": "eu-west-1", **attributes}
    rows, context = parse_document(workspace, {"activities": [row]})
    return evaluate_activities(workspace, workspace.method(method), rows, context, on=None)


@both
def test_storage_by_class_and_copies(workspace: Workspace, method: str) -> None:
    """1000 GB for an hour on AWS (PUE 1.135): 1.2 W on solid-state drives, 0.65 W on disks, times copies."""

    def storage(**attributes: Any) -> float | None:
        return next(iter(used(workspace, method, "storage_byte_seconds", 1000 * GB_HOUR, **attributes).values()))

    assert storage(platform="aws:ebs-gp2") == pytest.approx(1.2 * 2 * 1.135 / 1000)
    assert storage(platform="aws:ebs", storage_class="hdd") == pytest.approx(0.65 * 2 * 1.135 / 1000)
    assert storage(platform="aws:ebs-gp2", storage_class="hdd") == pytest.approx(0.65 * 2 * 1.135 / 1000)
    assert storage(platform="aws:ebs-gp2", replication=5) == pytest.approx(1.2 * 5 * 1.135 / 1000)
    assert storage(platform="aws", storage_class="ssd", replication=5) == pytest.approx(1.2 * 5 * 1.135 / 1000)


@both
def test_a_stated_utilisation_goes_before_the_baseline(workspace: Workspace, method: str) -> None:
    """t3.micro: Cascade Lake or Skylake as the tool has it, baseline 10 % of 2 virtual CPUs."""
    assumed = used(workspace, method, "vcpu_time", 2 * HOUR_S, platform="aws:t3.micro")
    stated = used(workspace, method, "vcpu_time", 2 * HOUR_S, platform="aws:t3.micro", utilisation=0.5)
    idle = used(workspace, method, "vcpu_time", 2 * HOUR_S, platform="aws:t3.micro", utilisation=0)
    assert assumed["processors"] == pytest.approx(0.2 * stated["processors.at_utilisation"])
    assert idle["processors.at_utilisation"] == pytest.approx(2 * 0.64 * 1.135 / 1000)


@both
def test_copies_of_an_instance(workspace: Workspace, method: str) -> None:
    one = used(workspace, method, "vcpu_time", HOUR_S, platform="aws:db.r5.large")
    two = used(workspace, method, "vcpu_time", HOUR_S, platform="aws:db.r5.large", replication=2)
    assert two["processors"] == pytest.approx(2 * one["processors"])
    assert two["memory"] == pytest.approx(2 * one["memory"])


@both
def test_units_of_services_are_virtual_cpus(workspace: Workspace, method: str) -> None:
    """A DPU of Glue is 4 virtual CPUs, a capacity unit of Aurora a quarter; given as time of units or of CPUs."""
    for platform, vcpus in (("aws:glue", 4.0), ("aws:aurora-serverless", 0.25), ("gcp:kubernetes-engine", 3.0)):
        region = "us-east1" if platform.startswith("gcp") else "us-east-1"
        units = used(workspace, method, "instance_time", HOUR_S, platform=platform, region=region)
        cpus = used(workspace, method, "vcpu_time", vcpus * HOUR_S, platform=platform, region=region)
        assert units == {"units": pytest.approx(cpus["processors"])}


@both
def test_an_instance_younger_than_the_tool_is_an_average_one(workspace: Workspace, method: str) -> None:
    machine = machines.find("aws:m7i.large")
    assert machine is not None
    assert "ccf_host" not in machine
    found = used(workspace, method, "vcpu_time", 2 * HOUR_S, platform="aws:m7i.large")
    assert found == {"processors": pytest.approx(2 * (0.74 + 3.5) / 2 * 1.135 / 1000)}


@both
def test_what_is_not_known_is_not_covered(workspace: Workspace, method: str) -> None:
    for quantity, attributes, said in (
        ("vcpu_time", {"platform": "aws:m5.xlrge"}, "aws:m5.xlarge"),
        ("vcpu_time", {}, "platform"),
        ("storage_byte_seconds", {"platform": "aws:ebs"}, "ccf_storage"),
        ("network_bytes", {"platform": "aws:cloudfront"}, "network_bytes"),
        ("instance_time", {"platform": "aws:m5.large"}, "vcpu_time"),
    ):
        evaluation = evaluated(workspace, method, quantity, HOUR_S, **attributes)
        assert evaluation.impacts == ()
        assert said in evaluation.not_covered[0].reason


def test_a_region_without_a_figure_has_the_providers_and_says_so(workspace: Workspace) -> None:
    evaluation = evaluated(workspace, "ccf-2024", "network_bytes", 1e9, platform="aws:network", region="eu-south-2")
    carbon = next(i for i in evaluation.impacts if i.indicator == "gwp100")
    assert carbon.value == pytest.approx(1.135e-3 * 392.78188)
    assert workspace.lookup_for("ccf.grid_gwp100", {"region": "eu-south-2", "platform": "aws:s3"}, None, None).fallback


@pytest.mark.parametrize("provider", ccf_source.PROVIDERS)
def test_the_methods_agree_where_nothing_is_repaired(workspace: Workspace, provider: str) -> None:
    """Traffic and processors of an average instance, except for the binary gigabytes of Google."""
    region = {"aws": "eu-west-1", "azure": "westeurope", "gcp": "europe-west1"}[provider]
    for quantity, value in (("vcpu_time", HOUR_S), ("network_bytes", 1e9)):
        if (provider, quantity) != ("gcp", "network_bytes"):
            published, repaired = (
                used(workspace, method, quantity, value, platform=provider, region=region) for method in METHODS
            )
            assert published == pytest.approx(repaired, rel=1e-12)


def archive(folder: Path, **files: str) -> Path:
    """An archive of the repository with some of its files."""
    path = folder / "ccf.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("aws_domain", "azure_regions", "nerc", "processors"):
            place = {
                "aws_domain": "aws/src/domain/AwsFootprintEstimationConstants.ts",
                "azure_regions": "azure/src/lib/AzureRegions.ts",
                "nerc": "core/src/FootprintEstimationConstants.ts",
                "processors": "core/src/compute/ComputeProcessorTypes.ts",
            }[name]
            content = files.get(name, "").encode()
            member = tarfile.TarInfo(f"cloud-carbon-footprint-b7a049c/packages/{place}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_constants_are_read_as_data(tmp_path: Path) -> None:
    source = ccf_source.Source(
        archive(
            tmp_path,
            processors="enum P {\n  A = 'Alpha',\n  B = 'Beta',\n}\nexport const pair = [\n  P.A,\n  P.B,\n]\n",
            nerc="export const X = {\n  RFC: 0.0004,\n}\n",
            azure_regions="const AZURE_REGIONS = {\n  WEST: {\n    name: 'westeurope',\n    options: ['EU West'],\n  },\n}\n",
            aws_domain=(
                "export const FACTORS: Kind =\n  {\n    // a comment: { [P.A]\n    [P.A]: 1.5, /* or */ plain: pair,\n"
                "    'quoted key': { inner: [1, -2e-3, \"text\"] },\n    [US_NERC_REGIONS_EMISSIONS_FACTORS.RFC]: [P.B],\n"
                "    [AZURE_REGIONS.WEST.name]: US_NERC_REGIONS_EMISSIONS_FACTORS.RFC,\n  }\nNUMBER_AVG: 0.74,\n"
            ),
        )
    )
    assert source.table("aws", "FACTORS") == {
        "Alpha": 1.5,
        "plain": ["Alpha", "Beta"],
        "quoted key": {"inner": [1.0, -0.002, "text"]},
        "0.0004": ["Beta"],
        "westeurope": 0.0004,
    }
    assert source.number("aws", "NUMBER_AVG") == 0.74
    with pytest.raises(LookupError, match=r"AwsFootprintEstimationConstants\.ts has no MISSING"):
        source.number("aws", "MISSING")
    with pytest.raises(LookupError, match="no const OTHER"):
        source.table("aws", "OTHER")


def test_a_list_of_processors_is_represented_as_published() -> None:
    """Mean; median with an outlier in the list; the provider's average when one is not known, or for an empty list."""
    watts = {"Skylake": 1.0, "Broadwell": 2.0, "Haswell": 6.0, "Ivy Bridge": 20.0}
    assert ccf_source.typical(["Skylake", "Haswell"], watts, 9.0) == 3.5
    assert ccf_source.typical(["Skylake", "Haswell", "Ivy Bridge"], watts, 9.0) == 6.0
    assert ccf_source.typical(["Skylake", "Haswell", "Ivy Bridge"], watts, 9.0, median=False) == 9.0
    assert ccf_source.typical(["Skylake", "Ice Lake"], watts, 9.0) == 9.0
    assert ccf_source.typical([], watts, 9.0) == 9.0
