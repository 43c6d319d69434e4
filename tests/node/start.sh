# Starts the parts of a Kubernetes node; to be sourced on it, after ctl.sh. $KUBE has the directories of kubelet, kube-apiserver, kubectl and etcd,
# and of containerd and runc where they are not Debian's, as PATH has them; $ADDRESS is the node's address, $NODE_NAME its name. With $CRIO the
# runtime is CRI-O.

# wait_for SECONDS WHAT COMMAND...; waits NODE_PATIENCE times as long on an emulated machine
wait_for() {
    local seconds=$(($1 * ${NODE_PATIENCE:-1})) what=$2
    shift 2
    local until=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || { say "$what: timed out after $seconds s"; return 1; }
        sleep 0.2
    done
}

# The node's network: $ADDRESS, and a default route that leads nowhere.
own_network() {
    ip link set lo up
    ip link add node0 type veth peer name node1
    ip address add "$ADDRESS/24" dev node0
    ip link set node0 up
    ip link set node1 up
    ip route add default via 10.77.0.254 dev node0
}

# What $LAYOUT, a manager of nodes, calls things and where it keeps them (crates/core/src/managers/layouts.tsv has the sources): the services of
# kubelet and containerd, the kubelet's process and directory, containerd's state.
layout() {
    runtime=containerd
    [ -z "${CRIO:-}" ] || runtime=crio
    kubelet_as=kubelet kubelet_service=kubelet runtime_service=$runtime kubelet_slice=system.slice
    kubelet_root=/var/lib/kubelet runtime_state=/run/containerd
    case ${LAYOUT:-kubeadm} in
    kubeadm) ;;
    k3s) kubelet_as=k3s-server kubelet_service=k3s runtime_service=k3s runtime_state=/run/k3s/containerd ;;
    rke2) kubelet_service=rke2-server runtime_service=rke2-server runtime_state=/run/k3s/containerd ;;
    microk8s)
        kubelet_as=kubelite kubelet_service=snap.microk8s.daemon-kubelite runtime_service=snap.microk8s.daemon-containerd
        kubelet_root=/var/snap/microk8s/common/var/lib/kubelet runtime_state=/var/snap/microk8s/common/run/containerd
        ;;
    kind) kubelet_slice=kubelet.slice ;;
    kubeedge) kubelet_as=edgecore kubelet_service=edgecore ;;
    k0s) kubelet_service=k0sworker runtime_service=k0sworker kubelet_root=/var/lib/k0s/kubelet runtime_state=/run/k0s/containerd ;;
    *) say "there is no layout $LAYOUT"; return 3 ;;
    esac
    export CONTAINERD_ADDRESS=$runtime_state/containerd.sock
    case $runtime in
    containerd) runtime_socket=$CONTAINERD_ADDRESS ;;
    crio) runtime_socket=/var/run/crio/crio.sock ;;
    esac
}

