#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs `lichen gate` in any pipeline: installs Lichen where it is missing, writes every report, comments where it is asked to.
# Variables, all optional; what they hold is never read as shell:
#   GATE_JOURNEYS  journeys, one a line; those of lichen.toml without any
#   GATE_BASE      what to compare with first, such as git:origin/main
#   GATE_CHANGED   Git reference: only journeys whose paths changed since
#   GATE_NEXT      number: only the journeys that are worth it most; needs GATE_SERVER
#   GATE_RUN       a recorded run instead of measuring
#   GATE_SERVER    server that runs are pushed to, with the token of LICHEN_TOKEN
#   GATE_STRICT    true: inconclusive ends with 6
#   GATE_COMMENT   github or gitlab: one comment on the merge request
#   GATE_REPORTS   folder of the reports; lichen-reports
#   GATE_INSTALL   what pip installs; lichen[journeys]
set -euf
reports=${GATE_REPORTS:-lichen-reports}
mkdir -p "$reports"
if ! command -v lichen >/dev/null 2>&1; then
  python3 -m pip install --quiet "${GATE_INSTALL:-lichen[journeys]}"
fi
set -- --format "json=$reports/gate.json" --junit "$reports/junit.xml" --codequality "$reports/codequality.json"
set -- "$@" --openmetrics "$reports/metrics.txt" --sarif "$reports/lichen.sarif" --summary "$reports/summary.md"
if [ "${GITHUB_ACTIONS:-}" = true ]; then set -- "$@" --github; fi
if [ "${GATE_STRICT:-}" = true ]; then set -- "$@" --strict; fi
if [ -n "${GATE_BASE:-}" ]; then set -- "$@" "--base=$GATE_BASE"; fi
if [ -n "${GATE_CHANGED:-}" ]; then set -- "$@" "--changed-paths=$GATE_CHANGED"; fi
if [ -n "${GATE_NEXT:-}" ]; then set -- "$@" "--measure-next=$GATE_NEXT"; fi
if [ -n "${GATE_RUN:-}" ]; then set -- "$@" "--run=$GATE_RUN"; fi
if [ -n "${GATE_SERVER:-}" ]; then set -- "$@" "--server=$GATE_SERVER"; fi
if [ -n "${GATE_JOURNEYS:-}" ]; then
  set -- "$@" --
  IFS='
'
  for journey in $GATE_JOURNEYS; do set -- "$@" "$journey"; done
  unset IFS
fi
code=0
lichen gate "$@" || code=$?
if [ -n "${GATE_COMMENT:-}" ] && [ -f "$reports/gate.json" ]; then
  lichen comment "$reports/gate.json" "--$GATE_COMMENT" || echo "the comment was not made" >&2
fi
exit "$code"
