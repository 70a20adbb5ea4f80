# SPDX-License-Identifier: Apache-2.0
"""The declared keys as text: the file that ``lichen init`` writes, and ``docs/configuration.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from lichen import redact
from lichen.config.bills import Owner, Shared
from lichen.config.budgets import Budget, Limit
from lichen.config.keys import Key
from lichen.config.kinds import VARIABLES, Viewport
from lichen.config.metering import Meter
from lichen.config.notify import Channel
from lichen.config.part import Part
from lichen.config.settings import KEYS, LIST_KEYS, SECTIONS, Journey, Settings
from lichen.config.traffic import TrafficJourney
from lichen.config.watching import Schedule

_EXAMPLE_PART: Final = """\
# [[part]]
# name = "portal"
# command = ["python", "-m", "portal", "--port", "{port}"]
# ready = "tcp"
"""

_EXAMPLE_JOURNEY: Final = """\
[[journey]]
name = "example"
file = "journeys/example.py"
base_url = "http://127.0.0.1:8000"
"""

_EXAMPLE_METER: Final = """\
# [[meter]]
# name = "processor"
# kind = "rapl"
"""

_EXAMPLE_TRAFFIC: Final = """\
# [[traffic.journey]]
# name = "example"
# paths = ["/apply/**"]
# start = "/apply/start"
"""

_EXAMPLE_OWNER: Final = """\
# [[bills.owner]]
# application_tag = "application"
"""

_EXAMPLE_SHARED: Final = """\
# [[bills.shared]]
# name = "support"
# services = ["*Support*"]
# by = "cost"
"""

_EXAMPLE_BUDGET: Final = """\
# [[budget]]
# code = "LB001"
# journey = "example"
# what = "network_bytes"
# max = "900 kB"
"""

_EXAMPLE_CHANNEL: Final = """\
# [[channel]]
# name = "payments"
# kind = "slack"
# url_env = "SLACK_PAYMENTS"
# teams = ["payments"]
"""

_EXAMPLE_JOB: Final = """\
# [[job]]
# name = "traffic"
# at = "daily 04:00"
# command = ["lichen", "import", "traffic", "access.log"]
"""

_EXAMPLES: Final[Mapping[str, Any]] = {
    "context.zone": "FR",
    "method.compare": ["swdm-4", "greenframe-2"],
    "measure.rest_s": 0.5,
    "browser.executable": "chromium",
    "browser.download_kbps": 10000,
    "browser.upload_kbps": 3000,
    "browser.latency_ms": 40,
    "browser.cpu_slowdown": 4,
    "browser.third_parties": "third-parties.zip",
    "output.html": "lichen-report.html",
    "prometheus.url": "http://127.0.0.1:9090",
    "prometheus.token_env": "PROMETHEUS_TOKEN",
    "prometheus.ca": "prometheus.pem",
    "kubernetes.kubeconfig": "~/.kube/config",
    "kubernetes.context": "production",
    "kubernetes.token_env": "KUBELET_TOKEN",
    "kubernetes.ca": "kubelet.pem",
    "output.server": "https://lichen.example.org",
    "bills.utilisation": "utilisation.csv",
    "compare.build": ["npm", "run", "build"],
    "compare.serve": ["npm", "run", "start"],
    "gate.baseline": "baseline",
    "server.url": "https://lichen.example.org",
    "server.store": "postgresql://lichen@127.0.0.1/lichen",
    "server.ledger": "s3://lichen/ledger",
    "server.webhook_secret_env": "LICHEN_WEBHOOK_SECRET",
    "oidc.issuer": "https://login.example.org",
    "oidc.client_secret_env": "LICHEN_CLIENT_SECRET",
    "oidc.name": "Work account",
    "notify.quiet_from": "20:00",
    "notify.quiet_to": "08:00",
    "smtp.host": "mail.example.org",
    "smtp.user": "lichen",
    "smtp.password_env": "LICHEN_MAIL_PASSWORD",
    "alerts.data_days": 10,
    "tick.keep_months": 60,
    "tick.measure": "sunday 03:00",
}
"""Values shown for the keys that have no default."""

_INTRO: Final[Mapping[str, str]] = {
    "en": "# Settings of Lichen. A line that starts with '#' shows a default; take the '#' away to change it.\n"
    "# A variable LICHEN_SECTION_KEY goes before this file, a flag before both. Paths start from this file's folder.\n",
    "fr": "# Réglages de Lichen. Une ligne qui commence par « # » montre une valeur par défaut ; ôtez le « # » pour la changer.\n"
    "# Une variable LICHEN_SECTION_CLE l'emporte sur ce fichier, une option sur les deux. Les chemins partent de ce dossier.\n",
}

_REFERENCE_INTRO: Final = """\
# Configuration

