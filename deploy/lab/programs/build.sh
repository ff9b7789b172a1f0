#!/bin/sh
# Builds the programs of a cluster lab (Kubernetes, MetalLB, etcd) from their Go modules, at the versions of the go.mod files beside this.
#
#   sh build.sh          builds what is not there: twelve minutes on two cores and 5 GB of Go's own caches, once; then it says nothing
#   sh build.sh folder   tells the folder they lie in: a cache, which may be deleted
#   sh build.sh check    tells the version of Go that would build them, or what is wrong with it
#
# Beside the programs lie, from the module of MetalLB: metallb-crds/ (its CustomResourceDefinitions) and frr-reloader.sh. The reloader is the
# part of MetalLB's backend `frr` that has FRR take up what a speaker wrote: bash, flock, python3 and FRR's own /usr/lib/frr/frr-reload.py
# (Debian: frr-pythontools), which asks vtysh in /etc/frr and /run/frr. So each speaker of that backend needs zebra, bgpd (bfdd for BFD) and
# the reloader in a mount namespace with /etc/frr, /run/frr and /etc/frr_reloader of its own; FRR_CONFIG_FILE and FRR_RELOADER_PID_FILE tell
# the speaker of the latter.
set -eu
cd "$(dirname "$0")"

# PROGRAM MODULE PACKAGE
PROGRAMS='etcd etcd go.etcd.io/etcd/server/v3
kube-proxy kubernetes k8s.io/kubernetes/cmd/kube-proxy
kube-apiserver kubernetes k8s.io/kubernetes/cmd/kube-apiserver
kube-controller-manager kubernetes k8s.io/kubernetes/cmd/kube-controller-manager
kube-scheduler kubernetes k8s.io/kubernetes/cmd/kube-scheduler
metallb-controller metallb go.universe.tf/metallb/controller
metallb-speaker metallb go.universe.tf/metallb/speaker'
# What MetalLB and etcd ask of Go; Kubernetes would do with 1.25.
NEEDED_MINOR=26

say() { echo "programs: $*" >&2; }
# The last two lines of a refusal: what happened, and what to do.
refuse() {
  say "$1"
  say "$2"
  exit 4
}

cache=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}}
case $cache in
  /*) ;;
  # Whoever asks for the programs later may do so from another folder.
  *) refuse "no folder for the programs: \"$cache\" is no absolute path" 'set HOLDFAST_CACHE to the path of a folder with 1 GB of room' ;;
esac
key=$(find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16)
folder=$cache/holdfast/programs/$key

check_go() {
  remedy="install Go 1.$NEEDED_MINOR or later and put its folder bin into PATH, then try again"
  command -v go >/dev/null || refuse 'the programs of the cluster lab are built with Go, which is not on this machine' "$remedy"
  # Asked elsewhere: in a module that wants a later Go, an old one says nothing but that.
  go_version=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
  minor=${go_version#*go1.}
  minor=${minor%%[!0-9]*}
  [ "${minor:-0}" -ge "$NEEDED_MINOR" ] || refuse "the programs of the cluster lab need Go 1.$NEEDED_MINOR or later; this is $go_version" "$remedy"
}

case ${1:-} in
  folder) echo "$folder" && exit ;;
  check) check_go && echo "$go_version" && exit ;;
  '') ;;
  *) say "unknown argument $1" && exit 2 ;;
esac

missing() { echo "$PROGRAMS" | while read -r name rest; do [ -x "$folder/$name" ] || echo "$name $rest"; done; }
is_complete() { [ -z "$(missing)" ] && [ -d "$folder/metallb-crds" ] && [ -e "$folder/frr-reloader.sh" ]; }
is_complete && exit

# Nothing of the machine's own settings may change what is built; proxies and caches are the user's.
export GOTOOLCHAIN=local GOFLAGS='-mod=readonly -trimpath -buildvcs=false' GOWORK=off CGO_ENABLED=0

# Kubernetes learns its version from the linker alone; the others know theirs.
version=$(sed -n 's/^require k8s.io\/kubernetes //p' kubernetes/go.mod)
minor=${version#v1.}
LINKER_FLAGS='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  LINKER_FLAGS="$LINKER_FLAGS -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
  LINKER_FLAGS="$LINKER_FLAGS -X $package.gitCommit= -X $package.gitTreeState=archive"
done

# Under another name until it is whole: what bears a program's name is one.
build() {
  started=$(date +%s)
  part=$folder/.part-$1
  if ! (cd "$2" && go build -ldflags "$LINKER_FLAGS" -o "$part" "$3") >"$folder/.log" 2>&1; then
    tail -n 20 "$folder/.log" >&2
    say "$1 could not be built"
    exit 1
  fi
  mv "$part" "$folder/$1"
  say "$1: $(($(date +%s) - started)) s, $(($(wc -c <"$folder/$1") / 1000000)) MB"
}

files_of_metallb() {
  module=$(cd metallb && go list -m -f '{{.Dir}}' go.universe.tf/metallb)
  rm -rf "$folder/.part-crds" "$folder/metallb-crds"
  mkdir "$folder/.part-crds"
  cp "$module"/config/crd/bases/*.yaml "$folder/.part-crds/"
  cp "$module/frr-tools/reloader/frr-reloader.sh" "$folder/.part-reloader"
  # Modules are read-only in Go's cache; ours may be deleted.
  chmod -R u+w "$folder/.part-crds" "$folder/.part-reloader"
  mv "$folder/.part-reloader" "$folder/frr-reloader.sh"
  mv "$folder/.part-crds" "$folder/metallb-crds"
}

check_go
mkdir -p "$folder"
# Held by the compilers as well, until the last of them has ended.
exec 9>"$folder/.lock"
if ! flock -n 9; then
  say 'another build is at work: waiting for it'
  flock 9
fi
! is_complete || exit 0
say "building $(missing | cut -d' ' -f1 | xargs) with $go_version; all of them take about twelve minutes the first time, on two cores"
missing | while read -r name module package; do build "$name" "$module" "$package"; done
files_of_metallb
rm -f "$folder/.log"
