#!/bin/bash
# A Kubernetes node in its own namespaces on this machine: Debian's containerd and runc, a real kubelet,
# kube-apiserver and etcd; this machine's cgroup v1. Runs COMMAND on that node and exits with its status.
# Needs root and Debian; installs and builds what is missing. $NOSPACE_STATIC, a static nospace, is put into
# the pods' image. KUBE_FROM=debian uses Kubernetes 1.20 (kube/debian.sh) instead of the current version, KUBELET=1.X.Y only that kubelet
# (kube/kubelet.sh), CONTAINERD=X.Y.Z that containerd and a newer runc (containerd/build.sh) instead of Debian's, CRIO=1.34.0 that CRI-O
# (crio/build.sh). LAYOUT=k3s, rke2, microk8s or k0s gives kubelet and containerd the names, services and directories
# that they have there (start.sh).
#
#   tests/node/host.sh COMMAND [ARGUMENT...]
#
# The node has its own mount, pid, UTS, cgroup and network namespaces and writes to tmpfs. The sysctls that a kubelet
# changes are plain files there. The only change to the host is a cgroup nospace-node-PID in each hierarchy, which is removed again.
# Start and stop its programs with ctl.sh; their logs are in /run/node/log and are kept in $NODE_LOGS, if set.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
. "$here/../lab/namespaces.sh"
. "$here/ctl.sh"
. "$here/start.sh"

packages=(containerd runc busybox-static containernetworking-plugins iproute2 openssl keyutils e2fsprogs)
[ -z "${CRIO:-}" ] || packages+=(conmon skopeo jq)

# The sysctls that the kubelet writes, as plain files of the node.
own_kernel_settings() {
    # A container in a user namespace may mount a proc only where its node shows all of one.
    mkdir /run/proc
    mount -t proc proc /run/proc
    local setting value
    for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
        value=${setting#*=} setting=${setting%=*}
        echo "$value" >"$WORK/${setting##*/}"
        mount --bind "$WORK/${setting##*/}" "/proc/sys/$setting"
    done
}

inside() {
    own_overlays /etc /var /usr/libexec
    own_mounts /run /var/log /home
    make_layout
    mount --make-rshared /
    own_kernel_settings
    hostname node-1
    make_image "$TOOLS" "$WORK" ${NOSPACE_STATIC:+"$NOSPACE_STATIC"}
    # Nothing of this node is outside of its namespaces.
    export NOSPACE_WHOLE_NODE=1
    export NODE_NAME=node-1 ADDRESS=10.77.0.1 NODE_CTL=$here/ctl.sh NODE_ROOT=/proc/1/root
    own_network
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
    [ -z "${KUBELET:-}" ] || KUBE=$("$here/kube/kubelet.sh" "$KUBELET"):$KUBE
    [ -z "${CONTAINERD:-}" ] || KUBE=$("$here/containerd/build.sh" "$CONTAINERD"):$KUBE
    [ -z "${CRIO:-}" ] || KUBE=$("$here/crio/build.sh" "$CRIO"):$KUBE
    export KUBE
    outside nospace-node --net -- "$@"
fi
