#!/bin/bash
# A node in its own namespaces: a real containerd with a plain container and a real CRI pod,
# each with a process that watches 500 files. Runs COMMAND on that node and exits with its
# status. Needs root and Debian; installs what is missing.
#
#   tests/lab/lab.sh COMMAND [ARGUMENT...]
#   tests/lab/lab.sh --pod NAME        in COMMAND: starts another pod with two containers that watch nothing
#
# The node has its own mount, pid, UTS and cgroup namespace; /run, /var/log and /home are tmpfs, so
# containerd uses its usual directories, and everything disappears when COMMAND exits. The only change
# to the host is a cgroup nospace-lab-PID in each v1 hierarchy, which is removed again.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/tools.sh"
. "$here/namespaces.sh"

say() { echo "lab: $*" >&2; }

start_containerd() {
    cat >/run/containerd.toml <<END
version = 2
root = "/run/lib/containerd"
[plugins."io.containerd.internal.v1.opt"]
path = "/run/opt/containerd"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$image"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "/run/cni/net.d"
bin_dir = "/run/cni/bin"
END
    containerd --config /run/containerd.toml >"$WORK/containerd.log" 2>&1 &
    for _ in $(seq 600); do
        ctr plugins ls 2>/dev/null | grep -q 'cri .*ok' && return
        sleep 0.1
    done
    say "containerd did not start"
    tail -20 "$WORK/containerd.log" >&2
    exit 1
}

start_container() {
    ctr image import "$WORK/image.tar" >/dev/null
    ctr run -d "$image" watcher watcher 500
}

# start_pod NAME CONTAINER=WATCHES...: as a kubelet would, with its cgroup parent, its log directory, and the
# links to the logs. A container with 0 watches only sleeps.
start_pod() {
    local name=$1 uid logs container command ids files=()
    shift
    uid=$(cat /proc/sys/kernel/random/uuid)
    logs=/var/log/pods/default_${name}_$uid
    local network='"security_context": {"namespace_options": {"network": "NODE"}}'
    cat >"$WORK/sandbox.json" <<END
{"metadata": {"name": "$name", "uid": "$uid", "namespace": "default"}, "log_directory": "$logs",
 "linux": {"cgroup_parent": "/kubepods/besteffort/pod$uid", $network}}
END
    for container in "$@"; do
        mkdir -p "$logs/${container%=*}" /var/log/containers
        command='"/bin/sleep", "100000"'
        [ "${container#*=}" = 0 ] || command='"/bin/watcher", "'${container#*=}'"'
        cat >"$WORK/${container%=*}.json" <<END
{"metadata": {"name": "${container%=*}"}, "image": {"image": "$image"}, "log_path": "${container%=*}/0.log",
 "command": [$command], "linux": {$network}}
END
        files+=("$WORK/${container%=*}.json")
    done
    ids=$("$TOOLS/cri" /run/containerd/containerd.sock "$WORK/sandbox.json" "${files[@]}")
    for id in $(tail -n +2 <<<"$ids"); do
        ln -s "$logs/${1%=*}/0.log" "/var/log/containers/${name}_default_${1%=*}-$id.log"
        shift
    done
}

# Waits for two processes with 500 watches each.
wait_for_watches() {
    for _ in $(seq 600); do
        local full
        full=$(grep -c ^inotify /proc/[0-9]*/fdinfo/* 2>/dev/null | grep -c ':500$' || true)
        [ "$full" = 2 ] && return
        sleep 0.1
    done
    say "the watchers did not start"
    exit 1
}

inside() {
    own_mounts /run /var/log /home
    hostname nospace-lab
    make_image "$TOOLS" "$WORK"
    start_containerd
    start_container
    ctr -n k8s.io image import "$WORK/image.tar" >/dev/null
    start_pod web-0 app=500
    wait_for_watches
    echo "TOOLS=$TOOLS WORK=$WORK" >/run/lab.env
    unset INSIDE TOOLS WORK
    "$@"
}

[ $# -gt 0 ] || { say "usage: tests/lab/lab.sh COMMAND [ARGUMENT...]"; exit 3; }
if [ "$1" = --pod ]; then
    . /run/lab.env
    start_pod "$2" app=0 sidecar=0
    exit
fi
if [ -n "${INSIDE:-}" ]; then
    inside "$@"
else
    need_host
    install_packages containerd runc busybox-static
    TOOLS=$(build_tools) && export TOOLS
    outside nospace-lab -- "$@"
fi
