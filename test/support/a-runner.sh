#!/bin/sh
# The quickest `holdfast run` there can be, for storms: claims its folder, counts its beginning, reports. Started by an assassin's scenario
# it first kills the service that started it, somewhere between the start and its note in the store.
#   a-runner.sh run FILE … --out FOLDER | report FOLDER
[ "$1" = run ] || exit 4
scenario=$2
while [ $# -gt 1 ]; do
  [ "$1" = --out ] && out=$2
  shift
done
read -r odds <"$scenario"
if [ "$(od -An -N1 -tu1 /dev/urandom)" -lt "${odds:-0}" ]; then kill -9 "$PPID"; fi
mkdir -p "$out"
set -C
echo '{}' 2>/dev/null >"$out/journal.ndjson" || { echo 'error: the journal is there' >&2; exit 4; }
echo "${out##*/}" >>"${out%/*}/began.txt"
echo '{"schema":1,"verdict":"held","summary":"Held.","events":[]}' >"$out/report.json"
