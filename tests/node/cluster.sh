#!/bin/bash
# `nospace cluster` against a real API server: an agent through its pod proxy, with the documented rights and with less.
#
#   tests/node/api.sh tests/node/cluster.sh NOSPACE [NODES]
#
# Nodes and pods are objects that nobody runs; the pods have the address of a real agent in these namespaces. With NODES, KWOK (in $KWOK) runs
# that many more, whose agents agents.py plays.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/ctl.sh"
. "$here/start.sh"
top=$(readlink -f "$here/../..")
nospace=$(readlink -f "$1")
work=$(mktemp -d)
trap 'kill $agent ${other:-} ${kwok:-} 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { say "FAILED: $*"; exit 1; }
passed() { say "passed: $*"; }

# A name in place of an address, as most clusters have it: the pod proxy passes it on to the agent.
# Not to the machine's /etc/hosts: these namespaces have their own mounts.
cp /etc/hosts "$work/hosts"
echo "$ADDRESS api.nospace.example" >>"$work/hosts"
mount --bind "$work/hosts" /etc/hosts

NODE_NAME=real "$nospace" agent --node-name real --listen "$ADDRESS:9409" --kube off >"$work/agent" 2>&1 &
agent=$!

kubectl apply -f - >/dev/null <<YAML
{apiVersion: v1, kind: Namespace, metadata: {name: nospace}}
---
{apiVersion: v1, kind: Node, metadata: {name: real, labels: {agentpool: blue}}}
---
{apiVersion: v1, kind: Node, metadata: {name: bare, labels: {agentpool: green}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: nospace}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}
YAML
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: nospace-real, namespace: nospace, labels: {app.kubernetes.io/name: nospace}}
spec:
  nodeName: real
  automountServiceAccountToken: false
  containers: [{name: agent, image: nospace, ports: [{name: metrics, containerPort: 9409}]}]
YAML
kubectl -n nospace patch pod nospace-real --subresource=status --type=merge -p \
    "{\"status\": {\"phase\": \"Running\", \"podIP\": \"$ADDRESS\", \"podIPs\": [{\"ip\": \"$ADDRESS\"}], \"conditions\": [{\"type\": \"Ready\", \"status\": \"True\"}]}}" >/dev/null
kubectl patch node real --subresource=status --type=merge -p '{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}' >/dev/null
kubectl apply -k "$top/deploy/kubernetes/cluster-reader" >/dev/null
kubectl create clusterrolebinding reader --clusterrole nospace-cluster-reader --serviceaccount default:reader >/dev/null
kubectl -n nospace create rolebinding reader --role nospace-cluster-reader --serviceaccount default:reader >/dev/null
token=$(kubectl create token reader)
sed -e "s/$ADDRESS/api.nospace.example/" -e "s/token: admin/token: $token/" "$state/admin.conf" >"$work/reader.conf"

# cluster ARGUMENT...: as the reader, who has these roles and no other right.
cluster() { "$nospace" cluster --kubeconfig "$work/reader.conf" "$@"; }
answered() { cluster -o json --timeout 10s >"$work/fleet.json" 2>"$work/said" || [ $? -le 3 ]; [ "$(jq '.counts.answered' "$work/fleet.json")" = 1 ]; }
for _ in $(seq 50); do answered && break; sleep 0.3; done
answered || { cat "$work/said" "$work/agent" >&2; jq . "$work/fleet.json" >&2; fail "the agent does not answer through the pod proxy"; }
jq -e '.rows[] | select(.node == "real") | .pool.name == "blue" and .ready and (.ageSeconds | type == "number") and (.summary.budgets | length > 0)' \
    "$work/fleet.json" >/dev/null || { jq . "$work/fleet.json" >&2; fail "not the agent's summary"; }
jq -e '.rows[] | select(.node == "bare") | .failure.kind == "noAgent"' "$work/fleet.json" >/dev/null || fail "a node without an agent"
passed "the agent answers through the pod proxy, under a host name, to who has the documented roles: $(jq -c .counts "$work/fleet.json")"

! kubectl --kubeconfig "$work/reader.conf" -n nospace get --raw /api/v1/namespaces/nospace/pods/nospace-real:9409/proxy/api/v1/summary >"$work/raw" 2>&1 ||
    fail "without its header the host name is admitted: $(cat "$work/raw")"
passed "without nospace's header the agent refuses that host name"

cluster real -o json >"$work/report.json" || [ $? -le 3 ]
[ "$(jq -r .node.name "$work/report.json")" = real ] || fail "nospace cluster NODE: $(head -c 300 "$work/report.json")"
passed "nospace cluster real: the report of that node"

mkdir "$work/bin"
ln -s "$nospace" "$work/bin/kubectl-nospace"
PATH=$work/bin:$PATH kubectl --kubeconfig "$work/reader.conf" nospace --help >/dev/null 2>&1 || true
KUBECONFIG=$work/reader.conf PATH=$work/bin:$PATH kubectl nospace >"$work/plugin" 2>&1 || [ $? -le 3 ]
grep -q '^nospace cluster: .* 2 nodes' "$work/plugin" || { cat "$work/plugin" >&2; fail "kubectl nospace"; }
passed "kubectl nospace: $(head -n 1 "$work/plugin")"

