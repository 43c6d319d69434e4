#!/bin/bash
# Tests that a real etcd and kube-apiserver, with the Prometheus operator's CRDs, accept everything in deploy/ and reject unknown fields.
# Needs root; runs in its own network, mount and pid namespaces, so nothing changes on the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh

if [ "${1-}" != inside ]; then
    [ "$(id -u)" = 0 ] || skip "running an API server needs root"
    HELM=$(tests/deploy/tool.sh helm) CRDS=$(tests/deploy/tool.sh crds)
    KUBE=$(tests/node/kube/build.sh kube-apiserver kubectl etcd)
    export HELM CRDS KUBE
    exec unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc "$0" inside
fi

mount -t tmpfs -o mode=755 run /run
work=/run/work
mkdir -p $work
. tests/node/ctl.sh
. tests/node/start.sh
ip link set lo up
ip link add node0 type veth peer name node1
ip address add 10.77.0.1/24 dev node0
ip link set node0 up
ip link set node1 up
export NODE_NAME=node-1 ADDRESS=10.77.0.1
mkdir -p "$state/certs"
make_tokens
start_control_plane

# `kubectl create`, because they are too long for the last-applied annotation.
for crd in podmonitors servicemonitors prometheusrules; do
    kubectl create -f "$CRDS/monitoring.coreos.com_$crd.yaml" >/dev/null
    kubectl wait --for=condition=Established "crd/$crd.monitoring.coreos.com" --timeout=60s >/dev/null
done

# accepted WHAT KUBECTL-ARGUMENT...
accepted() {
    local what=$1
    shift
    kubectl apply --dry-run=server --validate=strict "$@" >$work/accepted 2>&1 || { cat $work/accepted >&2; fail "$what was rejected"; }
    grep -q 'server dry run' $work/accepted || fail "$what: nothing was applied"
}

# The namespace must exist first.
for overlay in agent tune exhaust; do kubectl apply -f deploy/kubernetes/$overlay/namespace.yaml >/dev/null; done
for overlay in . agent tune prometheus-operator exhaust; do
    accepted "deploy/kubernetes/$overlay" -k deploy/kubernetes/$overlay
done
"$HELM" template nospace deploy/helm/nospace --namespace nospace --values tests/deploy/values-all.yaml >$work/all.yaml 2>/dev/null
accepted "the chart with every value" -f $work/all.yaml

# Invalid fields must be rejected by name; otherwise the checks above prove nothing.
sed 's/hostPID: true/hostPid: true/' deploy/kubernetes/agent/nospace.yaml >$work/wrong.yaml
! kubectl apply --dry-run=server --validate=strict -f $work/wrong.yaml >$work/refused 2>&1 || fail "an unknown field was accepted"
grep -q hostPid $work/refused || fail "the error does not name the unknown field: $(cat $work/refused)"
sed 's/honorLabels:/honourLabels:/' deploy/kubernetes/prometheus-operator/nospace.yaml >$work/wrong.yaml
! kubectl apply --dry-run=server --validate=strict -f $work/wrong.yaml >$work/refused 2>&1 || fail "an unknown field in one of the operator's resources was accepted"

# What the agent is allowed to do, and what not.
kubectl apply -k deploy/kubernetes >/dev/null
may() { kubectl auth can-i "$@" --as system:serviceaccount:nospace:nospace --quiet 2>/dev/null; }
may patch nodes --subresource=status && may create events && may patch events || fail "the agent's service account lacks a permission it needs"
for forbidden in "get secrets" "list pods" "get pods" "patch nodes" "update nodes --subresource=status" "create pods" "delete events"; do
    # shellcheck disable=SC2086
    ! may $forbidden --all-namespaces || fail "the agent's service account is allowed to $forbidden"
done
kubectl delete -k deploy/kubernetes --wait=false >/dev/null
wait_for 60 "the namespace's end" bash -c '! kubectl get daemonset -A 2>/dev/null | grep -q nospace'

# Install, upgrade and uninstall as users do.
export HELM_CACHE_HOME=$work/helm HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm
"$HELM" install watch deploy/helm/nospace --namespace default --set podMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true \
    >$work/notes 2>$work/errors || { cat $work/errors >&2; fail "helm install"; }
grep -q 'kubectl -n default exec ds/watch-nospace' $work/notes || fail "the notes do not name the DaemonSet: $(cat $work/notes)"
"$HELM" upgrade watch deploy/helm/nospace --namespace default --set tune.init=true >$work/notes 2>&1 || fail "helm upgrade: $(cat $work/notes)"
"$HELM" uninstall watch --namespace default >/dev/null 2>&1 || fail "helm uninstall"
[ -z "$(kubectl get daemonsets,clusterroles,clusterrolebindings,configmaps,podmonitors,prometheusrules -A -o name | grep nospace)" ] || fail "helm uninstall left something behind"
passed "a real API server ($(kubectl version -o json 2>/dev/null | sed -n 's/.*"gitVersion": "\(.*\)".*/\1/p' | tail -1)) accepts chart and manifests"
