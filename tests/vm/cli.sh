#!/bin/busybox sh
# Compares the static nospace's check, watches and trace with a program that knows what it holds and counts its failed calls.
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

mkdir /tmp/watched
for n in $(seq 20); do
    : >/tmp/watched/$n
done
mkfifo /tmp/orders
: >/tmp/answers
/nospace-holder --user-namespace=700000 --instances=2 --watches=7 --files /tmp/watched </tmp/orders >>/tmp/answers &
exec 3>/tmp/orders
ready=$(holder "limit watches 14")
pid=$(sed -n 's/.*"pids":\[\([0-9]*\).*/\1/p' /tmp/answers)
[ -n "$pid" ] || fail "no holder: $ready"

/nospace check -o json >/tmp/check
code=$?
[ $code -le 2 ] || fail "check exited with $code"
grep -A 2 '"name": "inotify"' /tmp/check >/tmp/collector
has "check reads the kernel's books" '"source": "ebpf"' /tmp/collector
has "its figures are exact" '"provenance": "exact"' /tmp/collector
grep -A 20 '"uid": 700000' /tmp/check >/tmp/user
has "the holder's watches" '"used": 14' /tmp/user
has "what refuses is named" '"cause": "inotify-watches"' /tmp/check
echo "check ... ok"

/nospace watches "$pid" -o json >/tmp/watches 2>&1 || fail "watches: $(tail -n 1 /tmp/watches)"
named=$(grep -c '"hostPath": "/tmp/watched/' /tmp/watches)
[ "$named" -ge 14 ] || { head -c 3000 /tmp/watches; fail "watches names $named of 14"; }
echo "watches ... ok"

/nospace guard --probe -o json >/tmp/guard
code=$?
if [ "$(uname -m)" = x86_64 ]; then
    # 7.x is preemptible, and has no hook of security modules for instances.
    case $(uname -r) in 7.*) expected=1 ;; *) expected=0 ;; esac
    [ $code = $expected ] || { cat /tmp/guard; fail "guard --probe exited with $code"; }
    grep -A 1 '"resource": "watches"' /tmp/guard >/tmp/verdicts
    has "a reserve of watches can be kept" '"verdict": "enforce"' /tmp/verdicts
fi
echo "guard --probe ... ok"

start_trace() { # OPTION...
    /nospace trace --failed "$@" -o json >/tmp/trace 2>/tmp/tracing &
    trace=$!
    for _ in $(seq 600); do
        grep -q 'tracing inotify calls' /tmp/tracing && break
        usleep 50000
    done
}

end_trace() {
    kill -INT $trace
    wait $trace || fail "trace: $(cat /tmp/tracing)"
}

start_trace --pid "$pid"
answer=$(holder "press 40")
end_trace
[ "$answer" = '{"done":0,"errno":28}' ] || fail "the holder was not refused: $answer"
told=$(grep -c '"cause":"inotify-watches".*"count":{"of":"watches","uid":700000,.*"used":14,"limit":14}' /tmp/trace)
has "trace sums up" '"refused":40,"refusedByGuard":0,"lost":0' /tmp/trace
# The last line is the summary.
[ "$told" = 41 ] || { head -c 3000 /tmp/trace; fail "trace reported $told of 40 failures"; }
echo "trace ... ok"

