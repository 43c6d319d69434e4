#!/bin/bash
# CRI-O as far as Debian has it: conmon, runc, the systemd driver's cgroups and the kubelet's names
# are real; the daemon, whose package Debian lacks, is played by this script. It makes the bundles
# where CRI-O makes them, with its annotations (pkg/annotations), and puts conmon in the pod's slice
# (conmon_cgroup = "pod").
set -euo pipefail
. /work/common.sh
mkdir -p /var/lib/rootfs /run/crio/exits
tar -xOf image.tar layer.tar | tar -xf - -C /var/lib/rootfs

# bundle DIRECTORY ID CONTAINER SANDBOX WATCHES: config.json of a container of pod $namespace/$name.
bundle() {
    local type=container command='"/bin/watcher", "'$5'"'
    [ "$3" != POD ] || type=sandbox
    [ "$5" != 0 ] || command='"/bin/sleep", "100000"'
    mkdir -p "$1"
    cat >"$1/config.json" <<END
{"ociVersion": "1.0.2-dev", "root": {"path": "/var/lib/rootfs"}, "hostname": "$name",
 "process": {"user": {"uid": 0, "gid": 0}, "args": [$command], "env": ["PATH=/bin", "TOKEN=not-to-be-recorded"], "cwd": "/"},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}],
 "linux": {"cgroupsPath": "$slice:crio:$2", "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"}]},
 "annotations": {
  "io.container.manager": "cri-o", "io.kubernetes.container.name": "$3",
  "io.kubernetes.cri-o.Annotations": "{\"kubernetes.io/config.source\":\"api\"}",
  "io.kubernetes.cri-o.ContainerType": "$type", "io.kubernetes.cri-o.SandboxID": "$4",
  "io.kubernetes.cri-o.KubeName": "$name", "io.kubernetes.cri-o.Namespace": "$namespace",
  "io.kubernetes.pod.name": "$name", "io.kubernetes.pod.namespace": "$namespace", "io.kubernetes.pod.uid": "$uid"}}
END
}

# start CONTAINER WATCHES: as CRI-O starts one, conmon first.
start() {
    local id userdata log=$logs/$1/0.log
    id=$(new_uid)$(new_uid)
    id=${id//-/}
    [ "$1" != POD ] || sandbox=$id
    userdata=/run/containers/storage/overlay-containers/$id/userdata
    bundle "$userdata" "$id" "$1" "$sandbox" "$2"
    mkdir -p "$logs/$1"
    systemd-run --quiet --scope --unit "crio-conmon-$id" --slice "$slice" \
        conmon -b "$userdata" -c "$id" -u "$id" -n "k8s_$1_${name}_${namespace}_${uid}_0" -s \
        -r /usr/bin/runc -p "$userdata/pidfile" -l "$log" --exit-dir /run/crio/exits --socket-dir-path /run/crio
    for _ in $(seq 100); do
        [ ! -s "$userdata/pidfile" ] || break
        sleep 0.1
    done
    runc start "$id" || { journalctl -o cat -n 5 >&2; return 1; }
    [ "$1" = POD ] || ln -s "$log" "/var/log/containers/${name}_${namespace}_$1-$id.log"
}

# pod NAMESPACE NAME CONTAINER=WATCHES...
pod() {
    namespace=$1 name=$2 uid=$(new_uid) container=
    slice=kubepods-besteffort-pod${uid//-/_}.slice
    logs=/var/log/pods/${namespace}_${name}_$uid
    mkdir -p "$logs" /var/log/containers
    shift 2
    start POD 0
    for container in "$@"; do start "${container%=*}" "${container#*=}"; done
}

pod openshift-dns dns-default-7xk2m dns=8 kube-rbac-proxy=0
pod default web-5f6d7c8b9-lq4zn app=16
pod openshift-logging collector-2vw9t collector=300 exporter=1
record crio-v2
