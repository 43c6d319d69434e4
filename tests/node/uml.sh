#!/bin/bash
# A Kubernetes node on Linux in user mode: a kernel of its own with cgroup v2 only, on which root's inotify limits are the node's. Runs COMMAND on that
# node and exits with its status. Needs root and Debian; installs and builds what is missing. $NOSPACE_STATIC, a static nospace, is put into the
# pods' image; LINUX is the kernel's version (tests/uml/kernel.sh), CONTAINERD=2.X.Y that containerd and a newer runc instead of Debian's.
#
#   tests/node/uml.sh COMMAND [ARGUMENT...]
#
# What the node writes stays there, except below $NODE_LOGS, which gets its logs.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
. "$here/../lab/namespaces.sh"
. "$here/../lab/work.sh"
. "$here/ctl.sh"
. "$here/start.sh"

packages=(containerd runc busybox-static containernetworking-plugins iproute2 openssl keyutils)

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
    [ "$(id -u)" = 0 ] || { say "needs root"; exit 77; }
    own_processes "$0" "$@"
    install_packages "${packages[@]}"
    kernel=$("$here/../uml/kernel.sh" "${LINUX:-6.12}")
    TOOLS=$(build_tools)
    KUBE=$("$here/kube/build.sh" kubelet kube-apiserver kubectl etcd)
    [ -z "${CONTAINERD:-}" ] || KUBE=$("$here/containerd/build.sh" "$CONTAINERD"):$KUBE
    export TOOLS KUBE INSIDE=1
    "$here/../uml/uml.sh" "$kernel" "${NODE_LOGS:?}" "$(readlink -f "$0")" "$@"
fi
