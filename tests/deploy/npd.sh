#!/bin/bash
# Tests deploy/node-problem-detector/nospace.json against the contract of node-problem-detector's custom plugins
# (pkg/custompluginmonitor): a valid configuration; exit codes 0, 1, and any other for "unknown"; standard output trimmed and truncated to
# max_output_length bytes.
#
#   tests/deploy/npd.sh [NOSPACE]     default: target/debug/nospace
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
nospace=$(realpath "${1:-target/debug/nospace}")
config=deploy/node-problem-detector/nospace.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

jq -e '.plugin == "custom" and (.pluginConfig.invoke_interval, .pluginConfig.timeout | test("^[0-9]+s$"))' $config >/dev/null || fail "$config: invalid plugin or interval"
jq -e '[.conditions[].type] as $known | [.rules[] | select(.type == "permanent") | .condition] | length > 0 and all(IN($known[]))' $config >/dev/null ||
    fail "a rule's condition has no default"
[ "$(jq -r '[.conditions[].type] | sort | join(" ")' $config)" = "CgroupsExhausted InotifyInstancesExhausted InotifyWatchesExhausted KubeletStartAtRisk" ] ||
    fail "the conditions differ from the agent's"
most=$(jq .pluginConfig.max_output_length $config)
timeout=$(jq -r .pluginConfig.timeout $config)

run=()
# plugin CONDITION EXIT-CODE ARGUMENT...: runs that rule's plugin as node-problem-detector would, with extra ARGUMENTs; sets $message.
plugin() {
    local condition=$1 expected=$2 code=0 arguments
    shift 2
    mapfile -t arguments < <(jq -r --arg condition "$condition" '.rules[] | select(.condition == $condition) | .args[]' $config)
    timeout "$timeout" "${run[@]}" "$nospace" "${arguments[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [ "$code" = "$expected" ] || fail "$condition: exit code $code instead of $expected: $(cat "$work/out" "$work/err")"
    message=$(head -c 4096 "$work/out" | head -c "$most")
    [ "$(wc -l <"$work/out")" -le 1 ] || fail "$condition: more than one line"
}
named() { [[ $message == *"$1"* ]] || fail "the first $most bytes do not contain $1: $message"; }

for condition in InotifyWatchesExhausted InotifyInstancesExhausted CgroupsExhausted KubeletStartAtRisk; do
    plugin $condition 0 --from tests/nodes/healthy-v2/node.tar.zst
done
node=(--from tests/nodes/watches-v1/node.tar.zst)
plugin InotifyWatchesExhausted 1 "${node[@]}"; named "CRITICAL inotify-watches by pod logging/promtail-h4wzq: 1 instance, 22,769"
plugin KubeletStartAtRisk 1 "${node[@]}"; named "CRITICAL kubelet-start by pod logging/promtail-h4wzq"
plugin InotifyInstancesExhausted 0 "${node[@]}"
plugin CgroupsExhausted 0 "${node[@]}"
node=(--from tests/nodes/shims-v2/node.tar.zst)
plugin InotifyInstancesExhausted 1 "${node[@]}"; named "CRITICAL inotify-instances: no single culprit: containerd shims of 36 pods"
plugin InotifyWatchesExhausted 0 "${node[@]}"
plugin CgroupsExhausted 1 --from tests/nodes/cgroup-leak-v1/node.tar.zst; named "CRITICAL cgroup-limit: 62,552 of 65,535"

# 2 is unknown, 3 is wrong usage; node-problem-detector treats both as unknown.
plugin InotifyWatchesExhausted 3 --from "$work/none"
# A user who cannot inspect other users' processes.
install -m 755 "$nospace" "$work/nospace"
chmod 755 "$work"
[ "$(id -u)" != 0 ] || run=(setpriv --reuid 65534 --regid 65534 --clear-groups)
nospace=$work/nospace
plugin InotifyWatchesExhausted 2 --no-ebpf; named "UNKNOWN run as root"
passed "node-problem-detector's contract"
