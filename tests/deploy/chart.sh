#!/bin/bash
# The chart: lint; render with defaults and with every value set; reject wrong values by name; compare with deploy/kubernetes.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
helm=$(tests/deploy/tool.sh helm)
chart=deploy/helm/nospace
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

render() { "$helm" template nospace $chart --namespace nospace "$@" 2>"$work/errors"; }

"$helm" lint --strict $chart >"$work/lint" 2>&1 || { cat "$work/lint"; fail "lint"; }
"$helm" lint --strict $chart --values tests/deploy/values-all.yaml >"$work/lint" 2>&1 || { cat "$work/lint"; fail "lint with every value"; }

# values-all.yaml changes every value of values.yaml. Free-form maps are exempt.
yq . $chart/values.yaml >"$work/values.json"
yq . tests/deploy/values-all.yaml >"$work/values-all.json"
same=$(jq -r --slurpfile all "$work/values-all.json" '
    . as $default
    | paths(type != "object" or . == {}) | select(all(type == "string"))
    | select(.[0] != "nodeSelector" and .[0:2] != ["dashboard", "labels"] and .[0:2] != ["updateStrategy", "rollingUpdate"])
    | . as $path | select(($all[0] | getpath($path)) as $other | $other == null or $other == ($default | getpath($path)))
    | join(".")' "$work/values.json")
[ -z "$same" ] || fail "values-all.yaml does not change: $same"

render --values tests/deploy/values-all.yaml >"$work/all.yaml" || { cat "$work/errors"; fail "rendering with every value"; }
# has TEXT...: each appears in the rendered output.
has() { for text; do grep -qF -e "$text" "$work/all.yaml" || fail "with every value set, $text is missing"; done; }
has 'image: registry.example/team/nospace@sha256:0123' 'imagePullPolicy: Always' 'name: registry' 'app.kubernetes.io/name: watchdog' \
    'name: node-watchdog' 'team: nodes' --interval=1m --listen=9999 'fieldPath: status.podIP' --kube=off --top=7 --config=/etc/nospace/agent.toml \
    'interval = "1m"' --verbose RUST_BACKTRACE --tune --tune-ceiling=watches=2000000,instances=20000 --max-user-watches=1048576 --max-user-instances=16384 \
    'serviceAccountName: someone' 'automountServiceAccountToken: true' 'release: prometheus' 'interval: 30s' 'scrapeTimeout: 5s' \
    'process_.*' https://wiki.example/nospace/docs/causes/inotify-watches.md 'dashboards: yes-please' 'folder: Nodes' \
    'hostNetwork: true' system-cluster-critical 'key: dedicated' 'pool: big' 'key: arch' OnDelete \
    'terminationGracePeriodSeconds: 9' pod-label pod-annotation 11m SYS_ADMIN nospace.json 'localhostProfile: nospace' spc_t \
    --allowed-hosts=metrics.example,node.example --tls-key=/etc/nospace-tls/tls.key 'secretName: nospace-tls' 'scheme: HTTPS' 'scheme: https' \
    --history=48h --state-dir=/var/lib/nospace --recording=2m 'hostPath: {path: /var/lib/watchdog, type: DirectoryOrCreate}' '{name: state, mountPath: /var/lib/nospace}' \
    --guard=shadow --guard-only=watches --guard-reserve-watches=1000000 --guard-reserve-instances=64 \
    --guard-budget-watches=2000000 --guard-budget-instances=50 \
    --guard-exempt-namespaces=monitoring,logging --guard-exempt-cgroups=/kubepods/podx \
    --token-review 'name: the-ca' 'name: the-token' \
    'kind: ServiceMonitor' 'kind: PodMonitor' 'kind: PrometheusRule' 'kind: Service'
for gone in 'kind: ServiceAccount' 'kind: ClusterRole' NospaceTraceInactive '- --runtime-only' '- [{]name: host, .* readOnly: true'; do
    ! grep -qE -e "^ *$gone|alert: $gone" "$work/all.yaml" || fail "with every value set, $gone is still there"
done

render --set-json 'agent={"kube":false}' >"$work/off.yaml" || fail "agent.kube: off, unquoted, is rejected"
grep -q -e --kube=off "$work/off.yaml" && grep -q 'automountServiceAccountToken: false' "$work/off.yaml" && ! grep -q ClusterRole "$work/off.yaml" || fail "agent.kube: off, unquoted, is not read as off"

render --set-json 'guard={"mode":false}' >"$work/off.yaml" && ! grep -q -e --guard "$work/off.yaml" || fail "guard.mode: off, unquoted, is not read as off"
render --set guard.mode=enforce >"$work/enforce.yaml" && grep -q -e --guard=enforce "$work/enforce.yaml" && ! grep -q -e --guard-budget "$work/enforce.yaml" || fail "guard.mode: enforce"

render --set agent.tokenReview=true,agent.kube=off --show-only templates/rbac.yaml >"$work/review.yaml"
diff - <(yq -r 'select(.kind == "ClusterRole") | .metadata.name + " " + (.rules[] | (.resources // .nonResourceURLs) | join(","))' "$work/review.yaml") >&2 <<END || fail "agent.tokenReview: other permissions than needed"
nospace tokenreviews
nospace subjectaccessreviews
nospace-reader /,/metrics,/api/v1/report,/api/v1/summary,/api/v1/history,/api/v1/recording
END

# refused NAME=VALUE WORDS: the error names the value and contains WORDS.
refused() {
    ! render --set-json "$1" >/dev/null || fail "--set $1 is accepted"
    local name=${1%%=*}
    grep -qF -e "${name##*.}" "$work/errors" && grep -qE -e "$2" "$work/errors" || { cat "$work/errors"; fail "--set $1: the message does not say $2"; }
}
refused 'agent.interval="15"' "pattern"
refused 'agent.intervall="15s"' "additional properties"
refused 'agent.kube="yes"' "must be one of"
refused 'agent.port=70000' "maximum"
refused 'agent.top=0' "minimum"
refused 'agent.history="2 days"' "pattern"
refused 'agent.stateDir="state"' "pattern"
refused 'agent.stateDir="/"' "pattern"
refused 'agent.stateDir="/var/../etc"' "pattern"
refused 'agent.allowedHosts=["a:80"]' "pattern"
refused 'tune.maxUserWatches="many"' "integer"
refused 'tune.ceiling="1000"' "pattern"
refused 'agent.recording="1m"' "agent.stateDir"
refused 'guard.mode="on"' "must be one of"
refused 'guard.reserveWatches="many"' "auto"
refused 'guard.budgetInstances=0' "minimum"
refused 'guard={"mode":"enforce","budgetWatches":300}' "only counted so far"
refused 'guard.exemptNamespaces=["a,b"]' "pattern"
refused 'updateStrategy={"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}},agent={"stateDir":"/var/lib/nospace"}' "maxUnavailable"
refused 'image.digest="sha256:12"' "pattern"
refused 'image.pullPolicy="Sometimes"' "must be one of"
refused 'capabilities=["CAP_BPF"]' "not"
refused 'tolerations=[{"operator":"Any"}]' "must be one of"
refused 'replicas=3' "additional properties"
refused 'prometheusRule={"enabled":true,"disabled":["NospaceNoSuch"]}' "there is no alert"

# The chart's PrometheusRule contains exactly the alerts of the rules file.
render --set prometheusRule.enabled=true --show-only templates/prometheusrule.yaml >"$work/rule.yaml"
diff <(yq -S .groups deploy/prometheus/nospace.rules.yaml) <(yq -S .spec.groups "$work/rule.yaml") >&2 || fail "the PrometheusRule differs from deploy/prometheus/nospace.rules.yaml"

# The permissions are the ones tested in tests/node/run.sh api.
render --show-only templates/rbac.yaml >"$work/rbac.yaml"
diff <(yq -S -s '.[] | select(.kind == "ClusterRole") | .rules' crates/nospace/src/agent/kube/rules.yaml) \
    <(yq -S 'select(.kind == "ClusterRole") | .rules' "$work/rbac.yaml") >&2 || fail "the chart's permissions differ from the agent's rules.yaml"

mkdir "$work/kubernetes"
scripts/manifests "$work/kubernetes"
for file in "$work"/kubernetes/*/nospace.yaml; do
    own=deploy/kubernetes/${file#"$work/kubernetes/"}
    diff "$own" "$file" >&2 || fail "$own differs from the rendered chart: run scripts/manifests"
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
grep -qx "appVersion: $version" $chart/Chart.yaml || fail "the chart's appVersion is not $version"
for file in deploy/kubernetes/*/*.yaml; do
    ! grep -nE 'localhost/nospace:|newTag:' "$file" | grep -v "$version" || fail "$file is not for version $version"
done
passed "the chart"
