# SPDX-License-Identifier: Apache-2.0
"""First party or third party: whether two hosts belong to one registrable site."""

from __future__ import annotations

import ipaddress
from typing import Final

_SECOND_LEVEL: Final = frozenset(
    (
        "ac",
        "asso",
        "co",
        "com",
        "ed",
        "edu",
        "go",
        "gob",
        "gouv",
        "gov",
        "govt",
        "gv",
        "ltd",
        "me",
        "mil",
        "ne",
        "net",
        "nhs",
        "nom",
        "or",
        "org",
        "plc",
        "police",
        "sch",
    )
)
"""Labels under which countries register names (``co.uk``, ``gouv.fr``, ``com.au``, ``or.jp``)."""

_SHARED_HOSTING: Final = frozenset(
    (
        "azurewebsites.net",
        "cloudfront.net",
        "firebaseapp.com",
        "fly.dev",
        "github.io",
        "gitlab.io",
        "herokuapp.com",
        "netlify.app",
        "onrender.com",
        "pages.dev",
        "vercel.app",
        "web.app",
        "workers.dev",
    )
)
"""Suffixes under which strangers publish side by side."""


def registrable_site(host: str) -> str:
    """The site that ``host`` belongs to.

    An address of IP, and a name without a dot such as ``localhost``, is a site of its own. Otherwise the last two labels,
    or three when the last two are a suffix that many share: under a country code a label such as ``co`` or ``gouv``, or
    a well-known host of other people's pages. A rule of thumb, not the Public Suffix List: an unlisted
    suffix makes strangers look like one site.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return name
    labels = name.split(".")
    if len(labels) <= 2:
        return name
    suffix = ".".join(labels[-2:])
    shared = suffix in _SHARED_HOSTING or (len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL)
    return ".".join(labels[-3:] if shared else labels[-2:])


def party(host: str, site: str | None) -> str:
    """``first`` when ``host`` belongs to ``site`` (as given by `registrable_site`), else ``third``."""
    return "first" if site is not None and registrable_site(host) == site else "third"


def only_site_rules(site: str) -> str:
    """Chromium's host-resolver rules that make every host outside ``site`` unreachable."""
    return f"MAP * ~NOTFOUND , EXCLUDE {site} , EXCLUDE *.{site}"
