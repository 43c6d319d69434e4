#!/bin/bash
# A node in a container, as kind and minikube's docker driver make one: Docker runs systemd in a privileged container with its own cgroup namespace,
# which runs containerd and a kubelet as its services, the pods' cgroups below kubelet.slice; on Linux in user mode, with cgroup v2. What does nospace say
# of it inside, and on the machine that it runs on? Prints a row of docs/real-node.md for each claim, exits with 1 if one is wrong.
#
#   tests/node/nested.sh            $NOSPACE_STATIC: the program; $NODE_LOGS: gets the logs and reports; called by run.sh
#
# The image is Debian's (docker.sh), not kind's; the machine has no systemd, so that Docker's own cgroup is /docker.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
export LAYOUT=kind NOSPACE=${NOSPACE_STATIC:?}
. "$here/ctl.sh"
. "$here/start.sh"
. "$here/rows.sh"
. "$here/../uml/node.sh"

packages=(containerd runc busybox-static iptables python3)
shared=/srv/nested

# In the container, where systemd is the first process.
start_in_container() {
    export WORK=/run/work NODE_PATIENCE=4 NODE_NAME=node-1 ADDRESS=10.77.0.1 SYSTEMD_CGROUP=true
    mkdir "$WORK"
    mount --bind "$shared/cpuinfo" /proc/cpuinfo
    mount --make-rshared /
    make_image "$TOOLS" "$WORK"
    own_network
    # Debian has started it.
    systemctl stop containerd
    trap 'for each in etcd kube-apiserver containerd kubelet; do cp "$(log $each)" "$shared/"; done' EXIT
    KUBELET_SETTING='cgroupRoot: /kubelet' start_node
    say "Ready after $SECONDS s"
    watching_pod web-0 | kubectl apply -f - >/dev/null
    watching_pod web-1 | kubectl apply -f - >/dev/null
    wait_for 120 "the pods" kubectl wait --for=condition=Ready pod/web-0 pod/web-1 --timeout=1s
}

in_container() { docker exec node "$@"; }

# look WHERE COMMAND...: its report, and who holds instances in it.
look() {
    local where=$1
    shift
    "$@" check -o json >"$shared/$where.json" || [ $? -le 3 ] || { say "check failed"; return 1; }
    "$@" check >"$shared/$where.txt" || true
    row "$where: two pods of one container with a watcher" Ready "$(pods_of "$shared/$where.json")" 'default/web-0 reloader+shim default/web-1 reloader+shim'
}

kubelet_pid() { in_container systemctl show --property MainPID --value kubelet; }

# Docker, with its own containerd and without a network.
start_docker() {
    tar -C "$DOCKER/root" -cf - . | tar -C / --keep-directory-symlink -xf -
    mkdir -p /var/lib/docker
    mount -t tmpfs docker /var/lib/docker
    dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver=overlay2 >"$shared/dockerd.log" 2>&1 &
    wait_for 60 Docker docker version
    docker import --change 'CMD ["/sbin/init"]' "$DOCKER/node.tar" node >/dev/null
}

start_container() {
    local top caches
    top=$(readlink -f "$here/../..") caches=$(dirname "$(dirname "$DOCKER")")
    docker run --detach --name node --hostname node-1 --privileged --security-opt seccomp=unconfined --cgroupns private --network none --env container=docker \
        --tmpfs /tmp --tmpfs /run --volume /var --volume "$top:$top:ro" --volume "$caches:$caches:ro" --volume "$NOSPACE:$NOSPACE:ro" \
        --volume "$shared:$shared" node
    wait_for 60 "the container's systemd" in_container sh -c 'systemctl is-system-running | grep -E "running|degraded"'
    docker exec --env NESTED=node --env TOOLS --env KUBE --env NOSPACE_STATIC node "$0"
}

on_machine() {
    grep -q 'User Mode Linux' /run/cpuinfo || { say "this is not Linux in user mode"; exit 3; }
    local wrong=0 id before command
    hostname machine-1
    mkdir -p "$shared"
    # A recording contains only this machine.
    mount -t tmpfs home /home
    cp /run/cpuinfo "$shared/cpuinfo"
    trap 'cp -r "$shared/." "$NODE_LOGS/"' EXIT
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin start_docker
    id=$(start_container)
    look inside in_container "$NOSPACE"
    row "inside: the kubelet's start" "it runs" "$(start_of "$shared/inside.json")" "unknown otherPidNamespaces partial"
    look outside "$NOSPACE"
    "$NOSPACE" record "$shared/outside.tar.zst" >/dev/null || say "record failed"
    row "outside: the kubelet's start" "it runs" "$(start_of "$shared/outside.json")" "@(starts|barely) "
    row "outside: what that needs" "$(needs_of "$shared/inside.json") by its own view" "$(needs_of "$shared/outside.json")" "$(needs_of "$shared/inside.json")"
    row "outside: where the kubelet runs" "container $id" \
        "$(json "' '.join(p['owner'].get('id', '') for p in d['processes'] if p['comm'] == 'kubelet')" "$shared/outside.json")" "$id"
    kubelet_line >"$shared/kubelet-line"
    command=$(restarts "$shared/kubelet-line")
    row "outside: a kubelet that died of watches" "kubelet.service in the container" "$command" "docker exec node systemctl restart kubelet"
    before=$(kubelet_pid)
    sh -c "$command" || true
    row "outside: that command" "the kubelet's process was $before" "it is $(kubelet_pid)" "it is !(0|$before)"
    return $wrong
}

case ${NESTED:-} in
node) unset NESTED; start_in_container ;;
machine) on_machine ;;
*)
    DOCKER=$("$here/docker.sh")
    export DOCKER MEMORY=6G
    on_uml "$here" NESTED=machine
    ;;
esac
