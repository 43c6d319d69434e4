#!/bin/busybox sh
# The static nospace itself against a program that knows what it holds and counts its refusals: check, watches, trace.
# Runs in the virtual machine; the last line says what failed.
holder() { # ORDER: its answer is one more line in /tmp/answers
    local before
    before=$(wc -l </tmp/answers)
    echo "$1" >&3
    for _ in $(seq 600); do
        [ "$(wc -l </tmp/answers)" -gt "$before" ] && break
        usleep 50000
    done
    tail -n 1 /tmp/answers
}

fail() {
    echo "FAILED: $*"
    exit 1
}

has() { # WHAT PATTERN FILE
    grep -q "$2" "$3" || { head -c 3000 "$3"; fail "$1"; }
}

mkfifo /tmp/orders
: >/tmp/answers
/nospace-holder --user-namespace=700000 --instances=2 --watches=7 </tmp/orders >>/tmp/answers &
exec 3>/tmp/orders
ready=$(holder "limit watches 14")
pid=$(sed -n 's/.*"pids":\[\([0-9]*\).*/\1/p' /tmp/answers)
[ -n "$pid" ] || fail "no holder: $ready"

/nospace check -o json >/tmp/check
code=$?
[ $code -le 2 ] || fail "check ends with $code"
grep -A 2 '"name": "inotify"' /tmp/check >/tmp/collector
has "check reads the kernel's books" '"source": "ebpf"' /tmp/collector
has "its figures are exact" '"provenance": "exact"' /tmp/collector
grep -A 20 '"uid": 700000' /tmp/check >/tmp/user
has "the holder's watches" '"used": 14' /tmp/user
has "what refuses is named" '"cause": "inotify-watches"' /tmp/check
echo "check ... ok"

/nospace watches "$pid" -o json >/tmp/watches 2>&1 || fail "watches: $(tail -n 1 /tmp/watches)"
named=$(grep -c '"path": "/proc/sys/kernel/' /tmp/watches)
[ "$named" -ge 14 ] || { head -c 3000 /tmp/watches; fail "watches names $named of 14"; }
echo "watches ... ok"

/nospace trace --failed --pid "$pid" -o json >/tmp/trace 2>/tmp/tracing &
trace=$!
for _ in $(seq 600); do
    grep -q 'tracing inotify calls' /tmp/tracing && break
    usleep 50000
done
answer=$(holder "press 40")
kill -INT $trace
wait $trace || fail "trace: $(cat /tmp/tracing)"
[ "$answer" = '{"done":0,"errno":28}' ] || fail "the holder was not refused: $answer"
told=$(grep -c '"cause":"inotify-watches".*"count":{"of":"watches","uid":700000,.*"used":14,"limit":14}' /tmp/trace)
has "trace sums up" '"refused":40,"lost":0' /tmp/trace
# The last is the row of the summary.
[ "$told" = 41 ] || { head -c 3000 /tmp/trace; fail "trace tells $told of 40 refusals"; }
echo "trace ... ok"
