#!/bin/bash
# A Kubernetes node on Linux in user mode: a kernel of its own with cgroup v2 only, on which root's inotify limits are the node's. Runs COMMAND on that
# node and exits with its status. Needs root and Debian; installs and builds what is missing. $NOSPACE_STATIC, a static nospace, is put into the
# pods' image; LINUX is the kernel's version (tests/uml/kernel.sh), KUBELET=1.X.Y that kubelet instead of the current one, CONTAINERD=X.Y.Z that
# containerd and a newer runc instead of Debian's, CRIO=1.34.0 that CRI-O.
#
#   tests/node/uml.sh COMMAND [ARGUMENT...]
#
# What the node writes stays there, except below $NODE_LOGS, which gets its logs.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
. "$here/ctl.sh"
. "$here/start.sh"
. "$here/../uml/node.sh"

packages=(containerd runc busybox-static containernetworking-plugins iproute2 openssl keyutils)
[ -z "${CRIO:-}" ] || packages+=(conmon skopeo)

inside() {
    export WORK=/run/work
    mkdir "$WORK"
    mount --make-rshared /
    make_layout
    make_image "$TOOLS" "$WORK" ${NOSPACE_STATIC:+"$NOSPACE_STATIC"}
    # Nothing of this node is outside of this kernel.
    export NOSPACE_WHOLE_NODE=1 NODE_PATIENCE=4
    export NODE_NAME=node-1 ADDRESS=10.77.0.1 NODE_CTL=$here/ctl.sh NODE_ROOT=/proc/1/root
    hostname node-1
    own_network
    trap keep_logs EXIT
    start_node
    KUBE_VERSION=$(kubelet --version | sed 's/.* v//') && export KUBE_VERSION
    say "Ready after $SECONDS s"
    "$@"
}

[ $# -gt 0 ] || { say "usage: tests/node/uml.sh COMMAND [ARGUMENT...]"; exit 3; }
if [ -n "${INSIDE:-}" ]; then
    unset INSIDE
    inside "$@"
else
    on_uml "$here" INSIDE=1 "$@"
fi
