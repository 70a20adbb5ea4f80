# SPDX-License-Identifier: Apache-2.0
"""Robots by what they call themselves. The list is declared here and may be added to by ``traffic.robots``.

A robot that passes for a person is counted as one. New ones are found too: nearly all say "bot", "crawl" or "spider", as search
engines document of theirs (https://developers.google.com/search/docs/crawling-indexing, https://www.bing.com/webmasters/help).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

WORDS: Final = (
    # search engines, archives, previews of links, language models
    "bot", "crawl", "spider", "slurp", "mediapartners", "archive.org", "ia_archiver", "facebookexternalhit", "facebookcatalog",
    "whatsapp/", "embedly", "bytespider", "gptbot", "claude-web", "anthropic-ai", "perplexity", "ccbot", "feedfetcher", "feedly",
    "preview", "validator", "scan", "headless",
    # programs and libraries
    "curl/", "wget", "python", "aiohttp", "httpx", "scrapy", "java/", "apache-httpclient", "okhttp", "go-http-client", "libwww",
    "lwp::", "node-fetch", "axios", "undici", "guzzle", "php/", "ruby", "faraday", "postmanruntime", "insomnia",
    # monitoring and measuring
    "monitor", "pingdom", "uptime", "nagios", "check_http", "zabbix", "datadog", "newrelic", "statuscake", "site24x7",
    "blackbox", "prometheus", "kube-probe", "elb-healthchecker", "googlehc", "amazon-route53", "lighthouse", "pagespeed",
    "gtmetrix", "ptst/", "speedcurve", "sitespeed", "greenframe", "lichen", "k6/", "jmeter", "gatling", "locust", "apachebench",
)  # fmt: skip
"""Words of a user agent that mark a robot, in small letters."""

_PHONES: Final = re.compile(rb"cubot")
"""A maker of phones."""
_CACHED_AGENTS: Final = 1 << 14
_LONGEST_AGENT: Final = 512
"""Bytes of a user agent that are looked at."""


class Robots:
    """Tells robots.

    Args:
        more: further words of user agents.
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        words = [word.lower() for word in (*WORDS, *more) if word.strip()]
        self._words = re.compile(b"|".join(re.escape(word.encode()) for word in words))
        self._known = lru_cache(_CACHED_AGENTS)(self._is_robot)

    def is_robot(self, agent: bytes) -> bool:
        """Whether a user agent is a robot's. Who does not tell one is: every browser does."""
        return self._known(agent[:_LONGEST_AGENT])

    def _is_robot(self, agent: bytes) -> bool:
        plain = _PHONES.sub(b"", agent.lower())
        return agent in (b"", b"-") or self._words.search(plain) is not None
