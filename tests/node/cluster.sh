#!/bin/bash
# `nospace cluster` against a real API server: an agent through its pod proxy, with the documented rights and with less.
#
#   tests/node/api.sh tests/node/cluster.sh NOSPACE [NODES]
#
# Nodes and pods are objects that nobody runs; the pods have the address of a real agent in these namespaces. With NODES there are that many more
# of both.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/ctl.sh"
top=$(readlink -f "$here/../..")
nospace=$(readlink -f "$1")
work=$(mktemp -d)
trap 'kill $agent ${other:-} 2>/dev/null || true; rm -rf "$work"' EXIT
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
# All of these pods lead to one agent, which answers each time: its answer, with the name of no node, is taken for that of none.
"$nospace" agent --node-name machine --listen "$ADDRESS:9410" --kube off >"$work/other" 2>&1 &
other=$!
# many: prints MORE nodes and the pods of their agents, the status included.
many() {
    local n
    for n in $(seq "$more"); do
        cat <<YAML
---
{apiVersion: v1, kind: Node, metadata: {name: node-$n, labels: {agentpool: pool-$((n % 9))}}, status: {conditions: [{type: Ready, status: "True"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: nospace-$n, namespace: nospace, labels: {app.kubernetes.io/name: nospace}},
 spec: {nodeName: node-$n, automountServiceAccountToken: false, containers: [{name: agent, image: nospace, ports: [{name: metrics, containerPort: 9410}]}]},
 status: {phase: Running, podIP: $ADDRESS, podIPs: [{ip: $ADDRESS}], conditions: [{type: Ready, status: "True"}]}}
YAML
    done
}
many >"$work/many.yaml"
kubectl apply --server-side -f "$work/many.yaml" >/dev/null
kubectl apply --server-side --force-conflicts --subresource=status -f "$work/many.yaml" >/dev/null
began=${EPOCHREALTIME/./}
cluster -o json >"$work/fleet.json" 2>"$work/said" || [ $? -le 3 ]
took=$(((${EPOCHREALTIME/./} - began) / 1000))
same=$(jq --arg why "$more nodes answer as machine" '[.rows[] | select(.failure.why // "" | contains($why))] | length' "$work/fleet.json")
[ "$same $(jq .counts.answered "$work/fleet.json")" = "$more 1" ] || { jq -c '.counts, [.rows[] | select(.failure)][:3]' "$work/fleet.json" >&2; fail "$more nodes"; }
[ $took -lt 60000 ] || fail "$more nodes took $took ms"
passed "$more more nodes, all of which one agent answered, in $took ms"