# This limit applies to the whole kernel, so it needs a kernel of its own.
if [ -n "$OWN_KERNEL" ]; then
    before=$(cat /proc/sys/fs/epoll/max_user_watches)
    ifconfig lo 127.0.0.1 up
    /nospace agent --kube off --interval 1h 2>/tmp/agent &
    agent=$!
    for _ in $(seq 600); do
        wget -qO /tmp/ready http://127.0.0.1:9409/readyz 2>/dev/null && break
        usleep 50000
    done
    echo 5 >/proc/sys/fs/epoll/max_user_watches
    start_trace --pid "$pid"
    answer=$(holder "refuse epoll 3")
    wget -qO /tmp/ready http://127.0.0.1:9409/readyz 2>/dev/null
    echo "$before" >/proc/sys/fs/epoll/max_user_watches
    end_trace
    [ "$answer" = '{"done":0,"errno":28}' ] || fail "epoll_ctl was not refused: $answer"
    told=$(grep -c '"call":"epoll_ctl".*"words":\["add"\].*"cause":"epoll-watches"' /tmp/trace)
    [ "$told" = 3 ] || { head -c 3000 /tmp/trace; fail "trace reported $told of 3 epoll_ctl failures"; }
    has "the agent says why it does not answer" 'cannot take a connection: .*fs.epoll.max_user_watches' /tmp/agent
    wget -qO /tmp/ready http://127.0.0.1:9409/readyz || fail "the agent does not answer: $(cat /tmp/agent)"
    kill $agent
    wait $agent || fail "the agent: $(cat /tmp/agent)"
    echo "epoll_ctl ... ok"
fi

# Debian has the modules for it, and this machine's kernel may not.
if [ -n "$OWN_KERNEL" ] && command -v mkfs.ext4 >/dev/null; then
    cat >/tmp/in-quota <<'END'
/nospace check -o json --only disk-quota >/tmp/full
echo "check $?"
dd if=/dev/zero of="$NOSPACE_EXHAUSTED/more" bs=4096 count=3
cat /sys/block/loop*/loop/backing_file
END
    # On 5.10 eBPF needs CAP_SYS_RESOURCE, which the command has not.
    start_trace --any-call
    # More than there is, so that the kernel refuses.
    /nospace exhaust disk-quota --limit 16 --amount 99999999 -o json -- sh /tmp/in-quota >/tmp/quota 2>&1 || fail "exhaust: $(tail -n 3 /tmp/quota)"
    end_trace
    has "the kernel refuses nospace" '"refused": "EDQUOT"' /tmp/quota
    has "all is held" '"left": 0,' /tmp/quota
    has "the kernel refuses the command" "uota exceeded" /tmp/quota
    has "check exits with 2" "^check 2" /tmp/quota
    has "a loop device is in use" "nospace-exhaust" /tmp/quota
    has "check names the quota" '"subject": "/mnt/nospace-exhaust' /tmp/full
    grep -A 3 '"cause": "disk-quota"' /tmp/full >/tmp/resource
    has "its figures" '"used": 16777216' /tmp/resource
    has "trace names the quota" '"call":"write".*"comm":"dd".*"error":"EDQUOT","cause":"disk-quota"' /tmp/trace
    /nospace check -o json --only disk-quota >/tmp/freed || fail "check exits with $? afterwards"
    cat /sys/block/loop*/loop/backing_file >/tmp/loops 2>/dev/null && fail "a loop device is left: $(cat /tmp/loops)"
    /nospace exhaust disk-quota --limit 16 --leave 40000 -- sh -c 'dd if=/dev/zero of=$NOSPACE_EXHAUSTED/more bs=4096 count=99' >/tmp/quota 2>&1
    has "40,000 bytes are left, in whole blocks" "^10+0 records out" /tmp/quota
    /nospace exhaust disk-quota --limit 16 >/tmp/quota 2>&1 &
    killed=$!
    for _ in $(seq 600); do
        grep -q 'to go' /tmp/quota && break
        usleep 50000
    done
    kill -9 $killed
    for _ in $(seq 100); do
        cat /sys/block/loop*/loop/backing_file >/tmp/loops 2>/dev/null || break
        usleep 50000
    done
    cat /sys/block/loop*/loop/backing_file >/tmp/loops 2>/dev/null && fail "a loop device is left after SIGKILL"
    echo "disk-quota ... ok"
else
    echo "disk-quota ... skipped: no kernel of its own, or no mkfs.ext4 for it"
fi