# Where cgroups are made: each hierarchy of version 1, or the one of version 2.
hierarchies() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup/; else echo /sys/fs/cgroup/*/; fi
}

# make_cgroups PATH...: in each hierarchy, on all processors; the outer ones first.
make_cgroups() {
    local hierarchy level file
    for hierarchy in $(hierarchies); do
        for level; do
            mkdir -p "$hierarchy$level"
            [ ! -e "$hierarchy/cpuset.cpus" ] || for file in cpuset.cpus cpuset.mems; do
                cat "$hierarchy/$file" >"$hierarchy$level/$file"
            done
        done
    done
}

# as_service PROGRAM: makes this shell the process that a manager's systemd would start; without $LAYOUT nothing.
as_service() {
    local slice=system.slice service hierarchy
    case ${LAYOUT:-} in '') return ;; esac
    case $1 in
    kubelet | edgecore) slice=$kubelet_slice service=$kubelet_service ;;
    containerd | crio) service=$runtime_service ;;
    *) return 0 ;;
    esac
    make_cgroups "$slice" "$slice/$service.service"
    for hierarchy in $(hierarchies); do
        echo "$BASHPID" >"$hierarchy$slice/$service.service/cgroup.procs"
    done
}

# The files by which a manager's node is known: its units, and the kubelet's program by its name.
make_layout() {
    mkdir -p "$state/bin" "$kubelet_root" "$runtime_state" /etc/systemd/system
    mount -t tmpfs kubelet "$kubelet_root"
    if [ "$runtime" = crio ]; then
        # No overlay can be made on an overlay.
        mkdir -p /var/lib/containers
        mount -t tmpfs containers /var/lib/containers
    fi
    ln -sf "$(command -v kubelet)" "$state/bin/$kubelet_as"
    touch "/etc/systemd/system/$kubelet_service.service" "/etc/systemd/system/$runtime_service.service"
}

# kubeconfig NAME TOKEN
kubeconfig() {
    cat >"$state/$1.conf" <<END
apiVersion: v1
kind: Config
clusters: [{name: node, cluster: {server: "https://$ADDRESS:6443", insecure-skip-tls-verify: true}}]
users: [{name: $1, user: {token: $2}}]
contexts: [{name: node, context: {cluster: node, user: $1}}]
current-context: node
END
}

# 36 of 1.36.3.
minor() {
    kubelet --version | sed 's/.* v1\.\([0-9]*\).*/\1/'
}

# 1 of containerd 1.6.20.
runtime_major() {
    containerd --version | sed 's/^[^ ]* [^ ]* v\?\([0-9]*\)\..*/\1/'
}

# The command lines with which systemd or a person would start these: one word per line.
arguments() {
    case $1 in
    etcd)
        printf '%s\n' --name=node --data-dir="$state/etcd" --unsafe-no-fsync --log-level=error \
            --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
            --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
            --initial-cluster=node=http://127.0.0.1:2380
        ;;
    kube-apiserver)
        printf '%s\n' --etcd-servers=http://127.0.0.1:2379 --advertise-address="$ADDRESS" --cert-dir="$state/certs" \
            --token-auth-file="$state/tokens.csv" --authorization-mode=Node,RBAC --allow-privileged \
            --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$state/sa.key" \
            --service-account-signing-key-file="$state/sa.key" --service-cluster-ip-range=10.96.0.0/16 \
            --kubelet-preferred-address-types=InternalIP
        # Its pods require a token that only a controller manager creates.
        [ "$(minor)" -ge 24 ] || printf '%s\n' --disable-admission-plugins=ServiceAccount
        ;;
    containerd) printf '%s\n' --config="$state/containerd.toml" ;;
    cloudcore | edgecore) printf '%s\n' --config="$state/$1.yaml" ;;
    crio) printf '%s\n' --config="$state/crio.conf" --config-dir= ;;
    kubelet)
        printf '%s\n' --config="$state/kubelet.yaml" --kubeconfig="$state/kubelet.conf" \
            --hostname-override="$NODE_NAME" --node-ip="$ADDRESS" --root-dir="$kubelet_root"
        # From 1.27 on, the configuration file can set this.
        [ "$(minor)" -ge 27 ] || printf '%s\n' --container-runtime=remote \
            --container-runtime-endpoint="unix://$runtime_socket"
        ;;
    esac
}

make_tokens() {
    openssl genrsa -out "$state/sa.key" 2048 2>/dev/null
    printf '%s\n' 'admin,admin,admin,"system:masters"' \
        "kubelet,system:node:$NODE_NAME,kubelet,\"system:nodes\"" \
        "kubelet-2,system:node:$NODE_NAME-2,kubelet-2,\"system:nodes\"" >"$state/tokens.csv"
    kubeconfig admin admin
    kubeconfig kubelet kubelet
}

# What a controller manager would create for the namespace `default`.
make_namespace() {
    kubectl create serviceaccount default
    kubectl create configmap kube-root-ca.crt --from-file=ca.crt="$state/certs/apiserver.crt"
}

start_control_plane() {
    start etcd
    start kube-apiserver
    wait_for 120 "the API server" kubectl get --raw /readyz
    wait_for 60 "the namespace default" make_namespace
}

