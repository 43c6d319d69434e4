# A Kubernetes node on Linux in user mode; to be sourced by a script that defines `say`, and $packages that Debian has.

. "${BASH_SOURCE[0]%/*}/../lab/namespaces.sh"
. "${BASH_SOURCE[0]%/*}/../lab/work.sh"

# on_uml DIRECTORY VARIABLE=VALUE [ARGUMENT...]: runs this script there, with that in its environment and what a node needs; installs and builds what is
# missing. DIRECTORY is tests/node.
on_uml() {
    local here=$1 variable=$2 kernel
    shift 2
    [ "$(id -u)" = 0 ] || { say "needs root"; exit 77; }
    own_processes "$0" "$@"
    install_packages "${packages[@]}"
    kernel=$("$here/../uml/kernel.sh" "${LINUX:-6.12}")
    TOOLS=$(build_tools)
    KUBE=$("$here/kube/build.sh" kubelet kube-apiserver kubectl etcd)
    [ -z "${KUBELET:-}" ] || KUBE=$("$here/kube/kubelet.sh" "$KUBELET"):$KUBE
    [ -z "${CONTAINERD:-}" ] || KUBE=$("$here/containerd/build.sh" "$CONTAINERD"):$KUBE
    [ -z "${CRIO:-}" ] || KUBE=$("$here/crio/build.sh" "$CRIO"):$KUBE
    export TOOLS KUBE "${variable?}"
    "$here/../uml/uml.sh" "$kernel" "${NODE_LOGS:?}" "$(readlink -f "$0")" "$@"
}
