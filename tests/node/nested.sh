#!/bin/bash
# A node in a container, as kind and minikube's docker driver make one: containerd and a kubelet in a container's namespaces and cgroup, the pods' cgroups
# below kubelet's; on Linux in user mode, with cgroup v2. What nospace says of it inside, and on the machine that it runs on? Prints a row of
# docs/real-node.md for each claim, exits with 1 if one is wrong.
#
#   tests/node/nested.sh            $NOSPACE_STATIC: the program; $NODE_LOGS: gets the logs and reports; called by run.sh
#
# There is no Docker, and no systemd in the container: its cgroups and those of its services are made as these make them.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
export LAYOUT=kind NOSPACE=${NOSPACE_STATIC:?}
. "$here/ctl.sh"
. "$here/start.sh"
. "$here/rows.sh"
. "$here/../uml/node.sh"

packages=(containerd runc busybox-static containernetworking-plugins iproute2 openssl python3)
id=4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970
shared=/tmp/nested

# controllers CGROUP: on for those below it.
controllers() {
    local controller
    for controller in $(cat "$1/cgroup.controllers"); do echo "+$controller" >"$1/cgroup.subtree_control"; done
}

# Checks, and prints who holds instances.
look() { # WHERE PODS
    local out=$shared/$1.json
    "$NOSPACE" check -o json >"$out" || [ $? -le 3 ] || { say "check failed"; return 1; }
    "$NOSPACE" check >"$shared/$1.txt" || true
    row "$1: two pods of one container with a watcher" Ready \
        "$(pods_of "$out")" "$2"
}

# needs REPORT: of the kubelet's start.
needs() { json "(lambda s: str(s['instancesNeeded']) + ' instances, ' + str(s['watchesNeeded']) + ' watches')(d['forecast']['kubeletStart'])" "$1"; }

in_node() {
    umount -l /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir /sys/fs/cgroup/init.scope
    while read -r pid; do echo "$pid" >/sys/fs/cgroup/init.scope/cgroup.procs || true; done </sys/fs/cgroup/cgroup.procs
    controllers /sys/fs/cgroup
    mount -t tmpfs node /run
    mount -t tmpfs node /var/log
    # A container in a user namespace may mount a proc only where its node shows all of one.
    mkdir /run/proc "$WORK"
    mount -t proc proc /run/proc
    mount --bind "$shared/cpuinfo" /proc/cpuinfo
    mount --make-rshared /
    make_layout
    make_image "$TOOLS" "$WORK"
    export NODE_PATIENCE=4 NODE_NAME=node-1 ADDRESS=10.77.0.1
    hostname node-1
    ip link set lo up
    own_network
    trap keep_logs EXIT
    make_cgroups kubelet
    KUBELET_SETTING='cgroupRoot: /kubelet' start_node
    say "Ready after $SECONDS s"
    watching_pod web-0 | kubectl apply -f - >/dev/null
    watching_pod web-1 | kubectl apply -f - >/dev/null
    wait_for 120 "the pods" kubectl wait --for=condition=Ready pod/web-0 pod/web-1 --timeout=1s
    local wrong=0
    look inside 'default/web-0 reloader+shim default/web-1 reloader+shim'
    row "inside: the kubelet's start" "it runs" "$(start_of "$shared/inside.json")" "unknown otherPidNamespaces partial"
    keep_logs
    touch "$shared/ready"
    wait_for 600 "the machine" test -e "$shared/done"
    return $wrong
}

on_machine() {
    grep -q 'User Mode Linux' /run/cpuinfo || { say "this is not Linux in user mode"; exit 3; }
    local scope=/sys/fs/cgroup/system.slice/docker-$id.scope wrong=0
    export WORK=/run/work
    mkdir -p "$shared" "$scope"
    controllers /sys/fs/cgroup/system.slice
    cp /run/cpuinfo "$shared/cpuinfo"
    # The container's first process enters the cgroup, and not what started it.
    NESTED=node unshare --pid --fork --kill-child sh -euc 'echo 0 >"$1/cgroup.procs"
        exec unshare --mount --uts --net --cgroup --mount-proc "$0"' "$0" "$scope" &
    local node=$!
    until [ -e "$shared/ready" ]; do
        kill -0 $node 2>/dev/null || { say "the node ended"; cp -r "$shared/." "$NODE_LOGS/"; return 1; }
        sleep 1
    done
    look outside 'default/web-0 reloader+shim default/web-1 reloader+shim'
    row "outside: the kubelet's start" "it runs" "$(start_of "$shared/outside.json")" "@(starts|barely) "
    row "outside: what that needs" "$(needs "$shared/inside.json") by its own view" "$(needs "$shared/outside.json")" "$(needs "$shared/inside.json")"
    row "outside: where the kubelet runs" "container $id" \
        "$(json "' '.join(p['owner'].get('id', '') for p in d['processes'] if p['comm'] == 'kubelet')" "$shared/outside.json")" "$id"
    kubelet_line >"$shared/kubelet-line"
    row "outside: a kubelet that died of watches" "kubelet.service in the container" "$(restarts "$shared/kubelet-line")" \
        "docker exec ${id:0:12}* systemctl restart kubelet"
    touch "$shared/done"
    wait $node || wrong=1
    cp -r "$shared/." "$NODE_LOGS/"
    return $wrong
}

case ${NESTED:-} in
node) unset NESTED; in_node ;;
machine) on_machine ;;
*) on_uml "$here" NESTED=machine ;;
esac
