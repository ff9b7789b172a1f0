#!/bin/sh
# Brings what this repository needs to a machine: Debian packages, without starting a daemon, npm packages, and the service's page, built.
# Silent when all is there.
#
#   sh deploy/setup.sh [demo]         what a lab needs
#   sh deploy/setup.sh serve          and a Redis server, and the page
#   sh deploy/setup.sh test           and what the tests need besides
#   sh deploy/setup.sh test:service   and what the service is tested against: a real Prometheus and Alertmanager
#   sh deploy/setup.sh test:cluster   what a cluster lab needs, whatever its backend; then its programs are built (Go >= 1.26, minutes, once)
#   sh deploy/setup.sh packages       npm packages alone
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
POLICY=/usr/sbin/policy-rc.d
SAVED=$POLICY.before-holdfast

say() { echo "setup: $*" >&2; }

# COMMAND PACKAGE for all that is not there; FRR's daemons are in nobody's PATH.
missing() {
  while read -r command package; do
    command -v "$command" >/dev/null 2>&1 || [ -x "/usr/lib/frr/$command" ] || [ -x "/usr/libexec/frr/$command" ] || echo "$command $package"
  done
}

needed() {
  printf '%s\n' 'ip iproute2' 'nft nftables' 'conntrack conntrack' 'vtysh frr' 'zebra frr' 'bgpd frr'
  case $1 in serve | test | test:service) echo 'redis-server redis-server' ;; esac
  case $1 in test | test:service) echo 'python3 python3' && { is_ubuntu || echo 'chromium chromium'; } ;; esac
  case $1 in test:cluster) printf '%s\n' 'python3 python3' 'frr-reload.py frr-pythontools' 'iptables-save iptables' ;; esac
  case $1 in test:service) printf '%s\n' 'promtool prometheus' 'prometheus-alertmanager prometheus-alertmanager' ;; esac
}

# Ubuntu has chromium as a snap alone, which sees neither /tmp nor hidden folders: it would do the tests no good.
is_ubuntu() { grep -qs '^ID=ubuntu$' /etc/os-release; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Under a policy of 101 no package starts its daemon (Debian policy, section 9.3.3; invoke-rc.d(8)).
forbid_daemons() {
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  trap restore_policy EXIT
  if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then as_root mv "$POLICY" "$SAVED"; fi
  printf '#!/bin/sh\n# put here by Holdfast for as long as its set-up takes\nexit 101\n' | as_root tee "$POLICY" >/dev/null
  as_root chmod 755 "$POLICY"
}

restore_policy() {
  trap - EXIT
  if [ -e "$SAVED" ] || [ -L "$SAVED" ]; then as_root mv "$SAVED" "$POLICY"; else as_root rm -f "$POLICY"; fi
}

# A set-up that was killed left its policy behind: the machine's own comes back first.
recover_policy() {
  if [ -e "$SAVED" ] || [ -L "$SAVED" ] || grep -qs 'put here by Holdfast' "$POLICY"; then restore_policy; fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null; }

install() {
  forbid_daemons
  log=$(mktemp)
  # Lists may be missing or old: they are fetched when the first try fails.
  if ! apt install --yes --no-install-recommends "$@" >"$log" 2>&1; then
    if ! { apt update && apt install --yes --no-install-recommends "$@"; } >"$log" 2>&1; then
      cat "$log" >&2
      rm -f "$log"
      say "apt could not install $*"
      exit 4
    fi
  fi
  rm -f "$log"
  # Packages also ask for their daemons at the next boot: labs, service and tests start their own.
  for package in "$@"; do
    case $package in
      frr | redis-server | prometheus | prometheus-alertmanager)
        if command -v systemctl >/dev/null; then as_root systemctl disable "$package" >/dev/null 2>&1 || true; fi ;;
    esac
  done
  restore_policy
}

debian_packages() {
  recover_policy
  lacking=$(needed "$1" | missing)
  [ -n "$lacking" ] || return 0
  commands=$(echo "$lacking" | cut -d' ' -f1 | xargs)
  packages=$(echo "$lacking" | cut -d' ' -f2 | sort -u | xargs)
  if ! command -v apt-get >/dev/null; then
    say "missing on this machine: $commands"
    say "install them (as packages they may be called: $packages), then try again"
    exit 4
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    say "missing on this machine: $commands"
    say "as root: apt-get install --no-install-recommends $packages"
    exit 4
  fi
  how=''
  [ "$(id -u)" = 0 ] || how=' with sudo'
  say "installing $packages$how; no daemon is started"
  case $1 in test | test:service) if is_ubuntu; then say 'Ubuntu has chromium as a snap alone: tests in a browser are skipped, and counted'; fi ;; esac
  # shellcheck disable=SC2086 # a list of words
  install $packages
}

npm_packages() {
  [ -x node_modules/.bin/node ] && [ node_modules/.package-lock.json -nt package-lock.json ] && return 0
  say 'installing npm packages'
  npm ci --ignore-scripts --no-fund --no-audit --loglevel=error >&2
}

# Built anew when something that it is built from is younger; find tells folders as well, so that a file that left is noticed.
page() {
  [ -e dist/ui/index.html ] && [ -z "$(find src/ui src/report src/core .config/vite.config.ts package-lock.json -newer dist/ui/index.html)" ] && return 0
  say 'building the page'
  npm run -s page >&2
}

mode=${1:-demo}
case $mode in
  demo | serve | test | test:service | test:cluster) debian_packages "$mode" ;;
  packages) ;;
  *) say "unknown mode $mode" && exit 2 ;;
esac
npm_packages
case $mode in serve | test:service) page ;; esac
case $mode in test:cluster) sh deploy/lab/programs/build.sh ;; esac