<!-- Made from the declarations in src/lichen/config/settings.py: `python -m lichen.config.document > docs/configuration.md`. -->

Lichen reads `lichen.toml` in the current folder, or the file named by `--config`. `lichen init` writes a commented one;
`lichen config show --origin` prints every value with the place it comes from.

- **Precedence**: a flag of the command line, then an environment variable, then the file, then the default.
- **Variables**: `LICHEN_SECTION_KEY`, for example `LICHEN_MEASURE_SAMPLES=10`. An empty one counts as not set. Lists are
  written as a shell writes them: `LICHEN_BROWSER_ARGS="--lang=fr --mute-audio"`.
- **Paths** in the file start from the file's folder; those of flags and variables start from the current folder.
- **Mistakes** are refused, never skipped: an unknown key is answered with the nearest valid one, its file and its line.
"""

_REFERENCE_PART: Final = """\
A server part is measured in the same window as the browser. Each `[[part]]` has a `name` of its own that is not `browser`, and
exactly one of: a `command` that starts it; the `port` or `pid` of a server that runs already; a `cgroup`, `container`, `label`,
`compose`, `pods` or `query` that says where its counters are ([sources](sources.md)). Other parts and journeys can use the
address of a part with a port as `{name.url}`.
"""

_REFERENCE_JOURNEY: Final = """\
Each `[[journey]]` has exactly one of `file` and `url`, and a `name` of its own, without `/`.
"""

_REFERENCE_METER: Final = """\
A meter of energy stands in for the model of the parts that it covers ([sources](sources.md)). Each `[[meter]]` has a `name` of
its own, a `kind`, and the `path`, `url` or `query` that its kind asks for.
"""


_REFERENCE_TRAFFIC: Final = """\
How `lichen import traffic` knows a journey in an access log or a report by page ([imports](imports.md#access-logs)). Each
`[[traffic.journey]]` has a `name` of its own and the `paths` of its pages.
"""


_REFERENCE_OWNER: Final = """\
Whose the lines of a bill are ([bills](bills.md#who-pays)). Rules are tried in their order; the first whose conditions all hold
counts. Each `[[bills.owner]]` has an `application` or an `application_tag`.
"""


_REFERENCE_SHARED: Final = """\
What several applications share ([bills](bills.md#who-pays)), looked for before `[[bills.owner]]`. Each `[[bills.shared]]` has a
`name` of its own, a condition, and `weights` or `by`.
"""


_REFERENCE_BUDGET: Final = """\
What `lichen gate` holds a journey to ([gate](gate.md#budgets)). Each `[[budget]]` has a `code` of its own, says `what` it limits,
and has a `max`, a `max_increase`, or both.
"""


_REFERENCE_CHANNEL: Final = """\
Where the weekly digest and alerts go ([digest](digest.md#channels)). Each `[[channel]]` has a `name` of its own and a `kind`;
addresses of webhooks, tokens and secrets are read from the environment variables that `url_env` and `token_env` name.
"""

_REFERENCE_JOB: Final = """\
Commands that [`lichen tick`](tick.md) runs on time, such as imports. Each `[[job]]` has a `name` of its own.
"""


def plain(value: Any) -> Any:
    """A setting as a JSON value."""
    if isinstance(value, Path | Viewport | Limit | Schedule):
        return str(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def toml(value: Any) -> str:
    """A setting as TOML writes it; JSON's texts, numbers, booleans and lists are TOML's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    return json.dumps(plain(value), ensure_ascii=False)


def starter(name: str, lang: str) -> str:
    """A commented lichen.toml that holds every key.

    Args:
        name: of the project.
        lang: language of the comments, ``en`` or ``fr``.
    """
    lines = [_INTRO[lang]]
    for section, keys in groupby(KEYS.values(), key=lambda key: key.section):
        lines.append(f"[{section}]")
        for key in keys:
            lines.append(f"# {_explained(key, lang)}")
            lines.append(
                f"name = {toml(name)}" if key.dotted == "project.name" else f"# {key.name} = {_example(key, lang)}"
            )
        lines.append("")
    for section, example in (
        ("part", _EXAMPLE_PART),
        ("meter", _EXAMPLE_METER),
        ("traffic.journey", _EXAMPLE_TRAFFIC),
        ("bills.owner", _EXAMPLE_OWNER),
        ("bills.shared", _EXAMPLE_SHARED),
        ("budget", _EXAMPLE_BUDGET),
        ("channel", _EXAMPLE_CHANNEL),
        ("job", _EXAMPLE_JOB),
        ("journey", _EXAMPLE_JOURNEY),
    ):
        lines += [f"# {key.name}: {_explained(key, lang)}" for key in LIST_KEYS[section].values()]
        lines.append(example)
    return "\n".join(lines)


def _explained(key: Key, lang: str) -> str:
    choices = f" ({' | '.join(key.kind.choices)})" if key.kind.choices else ""
    return f"{key.description(lang)}{choices}"


def _example(key: Key, lang: str) -> str:
    """The default; where there is none, an example that says so."""
    if key.default is not None:
        return toml(key.default)
    note = "exemple ; sans valeur par défaut" if lang == "fr" else "an example; not set by default"
    return f"{toml(_EXAMPLES[key.dotted])}  # {note}"


def reference() -> str:
    """``docs/configuration.md``: a heading for each key."""
    lines = [_REFERENCE_INTRO]
    for section in SECTIONS:
        lines.append(f"## [{section}]\n")
        lines += [_entry(key, key.dotted) for key in KEYS.values() if key.section == section]
    for section, text in (
        ("part", _REFERENCE_PART),
        ("journey", _REFERENCE_JOURNEY),
        ("meter", _REFERENCE_METER),
        ("traffic.journey", _REFERENCE_TRAFFIC),
        ("bills.owner", _REFERENCE_OWNER),
        ("bills.shared", _REFERENCE_SHARED),
        ("budget", _REFERENCE_BUDGET),
        ("channel", _REFERENCE_CHANNEL),
        ("job", _REFERENCE_JOB),
    ):
        lines.append(f"## [[{section}]]\n\n{text}")
        lines += [_entry(key, f"{section}.{key.name}") for key in LIST_KEYS[section].values()]
    return "\n".join(lines).rstrip() + "\n"


def _entry(key: Key, heading: str) -> str:
    if key.required:
        default = "required"
    elif key.unset:
        default = f"not set ({key.unset})"
    else:
        default = f"`{toml(key.default)}`"
    variable = f"\n- Variable: `{key.variable}`" if key.dotted in KEYS else ""
    return f"### {heading}\n\n{key.en}\n\n- Value: {key.kind.wanted}\n- Default: {default}{variable}\n"


def values(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    """Every value in force as (dotted key, JSON value, origin); secrets and the values of a part's variables are hidden."""
    for dotted, key in KEYS.items():
        yield dotted, redact.tree(plain(settings.value(key))), str(settings.origins[dotted])
    lists: Mapping[str, tuple[Part | Journey | Meter | TrafficJourney | Owner | Shared | Budget | Channel, ...]] = {
        "part": settings.parts, "journey": settings.journeys, "meter": settings.meters,
        "traffic.journey": settings.traffic_journeys, "bills.owner": settings.bill_owners,
        "bills.shared": settings.bill_shared, "budget": settings.budgets, "channel": settings.channels,
    }  # fmt: skip
    for section, declared in lists.items():
        for position, item in enumerate(declared):
            for name, key in LIST_KEYS[section].items():
                value = plain(getattr(item, name))
                shown = dict.fromkeys(value, redact.MASK) if key.kind is VARIABLES else redact.tree(value)
                origin = settings.origins.get(f"{section}.{position}.{name}")
                called = position + 1 if isinstance(item, Owner) else item.name
                yield f"{section}.{called}.{name}", shown, str(origin or "default")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - the page is this module's output
