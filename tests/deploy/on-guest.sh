#!/bin/bash
# Runs on the guest, in /work.
set -euo pipefail
cd /work
. ./common.sh
get() { busybox wget -q -O - "http://127.0.0.1:9409$1"; }
wait_for() { for _ in $(seq 150); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; return 1; }
trap 'journalctl --no-pager -u "nospace*" >out/journal; get /metrics >out/metrics 2>/dev/null || true' EXIT

dpkg --install nospace.deb
! systemctl is-active --quiet nospace-agent || fail "the package starts the agent"
echo NOSPACE_LISTEN=127.0.0.1:9409 >>/etc/default/nospace-agent
tail -f /etc/hostname & # somebody who watches
setpriv --reuid 1000 --clear-groups tail -f /etc/hosts &
systemctl start nospace-agent
wait_for get /readyz || fail "the agent is not ready: $(systemctl status nospace-agent)"
get /metrics >out/metrics
grep -q 'nospace_collector_info{collector="inotify",source="ebpf",provenance="exact"} 1' out/metrics || fail "not the kernel's own figures: $(grep collector_info out/metrics)"
grep -qx 'nospace_trace_active 1' out/metrics || fail "failed calls are not counted"
! grep '^nospace_collector_success.* 0' out/metrics || fail "a collector is failing"
grep -q 'nospace_inotify_instances{uid="1000"' out/metrics || fail "another user's instance is missing"
get /api/v1/report | grep -q '"comm": *"systemd"' || fail "the host's processes are missing"

before=$(systemctl show -P MainPID nospace-agent)
dpkg --install nospace.deb
wait_for get /readyz || fail "the agent is not ready after an upgrade: $(systemctl status nospace-agent)"
[ "$(systemctl show -P MainPID nospace-agent)" != "$before" ] || fail "the upgrade left the old agent running"
! systemctl is-active --quiet nospace-textfile.timer || fail "the upgrade started a unit that was not running"
grep -q NOSPACE_LISTEN= /etc/default/nospace-agent || fail "the upgrade lost the settings"
passed "an upgrade restarts only what was running"

began=$(date +%s%N)
systemctl stop nospace-agent
took=$((($(date +%s%N) - began) / 1000000))
[ "$(systemctl show -P Result nospace-agent)" = success ] || fail "it did not stop cleanly"
passed "nospace-agent.service under systemd $(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'): exact, failed calls counted, stopped in $took ms"

mkdir -p /var/lib/prometheus/node-exporter
chown 1000 /var/lib/prometheus/node-exporter
systemctl start nospace-textfile.service || fail "nospace-textfile.service: $(systemctl status nospace-textfile.service)"
grep -q 'provenance="exact"' /var/lib/prometheus/node-exporter/nospace.prom || fail "nothing was written for node_exporter"
[ "$(ls /var/lib/prometheus/node-exporter)" = nospace.prom ] || fail "more than one file: $(ls /var/lib/prometheus/node-exporter)"
systemctl start nospace-textfile.timer
systemctl is-active --quiet nospace-textfile.timer || fail "the timer does not run"
dpkg --purge nospace
! systemctl is-active --quiet nospace-agent && ! systemctl is-active --quiet nospace-textfile.timer || fail "a unit outlives its package"
passed "nospace-textfile.service; everything stops with the package"