# The plugins have other names in version 2 than in 1, and the pause image has another place.
containerd_config() {
    local cri=io.containerd.grpc.v1.cri version=2 pause bin_dir
    pause="sandbox_image = '$image'" bin_dir="bin_dir = '/usr/lib/cni'"
    if [ "$(runtime_major)" -ge 2 ]; then
        cri=io.containerd.cri.v1.runtime version=3
        # Device drivers make these, and containerd watches what is there of them.
        mkdir -p /etc/cdi /var/run/cdi
        pause="[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '$image'" bin_dir="bin_dirs = ['/usr/lib/cni']"
    fi
    cat >"$state/containerd.toml" <<END
version = $version
root = "$state/containerd"
state = "$runtime_state"
[grpc]
address = "$CONTAINERD_ADDRESS"
[plugins.'$cri']
restrict_oom_score_adj = true
$pause
[plugins.'$cri'.cni]
$bin_dir
[plugins.'$cri'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'$cri'.containerd.runtimes.runc.options]
BinaryName = "$(command -v runc)"
SystemdCgroup = ${SYSTEMD_CGROUP:-false}
END
    cni_config
}

# The runc that CRI-O calls. Where this machine lacks capabilities or the hierarchy of huge pages, containerd leaves them out of what it asks runc for;
# CRI-O does not, and runc fails.
crio_runc() {
    local runc=$state/bin/crio-runc
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        command -v runc
        return
    fi
    mkdir -p "$state/bin"
    cat >"$runc" <<'END'
#!/bin/bash
for word; do
    if [ "$option" = --bundle ]; then
        have=$(setpriv --dump | sed -n 's/^Capability bounding set: //p' | tr a-z A-Z)
        jq --arg have "$have" '($have | split(",") | map("CAP_" + .)) as $have | del(.linux.resources.hugepageLimits)
            | if .process.capabilities then .process.capabilities |= map_values(. // [] | map(select(. as $one | $have | index($one)))) else . end' \
            "$word/config.json" >"$word/config.new" && cat "$word/config.new" >"$word/config.json"
        rm -f "$word/config.new"
    fi
    option=$word
done
exec runc "$@"
END
    chmod +x "$runc"
    echo "$runc"
}

crio_config() {
    mkdir -p /etc/cdi /var/run/cdi "$state/hooks.d"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$state/policy.json"
    cat >"$state/crio.conf" <<END
[crio]
storage_driver = "overlay"
[crio.runtime]
cgroup_manager = "$([ "${SYSTEMD_CGROUP:-false}" = true ] && echo systemd || echo cgroupfs)"
conmon_cgroup = "pod"
hooks_dir = ["$state/hooks.d"]
default_runtime = "runc"
# Linux in user mode has neither interrupts to move nor iptables.
irqbalance_config_restore_file = "disable"
disable_hostport_mapping = true
[crio.runtime.runtimes.runc]
runtime_path = "$(crio_runc)"
monitor_path = "$(command -v conmon)"
[crio.image]
pause_image = "$image"
pause_command = ""
signature_policy = "$state/policy.json"
[crio.network]
plugin_dirs = ["/usr/lib/cni"]
END
    cni_config
}

cni_config() {
    mkdir -p /etc/cni/net.d
    cat >/etc/cni/net.d/10-node.conflist <<END
{"cniVersion": "0.4.0", "name": "node", "plugins": [
 {"type": "ptp", "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "10.78.0.0/24"}]],
  "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
}

# kubelet_config [SETTING]
kubelet_config() {
    cat >"$state/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: $([ "${SYSTEMD_CGROUP:-false}" = true ] && echo systemd || echo cgroupfs)
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
containerRuntimeEndpoint: unix://$runtime_socket
staticPodPath: /etc/kubernetes/manifests
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}, x509: {clientCAFile: $state/certs/apiserver.crt}}
authorization: {mode: AlwaysAllow}
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "1Mi", nodefs.available: "0.1%", nodefs.inodesFree: "0.1%", imagefs.available: "0.1%"}
nodeStatusUpdateFrequency: 2s
syncFrequency: 5s
clusterDNS: [10.96.0.10]
${1-}
END
    mkdir -p /etc/kubernetes/manifests
}

# kubelet_settings plain|bootstrap|usual: for its next start: neither static pods nor a client CA, its serving certificate by the API server.
kubelet_settings() {
    kubelet_config
    case $1 in
    plain) sed -i '/^staticPodPath:/d; s/, x509: {[^}]*}//' "$state/kubelet.yaml" ;;
    bootstrap) echo 'serverTLSBootstrap: true' >>"$state/kubelet.yaml" ;;
    esac
}

