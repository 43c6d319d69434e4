#!/bin/bash
# A node of KubeEdge: edgecore, which has a kubelet inside, with cloudcore and an API server, on Linux in user mode with cgroup v2. What does nospace say
# of it, and of an edgecore that was refused watches or instances? Prints a row of docs/real-node.md for each claim, exits with 1 if one is wrong.
#
#   tests/node/edge.sh            $NOSPACE_STATIC: the program; $NODE_LOGS: gets the logs and reports; called by run.sh
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
export LAYOUT=kubeedge NOSPACE=${NOSPACE_STATIC:?}
. "$here/ctl.sh"
. "$here/start.sh"
. "$here/rows.sh"
. "$here/../uml/node.sh"

packages=(containerd runc busybox-static containernetworking-plugins iproute2 openssl python3 curl)

start_cloudcore() {
    kubectl create -f "$KUBEEDGE/crds" >/dev/null
    cat >"$state/cloudcore.yaml" <<END
apiVersion: cloudcore.config.kubeedge.io/v1alpha1
kind: CloudCore
kubeAPIConfig: {kubeConfig: $state/admin.conf}
modules:
  cloudHub: {advertiseAddress: [$ADDRESS]}
  iptablesManager: {enable: false}
END
    start cloudcore
    wait_for 120 cloudcore edge_token
    wait_for 60 "cloudcore's port" bash -c "true >/dev/tcp/$ADDRESS/10000"
}

# With which a node joins, as `keadm gettoken` prints it.
edge_token() { kubectl -n kubeedge get secret tokensecret -o 'go-template={{.data.tokendata | base64decode}}'; }

# All modules that are on by default but eventBus, which needs an MQTT broker.
start_edgecore() {
    cat >"$state/edgecore.yaml" <<END
apiVersion: edgecore.config.kubeedge.io/v1alpha2
kind: EdgeCore
modules:
  edgeHub:
    token: "$(edge_token)"
    httpServer: https://$ADDRESS:10002
    websocket: {enable: true, server: "$ADDRESS:10000"}
  edged:
    hostnameOverride: $NODE_NAME
    nodeIP: $ADDRESS
    tailoredKubeletConfig:
      containerRuntimeEndpoint: unix://$runtime_socket
      imageGCHighThresholdPercent: 100
      evictionHard: {memory.available: "1Mi", nodefs.available: "0.1%", nodefs.inodesFree: "0.1%", imagefs.available: "0.1%"}
  eventBus: {enable: false}
END
    start edgecore
    wait_for 30 edgecore serves
}

# Whether edgecore syncs pods.
serves() { curl -sf localhost:10350/healthz/syncloop; }

inside() {
    local wrong=0
    export WORK=/run/work NODE_PATIENCE=4 NODE_NAME=node-1 ADDRESS=10.77.0.1 PATH=$KUBEEDGE:$PATH
    mkdir -p "$WORK" /var/lib/kubeedge /etc/kubeedge
    mount --make-rshared /
    make_layout
    mount -t tmpfs kubeedge /var/lib/kubeedge
    make_image "$TOOLS" "$WORK"
    hostname node-1
    own_network
    trap keep_logs EXIT
    mkdir -p "$state/certs"
    make_tokens
    containerd_config
    start_control_plane
    start_runtime
    start_cloudcore
    start_edgecore
    first_minute
    wait_for 120 "the node's Ready" kubectl wait --for=condition=Ready "node/$NODE_NAME" --timeout=1s
    say "Ready after $SECONDS s"
    refused_starts
    with_pods
    explained
    return $wrong
}

