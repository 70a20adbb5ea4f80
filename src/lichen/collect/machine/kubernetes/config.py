# SPDX-License-Identifier: Apache-2.0
"""kubeconfig: which cluster to ask, and how to be known to it. Read only; programs that it names are not run.

Source: kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lichen.collect.machine.endpoint import Address, Endpoint
from lichen.errors import ConfigError

_IN_CLUSTER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LINE: Final = re.compile(r"(?P<indent> *)(?P<dash>- +)?(?:(?P<key>[\w./-]+|\"[^\"]*\"):(?: +|$))?(?P<value>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster's API and the user's papers.

    Attributes:
        authority: certificates (PEM) that vouch for it; the system's when empty.
        certificate, key: of the user (PEM).
    """

    server: str
    authority: str = ""
    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)

    def endpoint(self) -> Endpoint:
        """A client of its API. The papers lie in files of this user alone for the moment in which they are read."""
        with tempfile.TemporaryDirectory(prefix="lichen-") as name_of_folder:
            folder = Path(name_of_folder)
            files = {}
            for name in ("authority", "certificate", "key"):
                if getattr(self, name):
                    files[name] = folder / f"{name}.pem"
                    files[name].write_text(getattr(self, name), encoding="ascii")
            address = Address(
                url=self.server.rstrip("/"),
                token=self.token,
                authority=files.get("authority"),
                certificate=(files["certificate"], files["key"]) if {"certificate", "key"} <= files.keys() else None,
            )
            return Endpoint("The Kubernetes API", address, setting="kubernetes.kubeconfig")


def in_cluster() -> Cluster | None:
    """The cluster in which this process is a pod; None outside."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token = (_IN_CLUSTER / "token").read_text(encoding="ascii").strip()
        authority = (_IN_CLUSTER / "ca.crt").read_text(encoding="ascii")
    except OSError:
        return None
    if not host:
        return None
    return Cluster(server=f"https://{f'[{host}]' if ':' in host else host}:{port}", token=token, authority=authority)


def read_kubeconfig(file: Path, context: str | None = None) -> Cluster:
    """The cluster and user of a context.

    Args:
        context: its name; the file's current one when None.

    Raises:
        ConfigError: the file cannot be read or understood, or asks for what is not done here.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The kubeconfig {file} cannot be read: {error}.",
            repair="Correct kubernetes.kubeconfig.",
            culprit=str(file),
        ) from error
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else plain_yaml(text)
    except ValueError as error:
        raise ConfigError(
            f"The kubeconfig {file} is not understood: {error}.",
            repair="Write it as JSON: kubectl config view --raw --minify -o json > FILE.",
            culprit=str(file),
        ) from error
    if not isinstance(document, dict):
        raise ConfigError(
            f"The kubeconfig {file} holds no settings.", repair="Correct kubernetes.kubeconfig.", culprit=str(file)
        )
    name = context or document.get("current-context")
    chosen = _named(document, "contexts", name, "context", file)
    cluster = _named(document, "clusters", chosen.get("cluster"), "cluster", file)
    user = _named(document, "users", chosen.get("user"), "user", file) if chosen.get("user") else {}
    return _cluster(cluster, user, file)


def _named(document: Mapping[str, Any], listing: str, name: Any, key: str, file: Path) -> dict[str, Any]:
    for item in document.get(listing) or ():
        if isinstance(item, dict) and item.get("name") == name and isinstance(item.get(key), dict):
            return dict(item[key])
    known = [str(item.get("name")) for item in document.get(listing) or () if isinstance(item, dict)]
    raise ConfigError(
        f"The kubeconfig {file} has no {key} '{name}'.",
        repair=f"It has {', '.join(known)}: set kubernetes.context." if known else "Correct kubernetes.kubeconfig.",
        culprit=str(file),
    )


