#!/bin/bash
# The node on a Debian guest: cgroup v2 only, the kernel's default limits, systemd unless it is one on arm64. Runs the story there.
#
#   NOSPACE_STATIC=PATH [GUEST_ARCH=arm64] tests/node/guest.sh OUT STORY-BINARY [ACT...]
#
# Copies logs, the table and a recording of the healthy node to OUT. Called by run.sh.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
. "$here/../lab/work.sh"
[ $# -ge 2 ] || { echo "usage: tests/node/guest.sh OUT STORY-BINARY [ACT...]" >&2; exit 3; }
own_processes "$0" "$@"
out=$1 story=$2
shift 2
[ -z "${GUEST_ARCH:-}" ] || export GOARCH=$GUEST_ARCH
kube=$("$here/kube/build.sh" kubelet kube-apiserver kubectl etcd)
tools=$(build_tools)
own_work nospace-node-guest
mkdir "$work"/{kube,tools}
cp "$tools/watcher" "$work/tools/"
cp "$kube"/{kubelet,kube-apiserver,kubectl,etcd} "$work/kube/"
[ -z "${CONTAINERD:-}" ] || cp "$("$here/containerd/build.sh" "$CONTAINERD")"/* "$work/kube/"
echo "$@" >"$work/acts"
install "$story" "$work/nospace-story"
install "$NOSPACE_STATIC" "$work/nospace"
# All acts take half an hour on a quiet machine.
export GUEST_TIMEOUT=${GUEST_TIMEOUT:-5400}
"$here/../guest/guest.sh" "$out" "$here/on-guest.sh" "$here/ctl.sh" "$here/start.sh" \
    "$here/../lab/tools.sh" "$work"/{kube,tools,acts,nospace-story,nospace}