# grant_certificate KUBELET: signs what it has requested, as a controller manager's signer does, until it has its serving certificate.
grant_certificate() {
    local signer=$state/certs/signer
    [ -e "$signer.key" ] || openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=signer -days 30 -keyout "$signer.key" -out "$signer.crt" 2>/dev/null
    wait_for 60 "the serving certificate of $1" granted "$signer"
}

granted() { # SIGNER
    [ ! -e "$kubelet_root/pki/kubelet-server-current.pem" ] || return 0
    local name signed
    for name in $(kubectl get csr -o name); do
        signed=$(kubectl get "$name" -o 'jsonpath={.spec.request}' | base64 -d |
            openssl x509 -req -CA "$1.crt" -CAkey "$1.key" -CAcreateserial -days 30 -copy_extensions copy 2>/dev/null | base64 -w0)
        kubectl certificate approve "${name#*/}"
        kubectl patch "$name" --subresource=status --type=merge -p "{\"status\": {\"certificate\": \"$signed\"}}"
    done
    return 1
}

import_image() {
    wait_for 60 containerd ctr version
    ctr -n k8s.io image import "$WORK/image.tar" >/dev/null
}

start_runtime() {
    case $runtime in
    containerd)
        start containerd
        import_image
        ;;
    crio)
        # CRI-O cannot import an archive; skopeo writes to the same storage.
        skopeo --insecure-policy copy --quiet "docker-archive:$WORK/image.tar" "containers-storage:[overlay@/var/lib/containers/storage+/run/containers/storage]$image"
        start crio
        wait_for 60 CRI-O crio status info
        ;;
    esac
}

start_node() {
    mkdir -p "$state/certs"
    make_tokens
    "${runtime}_config"
    kubelet_config "${KUBELET_SETTING:-}"
    start_control_plane
    start_runtime
    start kubelet
    wait_for 120 "the node's Ready" kubectl wait --for=condition=Ready "node/$NODE_NAME" --timeout=1s
}

# second_node start|stop kubelet|containerd: a kubelet and a containerd of its own beside the first, on the same kernel. The API server has them as
# $NODE_NAME-2.
second_node() {
    local first=$state
    . "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lab/tools.sh"
    state=/run/node-2 kubelet_root=/var/lib/kubelet-2 runtime_state=/run/containerd-2 NODE_NAME=$NODE_NAME-2
    export CONTAINERD_ADDRESS=$runtime_state/containerd.sock
    runtime_socket=$CONTAINERD_ADDRESS
    [ "$1 $2" != "start containerd" ] || second_files "$first"
    "$1" "$2"
    [ "$1 $2" != "start containerd" ] || import_image
}

# lonely start|stop: a container of ctr, in no pod.
lonely() {
    case $1 in
    start)
        ctr -n default image import "$WORK/image.tar" >/dev/null
        ctr -n default run -d --null-io "$image" lonely /bin/watcher 3
        ;;
    stop)
        ctr -n default task kill -s KILL lonely
        wait_for 20 "the end of lonely" ctr -n default container rm lonely
        ;;
    esac
}

# second_files FIRST: what the second node needs before it starts, with certificates of the first.
second_files() {
    mkdir -p "$state" "$kubelet_root" "$runtime_state"
    cp -r "$1/certs" "$state/"
    mount -t tmpfs kubelet "$kubelet_root"
    kubeconfig kubelet kubelet-2
    containerd_config
    kubelet_config 'port: 10260
healthzPort: 10258
cgroupRoot: /second'
    make_cgroups second
}

layout
