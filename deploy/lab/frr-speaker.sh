#!/usr/bin/env bash
# A speaker of MetalLB with its backend `frr`, as the one process of a pod: FRR, MetalLB's reloader and the speaker itself.
#
#   frr-speaker.sh FOLDER GROUPS RELOADER SPEAKER [ARGUMENTS…]
#
# FOLDER is the pod's own; GROUPS an /etc/group in which root is of FRR's groups, since an ordinary user's lab has no user frr.
# The reloader asks vtysh in /etc/frr and /run/frr, wherever it runs: hence a view of the file system that has this pod's own there.
set -u
if [ "${HOLDFAST_OWN_VIEW:-}" != yes ]; then
  exec env HOLDFAST_OWN_VIEW=yes unshare --mount --propagation private bash "$0" "$@"
fi
folder=$1 groups=$2 reloader=$3
shift 3

# As Debian, and FRR's own packages.
for programs in /usr/lib/frr /usr/libexec/frr /usr/local/sbin; do [ -x $programs/bgpd ] && break; done
rm -rf "$folder" && mkdir -p "$folder/etc" "$folder/run" "$folder/reload" /run/frr || exit 1
printf 'frr defaults traditional\nhostname %s\n' "$METALLB_NODE_NAME" >"$folder/etc/frr.conf"
echo 'service integrated-vtysh-config' >"$folder/etc/vtysh.conf"
touch "$folder/etc/daemons"
mount --bind "$folder/etc" /etc/frr && mount --bind "$folder/run" /run/frr && mount --bind "$groups" /etc/group || exit 1
export SHARED_VOLUME=$folder/reload FRR_CONFIG_FILE=$folder/reload/frr.conf FRR_RELOADER_PID_FILE=$folder/reload/reloader.pid

pids=()
end() {
  trap - TERM INT
  # A shell that waits hears nothing: whoever takes its time is ended by force.
  kill -TERM "${pids[@]}" 2>/dev/null
  for _ in $(seq 20); do kill -0 "${pids[@]}" 2>/dev/null || break; sleep 0.05; done
  kill -KILL "${pids[@]}" 2>/dev/null
  exit "${1:-0}"
}
trap end TERM INT
# Waits up to 5 s for a file that a daemon makes.
await() {
  for _ in $(seq 100); do [ -e "$1" ] && return; sleep 0.05; done
  echo "no $1 after 5 s" >&2
  end 1
}
daemon() {
  local name=$1
  shift
  "$programs/$name" -u root -g root -P 0 --log stdout --log-level informational "$@" &
  pids+=($!)
  await "/run/frr/$name.vty"
}

daemon zebra
daemon bfdd
# It dials and does not listen: the router waits.
daemon bgpd -p 0
bash "$reloader" &
pids+=($!)
await "$FRR_RELOADER_PID_FILE"
"$@" &
pids+=($!)
# One of them gone is a container gone: the pod ends, and is started again.
wait -n "${pids[@]}"
end 1
