#!/bin/sh
# Builds the programs of a cluster lab (Kubernetes, MetalLB, etcd) from their Go modules, at the versions of the go.mod files beside this.
#
#   sh build.sh [VERSION]           builds what is not there: twelve minutes on two cores and 5 GB of Go's own caches, once; then it says nothing
#   sh build.sh folders [VERSION]   tells the folders they lie in: of etcd, of Kubernetes, of MetalLB; a cache, which may be deleted
#   sh build.sh check               tells the version of Go that would build them, or what is wrong with it
#
# VERSION is MetalLB's, one of the folders metallb-*; without it the default of a lab. Any other takes minutes more, when it is asked for.
#
# Beside MetalLB's programs lie, from its module: metallb-crds/ (its CustomResourceDefinitions) and frr-reloader.sh. The reloader is the
# part of MetalLB's backend `frr` that has FRR take up what a speaker wrote: bash, flock, python3 and FRR's own /usr/lib/frr/frr-reload.py
# (Debian: frr-pythontools), which asks vtysh in /etc/frr and /run/frr. So each speaker of that backend needs zebra, bgpd (bfdd for BFD) and
# the reloader in a mount namespace with /etc/frr, /run/frr and /etc/frr_reloader of its own; FRR_CONFIG_FILE and FRR_RELOADER_PID_FILE tell
# the speaker of the latter.
set -eu
cd "$(dirname "$0")"

say() { echo "programs: $*" >&2; }
# The last two lines of a refusal: what happened, and what to do.
refuse() {
  say "$1"
  say "$2"
  exit 4
}

verb=build
case ${1:-} in folders | check) verb=$1 && shift ;; esac
metallb_module=metallb-${1:-0.16.2}
[ -e "$metallb_module/go.mod" ] || { say "unknown argument ${1:-}" && exit 2; }

# What MetalLB 0.16 and etcd ask of Go; the others would do with 1.25.
NEEDED_MINOR=26
# Programs of former versions go when nobody has asked for them for so long.
KEEP_DAYS=14

cache=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}}
case $cache in
  /*) ;;
  '') refuse 'no folder for the programs: none of HOLDFAST_CACHE, XDG_CACHE_HOME and HOME is set' 'set HOLDFAST_CACHE to the path of a folder with 1 GB of room' ;;
  # Whoever asks for the programs later may do so from another folder.
  *) refuse "no folder for the programs: \"$cache\" is no absolute path" 'set HOLDFAST_CACHE to the path of a folder with 1 GB of room' ;;
esac
programs=$cache/holdfast/programs

# Nothing of the machine's own settings may change what is built; proxies and caches are the user's.
export GOTOOLCHAIN=local GOFLAGS='-mod=readonly -trimpath -buildvcs=false' GOWORK=off CGO_ENABLED=0
# Go's own caches have no place for a user without a home.
[ -n "${HOME:-}" ] || export GOPATH="${GOPATH:-$cache/go}" GOCACHE="${GOCACHE:-$cache/go-build}"

# Kubernetes learns its version from the linker alone; the others know theirs.
version=$(sed -n 's/^require k8s.io\/kubernetes //p' kubernetes/go.mod)
minor=${version#v1.}
LINKER_FLAGS='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  LINKER_FLAGS="$LINKER_FLAGS -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
  LINKER_FLAGS="$LINKER_FLAGS -X $package.gitCommit= -X $package.gitTreeState=archive"
done

# Named by what a module's programs are made of, so that a change of one module compiles no other anew.
folder_of() {
  made_of=$(find "$1" -type f | LC_ALL=C sort | xargs sha256sum && echo "$GOFLAGS $LINKER_FLAGS")
  echo "$programs/$1-$(echo "$made_of" | sha256sum | cut -c1-16)"
}
etcd=$(folder_of etcd)
kubernetes=$(folder_of kubernetes)
metallb=$(folder_of "$metallb_module")

# MODULE PACKAGE PROGRAM
PROGRAMS="etcd go.etcd.io/etcd/server/v3 $etcd/etcd
kubernetes k8s.io/kubernetes/cmd/kube-proxy $kubernetes/kube-proxy
kubernetes k8s.io/kubernetes/cmd/kube-apiserver $kubernetes/kube-apiserver
kubernetes k8s.io/kubernetes/cmd/kube-controller-manager $kubernetes/kube-controller-manager
kubernetes k8s.io/kubernetes/cmd/kube-scheduler $kubernetes/kube-scheduler
$metallb_module go.universe.tf/metallb/controller $metallb/metallb-controller
$metallb_module go.universe.tf/metallb/speaker $metallb/metallb-speaker"

check_go() {
  remedy="install Go 1.$NEEDED_MINOR or later and put its folder bin into PATH, then try again"
  command -v go >/dev/null || refuse 'the programs of the cluster lab are built with Go, which is not on this machine' "$remedy"
  # Asked elsewhere: in a module that wants a later Go, an old one says nothing but that.
  go_version=$(cd / && go env GOVERSION)
  minor=${go_version#*go1.}
  minor=${minor%%[!0-9]*}
  [ "${minor:-0}" -ge "$NEEDED_MINOR" ] || refuse "the programs of the cluster lab need Go 1.$NEEDED_MINOR or later; this is $go_version" "$remedy"
}

case $verb in
  folders) printf '%s\n' "$etcd" "$kubernetes" "$metallb" && exit ;;
  check) check_go && echo "$go_version" && exit ;;
esac

missing() { echo "$PROGRAMS" | while read -r module package program; do [ -s "$program" ] && [ -x "$program" ] || echo "$module $package $program"; done; }
has_files_of_metallb() { [ -d "$metallb/metallb-crds" ] && [ -s "$metallb/frr-reloader.sh" ]; }
is_complete() { [ -z "$(missing)" ] && has_files_of_metallb; }
# A folder's time tells when its programs were asked for last; in a cache of somebody else, that is for them to tell.
mark_used() { touch -c "$etcd" "$kubernetes" "$metallb" 2>/dev/null || :; }
if is_complete; then
  mark_used
  exit
fi

# Under another name until it is whole and on the disk: what bears a program's name is one.
build() {
  module=$1 package=$2 program=$3
  folder=${program%/*} name=${program##*/}
  part=$folder/.part-$name
  started=$(date +%s)
  mkdir -p "$folder"
  # Go refuses to write over a file that is empty.
  rm -f "$part"
  if ! (cd "$module" && go build -ldflags "$LINKER_FLAGS" -o "$part" "$package") >"$folder/.log" 2>&1; then
    tail -n 20 "$folder/.log" >&2
    say "$name could not be built"
    exit 1
  fi
  sync "$part"
  mv "$part" "$program"
  rm -f "$folder/.log"
  say "$name: $(($(date +%s) - started)) s, $(($(wc -c <"$program") / 1000000)) MB"
}

