#!/bin/bash
# The rules: valid for promtool; each alert has a test in which it fires and one in which it does not; each runbook page exists.
set -euo pipefail
cd "$(dirname "$0")/../../deploy/prometheus"
. ../../tests/deploy/common.sh
command -v promtool >/dev/null || ../../scripts/prepare deploy

promtool check rules nospace.rules.yaml >/dev/null || fail "promtool check rules"
promtool test rules nospace.rules.test.yaml >/dev/null || fail "promtool test rules deploy/prometheus/nospace.rules.test.yaml"

rules=$(yq -c '[.groups[].rules[] | select(.alert)]' nospace.rules.yaml)
tests=$(yq -c '[.tests[].alert_rule_test[]]' nospace.rules.test.yaml)
jq -r '.[].alert' <<<"$rules" | while read -r alert; do
    rings=$(jq --arg alert "$alert" '[.[] | select(.alertname == $alert) | (.exp_alerts // []) | length > 0] | unique == [false, true]' <<<"$tests")
    [ "$rings" = true ] || fail "$alert has no test in which it fires, or none in which it does not"
done
tested=$(jq -r '.[].alertname' <<<"$tests" | sort -u)
[ "$tested" = "$(jq -r '.[].alert' <<<"$rules" | sort -u)" ] || fail "the tests name alerts that do not exist"

# The cause is only known when the alert fires: any cause's page will do.
jq -r '.[] | [.alert, .annotations.runbook_url // ""] | @tsv' <<<"$rules" | while IFS=$'\t' read -r alert url; do
    page=${url#https://github.com/nospace/nospace/blob/main/}
    [ "$page" != "$url" ] || fail "$alert has no runbook_url: $url"
    page=$(sed 's/{{.*}}/pids/' <<<"$page")
    [ -f "../../${page%#*}" ] || fail "$alert: $page does not exist"
    case $page in
    *\#*) heading=${page#*#}; grep -qix "#* ${heading//-/ }" "../../${page%#*}" || fail "$alert: no heading $heading in ${page%#*}" ;;
    esac
done

# The example's scrape_configs. Debian's Prometheus is built without Kubernetes support: there, test with a static target.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! promtool check config --syntax-only scrape.yaml >"$work/errors" 2>&1; then
    grep -q 'kubernetes_sd_configs not found' "$work/errors" || fail "scrape.yaml: $(cat "$work/errors")"
    sed 's/kubernetes_sd_configs: .*/static_configs: [{targets: ["localhost:9409"]}]/' scrape.yaml >"$work/scrape.yaml"
    promtool check config --syntax-only "$work/scrape.yaml" >"$work/errors" 2>&1 || fail "scrape.yaml: $(cat "$work/errors")"
fi

# What Alertmanager makes of the alerts, by Alertmanager's own template engine, with the words of a real alert.
sed "s#/etc/alertmanager/#$PWD/#" alertmanager.yaml >"$work/alertmanager.yaml"
amtool check-config "$work/alertmanager.yaml" >"$work/errors" 2>&1 || fail "alertmanager.yaml: $(cat "$work/errors")"
cat >"$work/alert.json" <<'JSON'
{"receiver": "nospace", "status": "firing", "commonLabels": {"instance": "n1"}, "alerts": [
 {"status": "firing", "labels": {"severity": "critical"}, "annotations": {"summary": "n1: the kubelet would not start", "description": "Why.", "runbook_url": "https://example.com/page"}},
 {"status": "firing", "labels": {"severity": "warning"}, "annotations": {"summary": "n1: 82% of the inotify instances are used", "description": "Too."}},
 {"status": "resolved", "labels": {"severity": "warning"}, "annotations": {"summary": "n1: 90% of the inotify watches are used", "description": "Long ago."}}]}
JSON
said() { amtool template render --template.glob nospace.tmpl --template.data "$work/alert.json" --template.text "{{ template \"$1\" . }}"; }
[ "$(said nospace.title)" = "CRITICAL (3) n1: the kubelet would not start" ] || fail "nospace.title: $(said nospace.title)"
text=$(said nospace.text)
grep -q "^https://example.com/page$" <<<"$text" && grep -q "^RESOLVED n1: 90% of" <<<"$text" && ! grep -q "Long ago" <<<"$text" || fail "nospace.text: $text"
severities=$(jq -r '[.[].labels.severity] | unique | join(" ")' <<<"$rules")
[ "$severities" = "critical info warning" ] || fail "alertmanager.yaml knows critical, warning and info, the rules have: $severities"
passed "$(jq length <<<"$rules") alerts"
