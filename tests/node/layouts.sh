#!/bin/bash
# A real kubelet and containerd under the names, services and directories of K3s, RKE2, MicroK8s and k0s: are pods named, is the manager
# recognised, do remedies restart what is there? Prints a row of docs/real-node.md for each claim, exits with 1 if one is wrong.
#
#   tests/node/layouts.sh [LAYOUT...]       $NOSPACE: the program, target/debug/nospace by default; called by run.sh
#
# The control plane is a program of its own here, as it is not in K3s and MicroK8s: what they hold beyond a kubelet is not played.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")

. "$here/rows.sh"

inside() {
    . "$here/../lab/tools.sh"
    . "$here/ctl.sh"
    . "$here/start.sh"
    local wrong=0 out=$state/check.json holders start comm
    watching_pod web-0 | kubectl apply -f - >/dev/null
    watching_pod web-1 | kubectl apply -f - >/dev/null
    wait_for 120 "the pods" kubectl wait --for=condition=Ready pod/web-0 pod/web-1 --timeout=1s
    "$NOSPACE" check -o json >"$out" || [ $? -le 3 ] || { say "check failed"; return 1; }
    holders=$(pods_of "$out")
    row "two pods of one container with a watcher" "Ready" "$holders" "default/web-0 reloader default/web-1 reloader"
    comm=$(cat "/proc/$(cat "$state/kubelet.pid")/comm")
    start=$(start_of "$out")
    case $LAYOUT in
    k3s | microk8s) row "its start, in the first minute" "$comm runs" "$start" "unknown besideKubelet" ;;
    *) row "its start, in the first minute" "$comm runs" "$start" "@(starts|barely) " ;;
    esac
    case $LAYOUT in
    k3s | microk8s)
        sleep 60
        "$NOSPACE" check -o json >"$out" || true
        start=$(json "(lambda s: s['verdict'] + ' ' + str(s['instancesNeeded'] == s['instancesGivenBack']))(d['forecast']['kubeletStart'])" "$out")
        row "its start, after a minute: all that it holds is needed" "$comm runs" "$start" "@(starts|barely) True"
        ;;
    esac
    kubelet_line >"$state/kubelet-line"
    row "a kubelet that died of watches" "service $kubelet_service" "$(restarts "$state/kubelet-line")" "systemctl restart $kubelet_service"
    echo "time=\"$(date -u +%FT%TZ)\" level=warning msg=\"failed to load plugin io.containerd.grpc.v1.cri\" error=\"failed to create CRI service: failed to create cni conf monitor: failed to create fsnotify watcher: too many open files\"" >"$state/containerd-line"
    row "containerd without its CRI plugin" "service $runtime_service" "$(restarts "$state/containerd-line")" "*systemctl restart $runtime_service"
    cp "$out" "$state"/*-line.out "$NODE_LOGS/" 2>/dev/null || true
    return $wrong
}

if [ -n "${LAYOUT_INSIDE:-}" ]; then
    inside
    exit
fi
NOSPACE=$(realpath "${NOSPACE:-$top/target/debug/nospace}")
export NOSPACE LAYOUT_INSIDE=1
[ $# -gt 0 ] || set -- k3s rke2 microk8s k0s
failed=0
for LAYOUT; do
    export LAYOUT NODE_LOGS=$top/target/node/layout-$LAYOUT
    mkdir -p "$NODE_LOGS"
    setpriv --pdeathsig TERM "$here/host.sh" "$0" || failed=1
done
exit $failed
