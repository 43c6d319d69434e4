#!/bin/bash
# Holds nospace against real Kubernetes: one command a level.
#
#   tests/node/run.sh cadvisor           the kubelet's cAdvisor, in user namespaces with limits of their own
#   tests/node/run.sh host [ACT...]      a node in namespaces of this machine, with cgroup v1
#   tests/node/run.sh debian [ACT...]    the same with Kubernetes 1.20 of Debian's source package
#   tests/node/run.sh guest [ACT...]     a node on a Debian guest, with systemd and cgroup v2
#
# Installs and builds what is missing: Kubernetes' programs once (some ten minutes), into ~/.cache/nospace-node. What was
# claimed and what was so goes to standard output and, with the logs, to target/node/LEVEL. Needs root.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
level=${1-}
case $level in
cadvisor | host | debian | guest) shift ;;
*) sed -n '4,7s/^#   /usage: /p' "$0" >&2; exit 3 ;;
esac
[ "$(id -u)" = 0 ] || { echo "node: needs root" >&2; exit 77; }

"$top/scripts/prepare" test
NOSPACE_STATIC=$(cd "$top" && realpath "$(scripts/static --quiet)")
export NOSPACE_STATIC
target=$(uname -m)-unknown-linux-gnu
(cd "$top" && RUSTFLAGS=-Ctarget-feature=+crt-static cargo build --quiet --target "$target" --package nospace-story)
story=$top/target/$target/debug/nospace-story
out=$top/target/node/$level
mkdir -p "$out"

case $level in
cadvisor)
    kube=$("$here/kube/build.sh" cadvisor)
    "$story" --nospace "$NOSPACE_STATIC" --table "$out/table.md" cadvisor "$kube/cadvisor"
    ;;
host | debian)
    [ $level = host ] || export KUBE_FROM=debian
    NODE_LOGS=$out "$here/host.sh" "$story" --nospace "$NOSPACE_STATIC" --table "$out/table.md" node "$@"
    ;;
guest) "$here/guest.sh" "$out" "$story" "$@" ;;
esac
