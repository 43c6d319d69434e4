#!/bin/bash
# A node in namespaces of its own: a real containerd with a plain container and a real CRI pod,
# each with a process that watches 500 files. Runs COMMAND on that node; its exit status is
# COMMAND's. Needs root and Debian; installs what it lacks.
#
#   tests/lab/lab.sh COMMAND [ARGUMENT...]
#
# The node has its own mount, pid and UTS namespace: /run and /var/log are tmpfs, so containerd
# uses its usual directories, and everything ends with COMMAND. Of the host only cgroups are
# changed, and they are removed.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/tools.sh"
cgroups=/sys/fs/cgroup

say() { echo "lab: $*" >&2; }

install_missing() {
    local missing=()
    command -v containerd >/dev/null || missing+=(containerd)
    command -v runc >/dev/null || missing+=(runc)
    [ -x /bin/busybox ] || missing+=(busybox-static)
    if [ ${#missing[@]} -gt 0 ]; then
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${missing[@]}" >&2
    fi
}

remove_cgroups() {
    local directory
    for directory in "$cgroups"/*/{default/watcher-"$lab","kubepods/besteffort/pod$uid",nospace-lab-"$lab"}; do
        [ -d "$directory" ] && find "$directory" -depth -type d -exec rmdir {} \; 2>/dev/null
    done
    rmdir "$cgroups"/*/{default,kubepods/besteffort,kubepods} 2>/dev/null
    rm -rf "$work"
}

outside() {
    [ "$(id -u)" = 0 ] || { say "needs root"; exit 77; }
    install_missing
    tools=$(build_tools)
    work=$(mktemp -d /tmp/nospace-lab.XXXXXX)
    lab=$$
    uid=$(cat /proc/sys/kernel/random/uuid)
    trap remove_cgroups EXIT
    export LAB=$lab POD_UID=$uid WORK=$work TOOLS=$tools INSIDE=1
    unshare --mount --propagation private --uts --pid --fork --kill-child --mount-proc "$0" "$@"
}

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
    for _ in $(seq 100); do
        ctr plugins ls 2>/dev/null | grep -q 'cri .*ok' && return
        sleep 0.1
    done
    say "containerd did not start"
    tail -20 "$WORK/containerd.log" >&2
    exit 1
}

start_container() {
    ctr image import "$WORK/image.tar" >/dev/null
    ctr run -d "$image" "watcher-$LAB" watcher 500
}

# As a kubelet would: its cgroup parent, its log directory, and the link to the log.
start_pod() {
    ctr -n k8s.io image import "$WORK/image.tar" >/dev/null
    local logs=/var/log/pods/default_web-0_$POD_UID
    mkdir -p "$logs/app" /var/log/containers
    local network='"security_context": {"namespace_options": {"network": "NODE"}}'
    cat >"$WORK/sandbox.json" <<END
{"metadata": {"name": "web-0", "uid": "$POD_UID", "namespace": "default"}, "log_directory": "$logs",
 "linux": {"cgroup_parent": "/kubepods/besteffort/pod$POD_UID", $network}}
END
    cat >"$WORK/container.json" <<END
{"metadata": {"name": "app"}, "image": {"image": "$image"}, "log_path": "app/0.log",
 "command": ["/bin/watcher", "500"], "linux": {$network}}
END
    local ids
    ids=$("$TOOLS/cri" /run/containerd/containerd.sock "$WORK/sandbox.json" "$WORK/container.json")
    ln -s "$logs/app/0.log" "/var/log/containers/web-0_default_app-$(tail -1 <<<"$ids").log"
}

# Waits for two processes with 500 watches each.
wait_for_watches() {
    for _ in $(seq 100); do
        local full
        full=$(grep -c ^inotify /proc/[0-9]*/fdinfo/* 2>/dev/null | grep -c ':500$' || true)
        [ "$full" = 2 ] && return
        sleep 0.1
    done
    say "the watchers did not start"
    exit 1
}

inside() {
    mount -t tmpfs -o mode=755 lab /run
    mount -t tmpfs -o mode=755 lab /var/log
    hostname nospace-lab
    local hierarchy
    for hierarchy in "$cgroups"/{memory,pids,systemd}; do
        mkdir "$hierarchy/nospace-lab-$LAB" && echo $$ >"$hierarchy/nospace-lab-$LAB/cgroup.procs"
    done
    make_image "$TOOLS" "$WORK"
    start_containerd
    start_container
    start_pod
    wait_for_watches
    unset INSIDE TOOLS
    "$@"
}

[ $# -gt 0 ] || { say "usage: tests/lab/lab.sh COMMAND [ARGUMENT...]"; exit 3; }
if [ -n "${INSIDE:-}" ]; then inside "$@"; else outside "$@"; fi
