#!/bin/bash
# Runs on the node that node.sh starts: deploys nospace, breaks the node, and checks what each consumer gets.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
. tests/lab/tools.sh
. tests/node/ctl.sh
. tests/node/start.sh
. tests/deploy/prometheus.sh

work=/run/work
mkdir -p $work "$state/log"
version=$("$NOSPACE_STATIC" --version | cut -d' ' -f2)

# The controller manager and scheduler, which DaemonSets and Jobs need.
start_controllers() {
    setsid kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false --service-account-private-key-file="$state/sa.key" \
        --root-ca-file="$state/certs/apiserver.crt" --controllers='*,-nodeipam,-node-route-controller,-cloud-node-lifecycle-controller' \
        >"$state/log/kube-controller-manager.log" 2>&1 </dev/null &
    setsid kube-scheduler --kubeconfig="$KUBECONFIG" --leader-elect=false >"$state/log/kube-scheduler.log" 2>&1 </dev/null &
}


# apply OVERLAY: with the API server's address set for the agent.
apply() {
    mkdir -p $work/overlay
    cat >$work/overlay/kustomization.yaml <<YAML
resources: [../../..$PWD/deploy/kubernetes/$1]
patches:
- target: {kind: DaemonSet}
  patch: |
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_HOST, value: "$ADDRESS"}}
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_PORT, value: "6443"}}
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: NOSPACE_WHOLE_NODE, value: "1"}}
    - {op: replace, path: /spec/template/spec/containers/0/args/4, value: "--interval=1s"}
YAML
    kubectl apply -k $work/overlay >/dev/null
}

# Plain files instead of the host's limits, for `tune` to write to.
own_limits() {
    local name
    for name in watches instances; do
        cat /proc/sys/fs/inotify/max_user_$name >$work/max_user_$name
        mount --bind $work/max_user_$name /proc/sys/fs/inotify/max_user_$name
    done
}

agent_pid() { pgrep -f 'nospace .*agent --interval' | head -1; }
agent_address() { kubectl -n nospace get pods -l app.kubernetes.io/name=nospace -o jsonpath='{.items[0].status.podIP}'; }
# The pod that holds the Deployment's instances.
reports_exhaust() {
    address=$(agent_address)
    reports '[.pods[] | select(.namespace == "nospace-exhaust" and .instances >= 20)] | length == 1'
}
ready() { kubectl -n nospace rollout status daemonset/nospace --timeout=1s; }

# As systemd does; the agent itself is not allowed to.
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
ctr -n k8s.io image import "$IMAGE_FILE" >/dev/null
start_controllers

# --- The tutorial of a cluster. Its chart is the real one but for two defaults: nobody routes service addresses here, and all there is of the node is in
# these namespaces. The pods of --via debug do not know the latter, and say unknown.
sed "s/^  env: \[\]/  env: [{name: NOSPACE_WHOLE_NODE, value: '1'}, {name: KUBERNETES_SERVICE_HOST, value: $ADDRESS}, {name: KUBERNETES_SERVICE_PORT, value: '6443'}]/" \
    deploy/helm/nospace/values.yaml >$work/values.yaml
mount --bind $work/values.yaml deploy/helm/nospace/values.yaml
mkdir -p $work/home $work/bin
ln -s "$NOSPACE_STATIC" $work/bin/nospace
ln -s "$HELM" $work/bin/helm
HOME=$work/home PATH=$work/home/.local/bin:$work/bin:$PATH python3 tests/site/tutorial.py docs/tutorials/cluster.md >$work/tutorial 2>&1 || fail "the tutorial: $(cat $work/tutorial)"
umount deploy/helm/nospace/values.yaml
passed "the tutorial of a cluster: $(cat $work/tutorial)"

kubectl create namespace shop >/dev/null
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop}
spec:
  nodeName: $NODE_NAME
  automountServiceAccountToken: false
  containers: [{name: app, image: "$image", imagePullPolicy: Never, command: [/bin/watcher, "500"]}]
YAML

# --- The DaemonSet from `kubectl apply -k`, in real containerd, with its own security context.
apply .
wait_for 90 "the agent's pod" ready || { kubectl -n nospace describe pods >&2; kubectl -n nospace logs ds/nospace >&2; fail "the DaemonSet is not ready"; }
pid=$(agent_pid)
field() { sed -n "s/^$1:\t*//p" "/proc/$pid/status"; }
# bpf, perfmon, sys_ptrace, dac_read_search: bits 39, 38, 19 and 2.
[ "$(field CapEff)" = 000000c000080004 ] && [ "$(field CapBnd)" = 000000c000080004 ] || fail "wrong capabilities: $(field CapEff), $(field CapBnd)"
[ "$(field Seccomp)" = 2 ] && [ "$(field NoNewPrivs)" = 1 ] || fail "no seccomp filter, or new privileges allowed: $(field Seccomp) $(field NoNewPrivs)"
awk '$5 == "/" && $6 ~ /(^|,)ro(,|$)/ {ok = 1} END {exit !ok}' "/proc/$pid/mountinfo" || fail "its root file system is writable"
[ "$(find "/proc/$pid/root/" -xdev -type f -perm /6000 | wc -l)" = 0 ] && [ -z "$(find "/proc/$pid/root/bin" -name '*sh')" ] || fail "the image contains more than nospace"
passed "the DaemonSet runs: four capabilities, seccomp, read-only root"

