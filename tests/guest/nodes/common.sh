# What the scripts of the recorded guests share; sourced on the guest, in /work.

export PATH=/work:$PATH
image=docker.io/nospace/lab:1

# start_containerd [cgroupfs]: with the systemd cgroup driver, as the kubelet's documentation wants
# it on cgroup v2, or with cgroupfs.
start_containerd() {
    driver=${1:-systemd}
    local systemd=true
    [ "$driver" = systemd ] || systemd=false
    mkdir -p /etc/containerd
    cat >/etc/containerd/config.toml <<END
version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$image"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = $systemd
END
    systemctl restart containerd
    until ctr plugins ls | grep -q 'cri .*ok'; do sleep 0.2; done
    ctr -n k8s.io image import /work/image.tar
}

# start_pod NAMESPACE NAME UID CONTAINER=WATCHES...: in the cgroup, with the log directory and the
# links to logs that a kubelet would give it. A container with 0 watches only sleeps.
start_pod() {
    local namespace=$1 name=$2 uid=$3 logs=/var/log/pods/$1_$2_$3 container ids files=()
    shift 3
    local parent=/kubepods/besteffort/pod$uid
    [ "$driver" = cgroupfs ] ||
        parent=/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${uid//-/_}.slice
    local network='"security_context": {"namespace_options": {"network": "NODE"}}'
    mkdir -p "$logs" /var/log/containers /run/cri
    cat >/run/cri/sandbox.json <<END
{"metadata": {"name": "$name", "uid": "$uid", "namespace": "$namespace"}, "log_directory": "$logs",
 "linux": {"cgroup_parent": "$parent", $network}}
END
    for container in "$@"; do
        local command='"/bin/sleep", "100000"' file=/run/cri/${container%=*}.json
        [ "${container#*=}" = 0 ] || command='"/bin/watcher", "'${container#*=}'"'
        mkdir -p "$logs/${container%=*}"
        cat >"$file" <<END
{"metadata": {"name": "${container%=*}"}, "image": {"image": "$image"}, "log_path": "${container%=*}/0.log",
 "command": [$command], "linux": {$network}}
END
        files+=("$file")
    done
    ids=$(cri /run/containerd/containerd.sock /run/cri/sandbox.json "${files[@]}") || return
    for id in $(tail -n +2 <<<"$ids"); do
        ln -s "$logs/${1%=*}/0.log" "/var/log/containers/${name}_${namespace}_${1%=*}-$id.log"
        shift
    done
}

new_uid() { cat /proc/sys/kernel/random/uuid; }

# record NAME: the archive, and what the kernel said at that time, for people.
record() {
    sleep 2
    nospace record "/work/out/$1.tar.zst"
    nospace check >"/work/out/$1.txt" || true
}
