#!/bin/bash
# A Kubernetes node in namespaces of its own on this machine: Debian's containerd and runc, a real kubelet,
# kube-apiserver and etcd; cgroup v1 as this machine has it. Runs COMMAND on that node; its exit
# status is COMMAND's. Needs root and Debian; installs and builds what it lacks. $NOSPACE_STATIC, a static nospace, is put into
# the image that the pods run. KUBE_FROM=debian takes Kubernetes 1.20 (kube/debian.sh) in place of the current one.
#
#   tests/node/host.sh COMMAND [ARGUMENT...]
#
# Mount, pid, UTS, cgroup and network namespaces are the node's own, and what it writes lies on tmpfs. The
# kernel settings that a kubelet changes are plain files there. Of the host nothing is changed but a cgroup nospace-node-PID in each
# hierarchy, which is removed. Its programs are started and stopped
# with ctl.sh; their logs are in /run/node/log, and stay in $NODE_LOGS, if that is set.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
. "$here/../lab/namespaces.sh"
. "$here/ctl.sh"
. "$here/start.sh"

packages=(containerd runc busybox-static containernetworking-plugins iproute2 openssl keyutils e2fsprogs)

# The kernel settings that the kubelet writes, as files of the node's own.
own_kernel_settings() {
    local setting value
    for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
        value=${setting#*=} setting=${setting%=*}
        echo "$value" >"$WORK/${setting##*/}"
        mount --bind "$WORK/${setting##*/}" "/proc/sys/$setting"
    done
}

own_network() {
    ip link set lo up
    ip link add node0 type veth peer name node1
    ip address add 10.77.0.1/24 dev node0
    ip link set node0 up
    ip link set node1 up
    ip route add default via 10.77.0.254 dev node0
}

keep_logs() {
    [ -z "${NODE_LOGS:-}" ] || { mkdir -p "$NODE_LOGS" && cp -r "$state/log/." "$NODE_LOGS"; }
}

inside() {
    own_mounts /run /var/log /home
    own_overlays /etc /var/lib /usr/libexec
    mkdir -p /var/lib/kubelet && mount -t tmpfs kubelet /var/lib/kubelet
    mount --make-rshared /
    own_kernel_settings
    own_network
    hostname node-1
    make_image "$TOOLS" "$WORK" ${NOSPACE_STATIC:+"$NOSPACE_STATIC"}
    export NODE_NAME=node-1 ADDRESS=10.77.0.1 NODE_CTL=$here/ctl.sh NODE_ROOT=/proc/1/root
    trap keep_logs EXIT
    start_node
    KUBE_VERSION=$(kubelet --version | sed 's/.* v//') && export KUBE_VERSION
    unset INSIDE TOOLS
    "$@"
}

[ $# -gt 0 ] || { say "usage: tests/node/host.sh COMMAND [ARGUMENT...]"; exit 3; }
if [ -n "${INSIDE:-}" ]; then
    inside "$@"
else
    need_host
    install_packages "${packages[@]}"
    TOOLS=$(build_tools) && export TOOLS
    case ${KUBE_FROM:-modules} in
    modules) KUBE=$("$here/kube/build.sh" kubelet kube-apiserver kubectl etcd) ;;
    debian) KUBE=$("$here/kube/debian.sh") ;;
    esac
    export KUBE
    outside nospace-node --net -- "$@"
fi