address=$(agent_address)
report() { curl -sf "http://$address:9409/api/v1/report"; }
# reports FILTER: applies a jq filter to the agent's last report.
reports() { report | jq -e "$1" >/dev/null; }
wait_for 30 "web-0 in the report" reports '[.pods[] | select(.namespace == "shop" and .name == "web-0" and .watches == 500)] | length == 1' ||
    { report >&2; fail "the agent does not report the pod's watches"; }
reports '.collectors[] | select(.name == "inotify") | .provenance == "exact" and .error == null' || { report | jq .collectors >&2; fail "its figures are not the kernel's own"; }
reports '[.processes[].comm] | index("kubelet")' || { report | jq .processes >&2; fail "the agent does not see the host's processes"; }
reports '.collectors | all(.error == null)' || { report | jq .collectors >&2; fail "a collector is failing in the container"; }
kubectl -n nospace exec ds/nospace -- nospace --procfs /host/proc --sysfs /host/sys --rootfs /host check -o line >$work/line || [ $? -le 2 ] || fail "exec: $(cat $work/line)"
# Only the host's network namespace shows these.
! grep -q '^OK' $work/line || grep -Eq 'not fully visible: .*(neighbor-table|bpf-jit)' $work/line || fail "not named as not visible: $(cat $work/line)"
passed "it reports the node: $(cat $work/line)"

condition() { kubectl get node "$NODE_NAME" -o jsonpath="{.status.conditions[?(@.type==\"$1\")].status}" | grep -qx "$2"; }
wait_for 30 "the conditions" condition InotifyWatchesExhausted False || { kubectl -n nospace logs ds/nospace >&2; fail "the agent set no condition"; }
passed "its service account can set the node's conditions"

# --- The whole cluster, by the chart's defaults: the plugin of a real kubectl, this DaemonSet, the API server's pod proxy.
mkdir -p $work/plugin
ln -sf "$NOSPACE_STATIC" $work/plugin/kubectl-nospace
plugin() { PATH=$work/plugin:$PATH kubectl nospace "$@"; }
plugin -o json >$work/fleet.json 2>$work/said || [ $? -le 3 ] || fail "kubectl nospace: $(cat $work/said)"
jq -e --arg node "$NODE_NAME" '.counts.answered == 1 and .counts.nodes == 1 and .rows[0].node == $node and .rows[0].ready and .rows[0].ageSeconds <= 30
    and ([.workloads[] | select(.namespace == "shop" and .watches == 500)] | length == 1)' $work/fleet.json >/dev/null ||
    { cat $work/said >&2; jq . $work/fleet.json >&2; fail "kubectl nospace does not show the node and what its pods hold"; }
plugin "$NODE_NAME" -o json >$work/one.json || [ $? -le 3 ]
jq -e '[.pods[] | select(.name == "web-0" and .watches == 500)] | length == 1' $work/one.json >/dev/null || fail "kubectl nospace $NODE_NAME: $(head -c 300 $work/one.json)"
passed "kubectl nospace: $(plugin | head -n 1)"

# --- Prometheus, the rules, the dashboard.
curl -sf "http://$address:9409/metrics" | promtool check metrics >&2 || fail "promtool check metrics"
start_prometheus "$address:9409" "$NODE_NAME"
settle 12
[ -z "$(firing)" ] || { alerts >&2; fail "alerts fire on a healthy node: $(firing)"; }
passed "a healthy node: no alerts"

exhaust_user_namespace
expected="NospaceInotifyInstancesHigh NospaceInotifyRefused(inotify-instances) NospaceInotifyRefused(inotify-watches) NospaceInotifyWatchesHigh"
wait_for 60 "the alerts" rings "$expected" || { alerts >&2; fail "these alerts fire: $(firing), expected: $expected"; }
settle 5
rings "$expected" || { alerts >&2; fail "these alerts fire: $(firing), expected: $expected"; }
! grep -q 'error expanding' <(alerts) || { alerts >&2; fail "an alert's template is broken"; }
passed "an exhausted node: exactly $expected"

all_panels_say_something deploy/grafana/nospace.json
release_user_namespace
passed "the dashboard has no empty panel"

# --- The variant that raises limits first, the Job and the Deployment.
own_limits
apply tune
wait_for 90 "the tuned agent's pod" ready || { kubectl -n nospace describe pods >&2; kubectl -n nospace logs ds/nospace -c tune >&2; fail "the tune variant is not ready"; }
[ "$(cat $work/max_user_instances)" -ge 8192 ] || { kubectl -n nospace logs ds/nospace -c tune >&2; fail "tune did not raise the limits: $(cat $work/max_user_instances)"; }
passed "the init container raises the limits, without privileges"

kubectl kustomize deploy/kubernetes/exhaust | sed 's/--for=5m/--for=3s/' | kubectl apply -f - >/dev/null
wait_for 60 "the Job's end" kubectl -n nospace-exhaust wait --for=condition=Complete job/nospace-exhaust-watches --timeout=1s ||
    { kubectl -n nospace-exhaust describe pods >&2; kubectl -n nospace-exhaust logs job/nospace-exhaust-watches >&2; fail "the Job did not complete"; }
kubectl -n nospace-exhaust logs job/nospace-exhaust-watches | grep -q '10,\?000' || fail "the Job took a different amount: $(kubectl -n nospace-exhaust logs job/nospace-exhaust-watches)"
wait_for 30 "the Deployment" kubectl -n nospace-exhaust rollout status deployment/nospace-exhaust-instances --timeout=1s || fail "the Deployment is not ready"
wait_for 20 "the Deployment's instances" reports_exhaust || { address=$(agent_address); report | jq .pods >&2; fail "the Deployment holds no instances"; }
passed "the Job takes and releases watches, the Deployment holds instances"
