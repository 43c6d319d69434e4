#!/bin/busybox sh
# The guard under the kernel's lockdown, which is there until the machine ends: the last test of it.
lockdown=/sys/kernel/security/lockdown

fail() {
    echo "FAILED: $*"
    exit 1
}

probe() { # WHAT CODE: what the probe says, in /tmp/probed
    /nospace guard --probe -o json >/tmp/probed 2>&1
    code=$?
    [ $code = "$2" ] || fail "exit code of the probe, $1: $code instead of $2: $(cat /tmp/probed)"
}

verdicts() {
    grep -E '"(verdict|outcome|hook)"' /tmp/probed
}

start() { # FILE: a guard that is at work
    /nospace guard --mode shadow --reserve-watches 100 --reserve-instances 20 -o json >"$1" 2>"$1.messages" &
    guard=$!
    for _ in $(seq 1200); do
        grep -q '"kind":"status"' "$1" && return
        [ -d /proc/$guard ] || break
        usleep 50000
    done
    fail "the guard did not start: $(cat "$1.messages")"
}

ended() { # FILE CODE
    wait $guard
    code=$?
    [ $code = "$2" ] || fail "the guard exited with $code instead of $2: $(cat "$1" "$1.messages")"
}

[ -e $lockdown ] || {
    echo "lockdown ... skipped: this kernel has none"
    exit 0
}
/nospace guard --probe -o json >/tmp/probed
free=$?
[ $free = 0 ] || [ $free = 1 ] || fail "the probe exited with $free: $(cat /tmp/probed)"
verdicts >/tmp/before

echo integrity >$lockdown || fail "cannot lock down"
probe integrity $free
verdicts | cmp -s - /tmp/before || fail "integrity changes the probe: $(cat /tmp/probed)"
start /tmp/lines
echo "integrity changes nothing ... ok"

echo confidentiality >$lockdown || fail "cannot lock down further"
probe confidentiality 3
grep -q '"obstacle": "kernel lockdown is in confidentiality mode.*boot with lockdown=integrity' /tmp/probed || fail "the probe does not say why: $(cat /tmp/probed)"
grep -q '"verdict": "enforce"\|"verdict": "shadow"' /tmp/probed && fail "the probe promises something: $(cat /tmp/probed)"
/nospace guard --mode shadow >/tmp/second 2>&1
code=$?
[ $code = 3 ] || fail "a guard under confidentiality exited with $code: $(cat /tmp/second)"
grep -q "kernel lockdown is in confidentiality mode" /tmp/second || fail "it does not say why: $(cat /tmp/second)"
echo "confidentiality is named, and nothing starts ... ok"

# Its programs are loaded: it goes on, and its self-tests show it.
for _ in $(seq 1800); do
    grep -q '"reason":"minute"' /tmp/lines && break
    [ -d /proc/$guard ] || break
    usleep 100000
done
grep -q '"reason":"minute"' /tmp/lines || fail "no self-test: $(cat /tmp/lines /tmp/lines.messages)"
kill -INT $guard
ended /tmp/lines 0
echo "a guard that runs goes on ... ok"
