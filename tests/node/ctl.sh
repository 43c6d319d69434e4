#!/bin/bash
# Starts and stops the programs of the node; also to be sourced.
#
#   ctl.sh start|stop|crash|running|log etcd|kube-apiserver|containerd|crio|kubelet
#
# `crash` sends SIGKILL, `running` exits with 0 or 1, `log` prints the path of the program's log. The programs run as units if there is
# systemd, otherwise as plain processes.

state=/run/node
export KUBECONFIG=$state/admin.conf
[ -z "${KUBE:-}" ] || export PATH=$KUBE:$PATH

say() { echo "node: $*" >&2; }

keep_logs() {
    [ -z "${NODE_LOGS:-}" ] || { mkdir -p "$NODE_LOGS" && cp -r "$state/log/." "$NODE_LOGS"; }
}

if [ -d /run/systemd/system ]; then
    running() { systemctl is-active --quiet "$1"; }

    log() {
        mkdir -p "$state/log"
        journalctl --quiet --unit "$1" --output cat >"$state/log/$1.log"
        echo "$state/log/$1.log"
    }

    start() {
        local arguments
        mapfile -t arguments < <(arguments "$1")
        local slice=system.slice
        [ "$1" != kubelet ] || slice=$kubelet_slice
        # A transient unit cannot be restarted while containers from the previous run are still in it. containerd finds its shim by PATH.
        printf '%s\n' '[Service]' "Slice=$slice" Delegate=yes KillMode=process LimitNOFILE=1048576 "Environment=PATH=$PATH" \
            "ExecStart=$(command -v "$1") ${arguments[*]}" >"/run/systemd/system/$1.service"
        systemctl daemon-reload
        systemctl reset-failed "$1" 2>/dev/null || true
        systemctl start "$1"
    }

    stop() { systemctl stop "$1"; }

    crash() { systemctl kill --signal=KILL "$1"; }
else
    running() {
        local pid
        pid=$(cat "$state/$1.pid" 2>/dev/null) && readlink "/proc/$pid/exe" >/dev/null 2>&1
    }

    log() { echo "$state/log/$1.log"; }

    start() {
        local arguments
        mkdir -p "$state/log"
        mapfile -t arguments < <(arguments "$1")
        local program=$1
        [ "$1" != kubelet ] || [ -z "${LAYOUT:-}" ] || program=$state/bin/$kubelet_as
        (as_service "$1" && exec setsid "$program" "${arguments[@]}") >>"$(log "$1")" 2>&1 </dev/null &
        echo $! >"$state/$1.pid"
    }

    # Its ports are free when its last thread has ended; its program is not mapped any more before that.
    gone() { # PID
        local stat
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
        [[ ${stat##*) } == Z* ]] && [ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -le 1 ]
    }

    stop() {
        local pid
        pid=$(cat "$state/$1.pid" 2>/dev/null) || return 0
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 200); do
            ! gone "$pid" || return 0
            sleep 0.1
        done
        say "$1 did not stop within 20 s"
        return 1
    }

    crash() { kill -KILL "$(cat "$state/$1.pid")"; }
fi

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    . "$(dirname "$0")/start.sh"
    "$@"
fi