# without KIND NAME RULES EXPECTED: the same without one of the rules.
without() {
    kubectl patch "$1" "$2" ${4:+-n "$4"} --type=json -p "$3" >/dev/null
    sleep 1
    cluster -o json --timeout 10s >"$work/fleet.json" 2>"$work/said" && status=0 || status=$?
    kubectl apply -k "$top/deploy/kubernetes/cluster-reader" >/dev/null
}
without clusterrole nospace-cluster-reader '[{"op": "replace", "path": "/rules/0/verbs", "value": ["get"]}]'
[ "$status" = 3 ] && grep -q 'resources: \[nodes\], verbs: \[list\]' "$work/said" || fail "without list of nodes: $status $(cat "$work/said")"
without role nospace-cluster-reader '[{"op": "replace", "path": "/rules/0/verbs", "value": ["get"]}]' nospace
[ "$status" = 3 ] && grep -q 'resources: \[pods\], verbs: \[list\]' "$work/said" || fail "without list of pods: $status $(cat "$work/said")"
without role nospace-cluster-reader '[{"op": "replace", "path": "/rules/1/verbs", "value": ["create"]}]' nospace
[ "$status" = 3 ] && jq -e '.rows[] | select(.node == "real") | .failure.kind == "forbidden" and (.failure.why | contains("resources: [pods/proxy], verbs: [get]"))' \
    "$work/fleet.json" >/dev/null || { jq . "$work/fleet.json" >&2; fail "without pods/proxy: $status"; }
passed "without any of the three rules the message names it"

"$nospace" cluster --as nobody >"$work/out" 2>"$work/said" && status=0 || status=$?
[ "$status" = 3 ] && grep -q 'User "nobody" cannot list resource "nodes"' "$work/said" || fail "--as nobody: $status $(cat "$work/said")"
passed "--as nobody: $(cat "$work/said")"

more=${2:-0}
[ "$more" -gt 0 ] || exit 0
: "${KWOK:?the directory that tests/node/kube/kwok.sh prints}"
# Their addresses lead to one program. A tenth of them have problems.
ip route add local 10.200.0.0/16 dev lo
kind() { # NUMBER
    case $(($1 % 40)) in 0) echo slow ;; 10) echo garbage ;; 20) echo hangs ;; 30) echo none ;; *) echo right ;; esac
}
many() {
    local n
    for n in $(seq "$more"); do
        cat <<YAML
---
{apiVersion: v1, kind: Node, metadata: {name: node-$n, labels: {agentpool: pool-$((n % 9))}, annotations: {kwok.x-k8s.io/node: fake}}}
YAML
        [ "$(kind "$n")" != none ] || continue
        cat <<YAML
---
{apiVersion: v1, kind: Pod, metadata: {name: nospace-$n, namespace: nospace, labels: {app.kubernetes.io/name: nospace}},
 spec: {nodeName: node-$n, automountServiceAccountToken: false, containers: [{name: agent, image: nospace, ports: [{name: metrics, containerPort: 9410}]}]}}
YAML
    done
}
many >"$work/many.yaml"
kubectl apply --server-side -f "$work/many.yaml" >/dev/null
"$KWOK/kwok" --config "$KWOK/stages.yaml" --kubeconfig "$KUBECONFIG" --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake --cidr 10.200.0.1/16 >"$work/kwok" 2>&1 &
kwok=$!
# run_by_kwok: whether all nodes are ready, and all pods.
run_by_kwok() {
    kubectl get nodes,pods -A -o json >"$work/objects.json"
    [ "$(jq '[.items[] | select(.kind == "Node" and .metadata.annotations["kwok.x-k8s.io/node"]
        and any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length' "$work/objects.json")" = "$more" ] &&
        [ "$(jq '[.items[] | select(.kind == "Pod" and (.spec.nodeName | startswith("node-")) and (any(.status.conditions[]?; .type == "Ready" and .status == "True") | not))] | length' \
            "$work/objects.json")" = 0 ]
}
wait_for 300 "KWOK" run_by_kwok || { tail -n 20 "$work/kwok" >&2; fail "KWOK does not run the nodes"; }
jq -r '.items[] | select(.kind == "Pod" and (.spec.nodeName | startswith("node-"))) | .status.podIP + " " + .spec.nodeName' "$work/objects.json" |
    while read -r address node; do
        echo "$address $node $(kind "${node#node-}")"
    done >"$work/addresses"
python3 "$here/agents.py" "$work/addresses" "http://$ADDRESS:9409/api/v1/summary" 9410 >"$work/agents" &
other=$!
wait_for 30 "the agents" grep -q listening "$work/agents"

began=${EPOCHREALTIME/./}
cluster -o json >"$work/fleet.json" 2>"$work/said" || [ $? -le 3 ]
took=$(((${EPOCHREALTIME/./} - began) / 1000))
of() { grep -c " $1\$" "$work/addresses"; }
answers=$(($(of right) + $(of slow) + 1))
expected="$answers $answers $((more / 40 + 1)) $(of garbage) $(of hangs)"
seen=$(jq -r '[.counts.answered, .counts.current] + [("noAgent", "garbage", "timeout") as $kind | [.rows[] | select(.failure.kind == $kind)] | length] | join(" ")' "$work/fleet.json")
[ "$seen" = "$expected" ] || { jq -c '.counts, ([.rows[] | .failure // empty | .kind] | group_by(.) | map([.[0], length]))' "$work/fleet.json" >&2; fail "$more nodes: $seen instead of $expected"; }
[ $took -lt 60000 ] || fail "$more nodes took $took ms"
passed "$more more nodes that KWOK runs, a tenth of them slow, silent, without an agent or answering garbage, in $took ms: $(jq -c .counts "$work/fleet.json")"