# held instances|watches: by all processes, as /proc shows it.
held() {
    case $1 in
    instances) find /proc/[0-9]*/fd -lname anon_inode:inotify 2>/dev/null | wc -l ;;
    watches) cat /proc/[0-9]*/fdinfo/* 2>/dev/null | grep -c '^inotify wd' ;;
    esac
}

# of_edgecore: the same of edgecore alone, as the kernel shows it.
of_edgecore() {
    local pid
    pid=$(cat "$state/edgecore.pid")
    echo "$(find "/proc/$pid/fd" -lname anon_inode:inotify | wc -l) instances, $(cat "/proc/$pid/fdinfo"/* | grep -c '^inotify wd') watches"
}

serves_or_exited() { serves || ! running edgecore; }

# start_with N instances|watches: starts edgecore anew with N free; prints what becomes of it, and leaves what it logs in $state/refused.
start_with() {
    local limit=/proc/sys/fs/inotify/max_user_$2 before logged
    ! running edgecore || stop edgecore
    before=$(cat "$limit")
    logged=$(wc -l <"$(log edgecore)")
    echo $(($(held "$2") + $1)) >"$limit"
    start edgecore
    wait_for 30 "edgecore's start" serves_or_exited || true
    # cAdvisor and the plugin registry come last.
    sleep 6
    tail -n "+$((logged + 1))" "$(log edgecore)" >"$state/refused"
    if running edgecore; then echo runs; else echo exits; fi
    echo "$before" >"$limit"
}

# refusal WHAT NEEDED: rows of its starts with two less than the forecast's need, and with one less.
refusal() {
    local what=$1 with=$2 became message
    became=$(start_with $((with - 2)) "$what")
    message=$(grep -om1 '"Failed to start cAdvisor" .*' "$state/refused" || true)
    row "edgecore started with $((with - 2)) free $what" "$became: ${message//|/\\|}" "forecast: needs $with; with two less it exits" "*it $became"
    cp "$state/refused" "$state/log/refused-$what.log"
    became=$(start_with $((with - 1)) "$what")
    row "edgecore started with $((with - 1)) free $what" "$became" "forecast: needs $with; without the last one, the plugin registry's, it runs" "*it $became"
}

# check_as NAME
check_as() { "$NOSPACE" check -o json >"$state/log/$1.json" || [ $? -le 3 ] || { say "check failed"; return 1; }; }

# needs_all WHAT REPORT: a row on what its next start needs, which is what it holds.
needs_all() {
    local holds
    holds=$(of_edgecore)
    row "$1" "edgecore holds $holds" "$(start_of "$state/log/$2.json"), needs $(needs_of "$state/log/$2.json")" "@(starts|barely) , needs $holds"
}

first_minute() {
    # Until it has made the last cgroups that it watches.
    wait_for 30 "its cgroups" test -d /sys/fs/cgroup/kubepods/burstable
    sleep 3
    check_as first-minute
    row "its start, in the first minute" "edgecore runs" "$(start_of "$state/log/first-minute.json")" "unknown besideKubelet"
    row "what it needs at least, in the first minute" "edgecore holds $(of_edgecore)" "$(needs_of "$state/log/first-minute.json")" "$(of_edgecore)"
}

# Without pods: started again, edgecore may start their containers anew, and what these hold would be free meanwhile.
refused_starts() {
    local needs
    sleep 60
    check_as no-pods
    needs_all "its start, after a minute: all that it holds is needed" no-pods
    needs=$(needs_of "$state/log/no-pods.json")
    refusal instances "${needs%% *}"
    needs=${needs#*, }
    refusal watches "${needs%% *}"
}

with_pods() {
    stop edgecore
    start edgecore
    wait_for 30 edgecore serves
    watching_pod web-0 | kubectl apply -f - >/dev/null
    watching_pod web-1 | kubectl apply -f - >/dev/null
    wait_for 120 "the pods" kubectl wait --for=condition=Ready pod/web-0 pod/web-1 --timeout=1s
    sleep 60
    check_as pods
    row "two pods of one container with a watcher" Ready "$(pods_of "$state/log/pods.json")" "default/web-0 reloader+shim default/web-1 reloader+shim"
    needs_all "its start, with these pods" pods
}

# What is to be done about its refused starts, while it is dead.
explained() {
    local what log restart
    stop edgecore
    for what in instances watches; do
        log=$state/log/refused-$what.log
        restart=$(restarts "$log" || true)
        row "explain on its log without $what" "edgecore is dead" "$(json "' '.join(one['cause'] for one in d['causes'])" "$log.out"); $restart" \
            "inotify-$what; systemctl restart edgecore"
    done
}

case ${EDGE:-} in
inside) inside ;;
*)
    KUBEEDGE=$("$here/kubeedge/build.sh" 1.20.0)
    export KUBEEDGE
    on_uml "$here" EDGE=inside
    ;;
esac
