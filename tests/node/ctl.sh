#!/bin/bash
# Starts and stops the programs of the node; also to be sourced.
#
#   ctl.sh start|stop|running|log etcd|kube-apiserver|containerd|kubelet
#
# `running` ends with 0 or 1, `log` prints the path of the program's log. With systemd they are units, elsewhere processes.

state=/run/node
export KUBECONFIG=$state/admin.conf
[ -z "${KUBE:-}" ] || export PATH=$KUBE:$PATH

say() { echo "node: $*" >&2; }

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
        # A transient unit could not be started again while containers of before are in it.
        printf '%s\n' '[Service]' Delegate=yes KillMode=process LimitNOFILE=1048576 \
            "ExecStart=$(command -v "$1") ${arguments[*]}" >"/run/systemd/system/$1.service"
        systemctl daemon-reload
        systemctl reset-failed "$1" 2>/dev/null || true
        systemctl start "$1"
    }

    stop() { systemctl stop "$1"; }
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
        setsid "$1" "${arguments[@]}" >>"$(log "$1")" 2>&1 </dev/null &
        echo $! >"$state/$1.pid"
    }

    stop() {
        kill "$(cat "$state/$1.pid")" 2>/dev/null || true
        for _ in $(seq 200); do
            running "$1" || return 0
            sleep 0.1
        done
        say "$1 did not end in 20 s"
        return 1
    }
fi

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    . "$(dirname "$0")/start.sh"
    "$@"
fi
