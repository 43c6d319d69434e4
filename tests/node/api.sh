#!/bin/bash
# Runs a Kubernetes API server with etcd in their own namespaces on this machine, without a kubelet, for `nospace agent` to talk to.
# Runs COMMAND next to them and exits with its status. Needs root and Debian; builds what is missing.
#
#   tests/node/api.sh COMMAND [ARGUMENT...]
#
# RBAC is enabled. Logs are in /run/node/log and are kept in $NODE_LOGS, if set. The only change to the host is a cgroup
# nospace-api-PID in each hierarchy, which is removed again.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/namespaces.sh"
. "$here/ctl.sh"
. "$here/start.sh"

inside() {
    own_mounts /run /var/log /home
    hostname api-1
    # Nothing of this node is outside of its namespaces.
    export NOSPACE_WHOLE_NODE=1
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