def _cluster(cluster: Mapping[str, Any], user: Mapping[str, Any], file: Path) -> Cluster:
    for key, does in (("exec", "run a program"), ("auth-provider", "ask another service")):
        if key in user:
            raise ConfigError(
                f"To be known to the cluster, the kubeconfig {file} wants to {does} ({key}), which Lichen does not do.",
                repair="Give a file with a token: kubectl create token ACCOUNT, of an account that may list pods.",
                culprit=str(file),
            )
    if cluster.get("insecure-skip-tls-verify"):
        raise ConfigError(
            f"The kubeconfig {file} asks not to check who answers, which Lichen does not do.",
            repair="Give the cluster's certificate-authority instead of insecure-skip-tls-verify.",
            culprit=str(file),
        )
    if not cluster.get("server"):
        raise ConfigError(f"The kubeconfig {file} names no server.", repair="Add it.", culprit=str(file))
    token = str(user.get("token") or "")
    if not token and user.get("tokenFile"):
        token = _file(file, user["tokenFile"]).strip()
    return Cluster(
        server=str(cluster["server"]),
        authority=_pem(cluster, "certificate-authority", file),
        token=token,
        certificate=_pem(user, "client-certificate", file),
        key=_pem(user, "client-key", file),
    )


def _pem(table: Mapping[str, Any], key: str, file: Path) -> str:
    """A certificate or key that stands in the file, or in another."""
    if table.get(f"{key}-data"):
        try:
            return base64.b64decode(str(table[f"{key}-data"]), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The {key}-data of the kubeconfig {file} is not Base64 of a certificate.", repair="Renew the file.",
                culprit=str(file),
            ) from error  # fmt: skip
    return _file(file, table[key]) if table.get(key) else ""


def _file(file: Path, name: object) -> str:
    path = file.parent / str(name)
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}, named by the kubeconfig {file}, cannot be read: {error}.", repair="Correct it.", culprit=str(path)
        ) from error


def plain_yaml(text: str) -> Any:
    """The little of YAML that kubeconfig files are written in: nested mappings, lists of them, and texts.

    Raises:
        ValueError: there is more in it.
    """
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        found = _LINE.fullmatch(line.rstrip())
        if found is None or "\t" in line:
            raise ValueError(f"line {number}")
        indent, dash, key, value = len(found["indent"]), found["dash"], found["key"], found["value"].strip()
        if dash:
            lines.append((indent, "-", "", number))
            indent += len(dash)
        lines.append((indent, (key or "").strip('"'), value, number))
    rest, value = _block(lines, 0)
    if rest != len(lines):
        raise ValueError(f"line {lines[rest][3]}")
    return value


def _block(lines: list[tuple[int, str, str, int]], at: int) -> tuple[int, Any]:
    """The mapping or list that begins at a line, and where it ends."""
    if at >= len(lines):
        return at, None
    indent = lines[at][0]
    listed: list[Any] = []
    table: dict[str, Any] = {}
    while at < len(lines) and lines[at][0] == indent:
        _, key, value, number = lines[at]
        if key == "-":
            at, item = _block(lines, at + 1)
            listed.append(item)
            continue
        if listed:
            break  # a list may stand as far to the left as the key that holds it
        if not key:
            if not table:
                return at + 1, _scalar(value, number)
            raise ValueError(f"line {number}")
        at += 1
        deeper = at < len(lines) and (lines[at][0] > indent or (lines[at][0] == indent and lines[at][1] == "-"))
        if value == "" and deeper:
            at, table[key] = _block(lines, at)
        else:
            table[key] = _scalar(value, number)
    if at < len(lines) and lines[at][0] > indent:
        raise ValueError(f"line {lines[at][3]}")
    return at, listed or table


def _scalar(value: str, number: int) -> Any:
    if value in ("", "null", "~"):
        return None
    if value in ("{}", "[]"):
        return {} if value == "{}" else []
    if value in ("true", "false"):
        return value == "true"
    if value[0] in "{[&*|>!%@`":
        raise ValueError(f"line {number}")
    if value[0] in "\"'" and value[-1] == value[0] and len(value) > 1:
        return value[1:-1]
    return value