files_of_metallb() {
  module=go.universe.tf/metallb crds=$metallb/.part-crds reloader=$metallb/.part-reloader
  # Fetched first: Go may have thrown away what it compiled from, and would then tell no folder.
  source=$(cd "$metallb_module" && go mod download "$module" && go list -m -f '{{.Dir}}' "$module") || source=
  [ -n "$source" ] || { say "the module $module could not be had" && exit 1; }
  rm -rf "$crds"
  mkdir "$crds"
  cp "$source"/config/crd/bases/*.yaml "$crds/"
  cp "$source/frr-tools/reloader/frr-reloader.sh" "$reloader"
  # Modules are read-only in Go's cache; ours may be deleted.
  chmod -R u+w "$crds" "$reloader"
  sync "$crds"/* "$reloader"
  rm -rf "$metallb/metallb-crds"
  mv "$crds" "$metallb/metallb-crds"
  mv "$reloader" "$metallb/frr-reloader.sh"
}

# What no checkout asks for any more. A lab that is up starts its programs again when they end: it keeps the folder it runs from.
delete_old() {
  present=$(for module in */; do folder_of "${module%/}"; done)
  find "$programs" -mindepth 1 -maxdepth 1 -type d -mtime "+$KEEP_DAYS" | while read -r old; do
    ! echo "$present" | grep -qxF "$old" || continue
    # By their command lines, which tell of other users' processes too; a folder's name is one of its kind, whatever path leads to it.
    ! echo "/${old##*/}/" | grep -qsFf - /proc/[0-9]*/cmdline || continue
    rm -rf "$old"
    say "deleted ${old##*/}: not asked for in more than $KEEP_DAYS days"
  done
}

check_go
mkdir -p "$programs"
# Held by the compilers as well, until the last of them has ended.
exec 9>"$programs/.lock"
if ! flock -n 9; then
  say 'another build is at work: waiting for it'
  flock 9
fi
! is_complete || exit 0
[ -z "$(missing)" ] || say "building $(missing | sed 's|.*/||' | xargs) with $go_version; all of them take about twelve minutes the first time, on two cores"
missing | while read -r module package program; do build "$module" "$package" "$program"; done
has_files_of_metallb || files_of_metallb
mark_used
delete_old
