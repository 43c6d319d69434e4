#!/bin/bash
# A Kubernetes API server and its etcd in namespaces of their own on this machine, without a kubelet: what `nospace agent` talks to.
# Runs COMMAND beside them; its exit status is COMMAND's. Needs root and Debian; builds what it lacks.
#
#   tests/node/api.sh COMMAND [ARGUMENT...]
#
# RBAC is on. Logs are in /run/node/log, and stay in $NODE_LOGS, if that is set. Of the host nothing is changed but a cgroup
# nospace-api-PID in each hierarchy, which is removed.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/namespaces.sh"
. "$here/ctl.sh"
. "$here/start.sh"

inside() {
    own_mounts /run /var/log /home
    hostname api-1
    export NODE_NAME=api-1 ADDRESS=10.77.0.1 NODE_CTL=$here/ctl.sh
    own_network
    trap keep_logs EXIT
    mkdir -p "$state/certs"
    make_tokens
    start_control_plane
    unset INSIDE
    "$@"
}

[ $# -gt 0 ] || { say "usage: tests/node/api.sh COMMAND [ARGUMENT...]"; exit 3; }
if [ -n "${INSIDE:-}" ]; then
    inside "$@"
else
    need_host
    install_packages iproute2 openssl
    KUBE=$("$here/kube/build.sh" kube-apiserver kubectl etcd) && export KUBE
    outside nospace-api --net -- "$@"
fi
