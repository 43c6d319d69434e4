#!/bin/bash
# The node on a Debian guest: systemd, cgroup v2 only, the kernel's default limits. Runs the story there.
#
#   NOSPACE_STATIC=PATH tests/node/guest.sh OUT STORY-BINARY [ACT...]
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
kube=$("$here/kube/build.sh" kubelet kube-apiserver kubectl etcd)
tools=$(build_tools)
own_work nospace-node-guest
make_image "$tools" "$work" "$NOSPACE_STATIC"
mkdir "$work/kube"
cp "$kube"/{kubelet,kube-apiserver,kubectl,etcd} "$work/kube/"
[ -z "${CONTAINERD:-}" ] || cp "$("$here/containerd/build.sh" "$CONTAINERD")"/* "$work/kube/"
echo "$@" >"$work/acts"
install "$story" "$work/nospace-story"
install "$NOSPACE_STATIC" "$work/nospace"
# All acts take half an hour on a quiet machine.
export GUEST_TIMEOUT=${GUEST_TIMEOUT:-5400}
"$here/../guest/guest.sh" "$out" "$here/on-guest.sh" "$here/ctl.sh" "$here/start.sh" \
    "$here/../lab/tools.sh" "$work"/{kube,acts,image.tar,nospace-story,nospace}
