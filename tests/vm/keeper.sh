#!/bin/busybox sh
# The command nospace guard against processes in cgroups like those of pods: what each of them gets, counted by the kernel.
# Runs in the virtual machine, of which it sets the limits; the last line says what failed.
# No pod has a kubelet or a runtime here: what makes it one is its cgroup, and what names it is the directory of its logs.
cgroups=/sys/fs/cgroup

fail() {
    echo "FAILED: $*"
    exit 1
}

same() { # WHAT IS SHOULD
    [ "$2" = "$3" ] || fail "$1: $2 instead of $3"
}

limits() { # WATCHES INSTANCES
    echo "$1" >/proc/sys/fs/inotify/max_user_watches
    echo "$2" >/proc/sys/fs/inotify/max_user_instances
}

holder() { # NAME CGROUP [PROGRAM [OPTION...]]: a process in it
    local name=$1 cgroup=$cgroups/$2 program=${3:-/nospace-holder}
    shift 2
    [ $# = 0 ] || shift
    [ $# -gt 0 ] || set -- --instances=0
    mkdir -p "$cgroup"
    rm -f "/tmp/orders-$name"
    mkfifo "/tmp/orders-$name"
    : >"/tmp/answers-$name"
    (
        sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@" --files /tmp/many' "$cgroup" "$program" "$@" \
            <"/tmp/orders-$name" >"/tmp/answers-$name"
    ) &
    # Keeps the pipe open for as long as this script runs.
    sleep 100000 >"/tmp/orders-$name" &
    answers "$name" 1
}

quit() { # NAME...: such processes end
    local pid
    for name in "$@"; do
        pid=$(sed -n 's/.*"pids":\[\([0-9]*\).*/\1/p' "/tmp/answers-$name")
        echo quit >"/tmp/orders-$name"
        for _ in $(seq 1200); do
            [ -d "/proc/$pid" ] || continue 2
            usleep 50000
        done
        fail "$name does not end"
    done
}

answers() { # NAME NUMBER: waits for so many
    for _ in $(seq 1200); do
        [ "$(wc -l <"/tmp/answers-$1")" -ge "$2" ] && return
        usleep 50000
    done
    fail "$1 does not answer"
}

ask() { # NAME ORDER: the answer
    local before
    before=$(wc -l <"/tmp/answers-$1")
    echo "$2" >"/tmp/orders-$1"
    answers "$1" $((before + 1))
    tail -n 1 "/tmp/answers-$1"
}

must() { # NAME ORDER ANSWER
    same "$1, $2" "$(ask "$1" "$2")" "$3"
}

free() { # NAME...
    for name in "$@"; do
        ask "$name" free >/dev/null
    done
}

start() { # OPTION...: a guard that is at work
    /nospace guard "$@" -o json >/tmp/lines 2>/tmp/messages &
    guard=$!
    for _ in $(seq 1200); do
        grep -q '"kind":"status"' /tmp/lines && return
        [ -d /proc/$guard ] || break
        usleep 50000
    done
    fail "guard $* did not start: $(cat /tmp/messages)"
}

has() { # WHAT PATTERN: among the guard's lines, by and by
    for _ in $(seq 2400); do
        grep -q "$2" /tmp/lines && return
        usleep 50000
    done
    cat /tmp/lines /tmp/messages
    fail "$1: no $2"
}

looks() { # WHAT CODE: check, from now on in /tmp/check as JSON and /tmp/screen; its exit code
    /nospace check >/tmp/screen 2>&1
    /nospace check -o json >/tmp/check 2>/tmp/messages
    same "exit code of check, $1" $? "$2"
}

says() { # WHAT FILE PATTERN
    grep -q -- "$3" "$2" && return
    cat /tmp/screen "$2"
    fail "$1: no $3 in $2"
}

silent() { # WHAT FILE PATTERN
    grep -q -- "$3" "$2" || return 0
    cat /tmp/screen "$2"
    fail "$1: $3 in $2"
}

explains() { # PROGRAM: what explain says of its ENOSPC, in /tmp/explained
    echo "$(date '+%b %e %T') node1 $1[77]: inotify_add_watch /etc/app failed: No space left on device" |
        /nospace explain -o json - >/tmp/explained 2>/tmp/messages
}

traces() { # OPTION...: a trace of failed calls that has started
    /nospace trace --failed "$@" -o json >/tmp/traced 2>/tmp/tracing &
    trace=$!
    for _ in $(seq 600); do
        grep -q 'tracing inotify calls' /tmp/tracing && break
        usleep 50000
    done
}

refuse_both() { # a pod by the guard, the system by the limit; returns when that was traced
    must web "exhaust watches" '{"done":0,"errno":28}'
    must system "exhaust watches" '{"done":100,"errno":28}'
    free system
    for _ in $(seq 400); do
        grep -q '"used":1000,"limit":1000' /tmp/traced && break
        usleep 50000
    done
}

stop() {
    kill -INT $guard
    wait $guard || fail "guard exited with $?: $(cat /tmp/messages)"
    has "it says that it was stopped" '"kind":"ended".*"reason":"stopped"'
}

refused() { # CODE PATTERN OPTION...: a guard that must not start
    local code=$1 pattern=$2
    shift 2
    /nospace guard "$@" >/tmp/lines 2>/tmp/messages
    same "exit code of guard $*" $? "$code"
    grep -q -- "$pattern" /tmp/messages || fail "guard $*: $(cat /tmp/messages)"
    [ ! -s /tmp/lines ] || fail "guard $* printed $(cat /tmp/lines)"
}

metric() { # WHAT PATTERN: among the agent's metrics, by and by
    for _ in $(seq 4000); do
        wget -qO /tmp/metrics http://127.0.0.1:9409/metrics 2>/dev/null && grep -q -- "$2" /tmp/metrics && return
        usleep 100000
    done
    grep -E 'guard|refus' /tmp/metrics
    cat /tmp/messages
    fail "$1: no $2"
}

without_pods() { # HIERARCHY: the test of the guard's programs leaves some, without processes
    for left in "$1"/kubepods*; do
        [ ! -d "$left" ] || find "$left" -depth -type d -exec rmdir {} \; || fail "cannot remove $left"
    done
}

/nospace guard --probe -o json >/tmp/probe
probed=$?
case $probed in
0) both=1 ;;
1) both= ;;
*) fail "guard --probe: $(cat /tmp/probe)" ;;
esac
refused 3 "add --yes" --mode enforce
refused 3 "budgets are only counted so far" --mode enforce --yes --budget-watches 300
if ! grep -q '"verdict": "enforce"' /tmp/probe; then
    refused 1 "no reserve of" --mode enforce --yes
    echo "guard ... skipped: this kernel keeps no reserve"
    exit 0
fi

mount -t cgroup2 cgroup2 $cgroups || fail "cannot mount cgroup2"
without_pods $cgroups
mkdir /tmp/many
for n in $(seq 12000); do
    : >/tmp/many/$n
done
web=kubepods/burstable/pod11111111-1111-1111-1111-111111111111/app
proxy=kubepods/besteffort/pod22222222-2222-2222-2222-222222222222/app
agent=kubepods.slice/kubepods-pod33333333_3333_3333_3333_333333333333.slice/cri-containerd-0.scope
nameless=kubepods/pod44444444-4444-4444-4444-444444444444/app
late=kubepods/burstable/pod55555555-5555-5555-5555-555555555555/app
cni=kubepods/burstable/pod66666666-6666-6666-6666-666666666666/app
# These have budgets.
shared=kubepods/burstable/pod88888888-8888-8888-8888-888888888888/app
heir=kubepods/burstable/pod99999999-9999-9999-9999-999999999999/app
small=kubepods/pod01010101-0101-0101-0101-010101010101/app
dns=kubepods/burstable/pod02020202-0202-0202-0202-020202020202/app
named=kubepods/burstable/pod03030303-0303-0303-0303-030303030303/app
logs=/var/log/pods
mkdir -p $logs/default_web_11111111-1111-1111-1111-111111111111 \
    $logs/kube-system_proxy_22222222-2222-2222-2222-222222222222 \
    $logs/monitoring_agent_33333333-3333-3333-3333-333333333333
hostname node1
cp /nospace-holder /webapp
holder web $web /webapp
for pair in proxy=$proxy agent=$agent nameless=$nameless system=system.slice/containerd.service; do
    holder "${pair%%=*}" "${pair#*=}"
done

if [ -z "$both" ]; then
    refused 1 "--only watches keeps a reserve of watches alone" --mode enforce --yes
    only=--only=watches
    echo "what cannot be kept is not said to be kept ... ok"
fi

limits 1000 128
start --mode enforce --yes $only --reserve-watches 100 --reserve-instances 20 --exempt-namespace monitoring
has "what is kept" '"reason":"started".*"resource":"watches".*"limit":1000,"kept":100,"asked":100'
has "pods" '"pods":{"guarded":1,"exempt":2,"unknown":1}'
must web "exhaust watches" '{"done":900,"errno":28}'
for other in proxy agent nameless system; do
    must $other "exhaust watches" '{"done":100,"errno":28}'
    free $other
done
has "the pod by its name" '"kind":"atLine".*"namespace":"default","name":"web".*"refused":true.*"resource":"watches","calls":1,"total":1,"kept":100.*"used":900,"limit":1000'
echo "a pod stops at the line, others go on to the limit ... ok"

looks "at the line" 2
says "the guard" /tmp/check "\"pid\": $guard,"
says "its mode" /tmp/check '"mode": "enforce"'
says "who is exempt" /tmp/check '"monitoring"'
says "the finding" /tmp/check "Pods get no more inotify watches: uid 0.* has used 900, and a guard (pid $guard) keeps the last 100 of 1,000 for the node"
says "room for the kubelet" /tmp/check '"watchesKept": 100'
says "and no more than is free" /tmp/check '"watchesFree": 100'
says "the line of the guard" /tmp/screen "Guard  *pods are refused: the last 100 watches"
explains webapp
says "a pod was refused by the guard" /tmp/explained '"refusedByGuard": true'
says "it was" /tmp/explained '"node": "confirms"'
explains kubelet
silent "the kubelet is not" /tmp/explained '"refusedByGuard": true'
silent "nor by the limit" /tmp/explained '"node": "confirms"'
explains nospace-holder
says "some processes of a program are in pods, others are not" /tmp/explained '"node": "unknown"'
/nospace record /tmp/recorded.tar.zst >/tmp/messages 2>&1 || fail "record: $(cat /tmp/messages)"
/nospace check --from /tmp/recorded.tar.zst -o json >/tmp/check
says "a recording has the guard" /tmp/check "a guard (pid $guard) keeps the last 100 of 1,000"
/nospace check --no-ebpf -o json >/tmp/check
silent "without eBPF it is not known" /tmp/check '"guards"'
echo "check, explain, the forecast and recordings know of it ... ok"

traces
refuse_both
# The guard's self-test, which it makes every minute.
for _ in $(seq 1400); do
    grep -q 'the self-test of a guard' /tmp/traced && break
    usleep 50000
done
/nospace guard --probe >/tmp/probed &
prober=$!
wait $prober || true
kill -INT $trace
wait $trace || fail "trace exited with $?: $(cat /tmp/tracing)"
# Without a count it stays open why an instance was refused (before 5.14).
grep "\"kind\":\"call\".*\"pid\":$prober,.*\"count\":{" /tmp/traced >/tmp/probing || fail "no call of the probe was traced"
silent "a probe uses nothing up" /tmp/probing '"otherwise":null'
says "the calls of a probe are tests" /tmp/probing '"otherwise":"the self-test of a guard"'
says "the guard refused a pod" /tmp/traced "\"comm\":\"webapp\".*\"guard\":{\"pid\":$guard,\"kept\":100}"
says "and that hit no limit" /tmp/traced '"kind":"summary".*"refusedByGuard":[1-9]'
grep '"kind":"call".*"comm":"nospace-holder"' /tmp/traced >/tmp/others
says "the limit refused the system" /tmp/others '"used":1000,"limit":1000'
silent "not the guard" /tmp/others '"guard"'
says "the guard tests itself" /tmp/traced "\"pid\":$guard,.*\"cause\":null,\"candidates\":\[\],\"otherwise\":\"the self-test of a guard\""
# In the procfs of another pid namespace there are no owners, so that the guard explains nothing.
mkdir /tmp/elsewhere
unshare -p -f mount -t proc proc /tmp/elsewhere
traces --procfs /tmp/elsewhere
refuse_both
kill -INT $trace
wait $trace || fail "trace exited with $?: $(cat /tmp/tracing)"
grep '"kind":"call".*"comm":"webapp"' /tmp/traced >/tmp/pods
says "below the limit it may be the limit or not" /tmp/pods '"cause":null,"candidates":\["inotify-watches"\],"otherwise":"a BPF program or security module","count":{.*"used":900,"limit":1000'
silent "and is blamed on no guard" /tmp/pods '"guard"'
says "at the limit it is the limit" /tmp/traced '"comm":"nospace-holder".*"cause":"inotify-watches","candidates":\["inotify-watches"\],"otherwise":null'
echo "trace ... ok"

/nospace guard --mode enforce --yes --only watches --reserve-watches 300 -o json >/tmp/second 2>/tmp/messages &
second=$!
for _ in $(seq 1200); do
    grep -q '"kind":"status"' /tmp/second && break
    usleep 50000
done
looks "with two guards" 2
says "the first" /tmp/check "\"pid\": $guard,"
says "the strictest decides" /tmp/check "a guard (pid $second) keeps the last 300 of 1,000"
kill -INT $second
wait $second || fail "the second guard exited with $?: $(cat /tmp/messages)"
looks "with the first again" 2
says "the first" /tmp/check "a guard (pid $guard) keeps the last 100 of 1,000"
echo "two guards ... ok"

limits 2000 128
must web "exhaust watches" '{"done":1000,"errno":28}'
limits 1000 128
must web "exhaust watches" '{"done":0,"errno":28}'
echo "a changed limit ... ok"

free web
mkdir $logs/default_late_55555555-5555-5555-5555-555555555555
holder late $late
must late "exhaust watches" '{"done":900,"errno":28}'
mkdir $logs/kube-system_cni_66666666-6666-6666-6666-666666666666
holder cni $cni
for _ in $(seq 20); do
    sleep 1
    answer=$(ask cni "exhaust watches")
    [ "$answer" = '{"done":0,"errno":28}' ] || break
done
same "a new pod of kube-system" "$answer" '{"done":100,"errno":28}'
free late cni
echo "new pods ... ok"

if [ -n "$both" ]; then
    case $(ask web "exhaust instances") in
    *'"errno":24}') ;;
    *) fail "web took all instances: $(tail -n 1 /tmp/answers-web)" ;;
    esac
    must system "exhaust instances" '{"done":20,"errno":24}'
    free web system
    echo "instances ... ok"
fi
stop
has "the totals" '"kind":"ended".*"mode":"enforce".*"name":"web"'
must web "exhaust watches" '{"done":1000,"errno":28}'
free web
echo "nothing is refused after the end ... ok"

start --mode shadow --reserve-watches 100 --reserve-instances 20
must web "exhaust watches" '{"done":1000,"errno":28}'
has "it is counted" '"kind":"atLine".*"name":"web".*"refused":false.*"resource":"watches","calls":'
must nameless "exhaust watches" '{"done":0,"errno":28}'
looks "in shadow mode" 2
says "its mode" /tmp/check '"mode": "shadow"'
says "the line of the guard" /tmp/screen "Guard  *shadow, refuses nothing"
silent "it keeps nothing" /tmp/check 'guard-reserve'
explains webapp
silent "it refuses nothing" /tmp/explained '"refusedByGuard": true'
stop
has "the totals" '"kind":"ended".*"mode":"shadow","calls":{"instances":[0-9]*,"watches":101}'
free web
echo "shadow ... ok"

# Two processes hold the same two instances, and pods that may use all have more.
sharing() {
    holder shared $shared /nospace-holder --instances=2 --watches=200 --share=forked --copies=1
}
limits 5000 128
mkdir -p $cgroups/$heir $logs/default_shared_88888888-8888-8888-8888-888888888888 \
    $logs/default_heir_99999999-9999-9999-9999-999999999999 $logs/default_small_01010101-0101-0101-0101-010101010101 \
    $logs/kube-system_dns_02020202-0202-0202-0202-020202020202 $logs/default_named_03030303-0303-0303-0303-030303030303
sharing
holder small $small /nospace-holder --instances=1 --watches=300
for pair in dns=$dns named=$named unknown=$nameless node=system.slice/containerd.service; do
    holder "${pair%%=*}" "${pair#*=}" /nospace-holder --instances=3 --watches=150
done
start --mode shadow --reserve-watches 100 --reserve-instances 20 --budget-watches 300 --budget-instances 1 \
    --exempt-cgroup /${named%/app}
has "the budgets" '"reason":"started".*"budgets":{"budget":{"instances":1,"watches":300},"pods":null}'
has "an instance counts once" '"kind":"overBudget".*"namespace":"default","name":"shared".*"resources":\[{"resource":"watches","used":400,"budget":300,"first":true},{"resource":"instances","used":2,"budget":1,"first":true}\]}'
sed -n 's/.*"pids":\[[0-9]*,\([0-9]*\)\].*/\1/p' /tmp/answers-shared >$cgroups/$heir/cgroup.procs
has "and once for each pod" '"kind":"overBudget".*"name":"heir".*"resource":"watches","used":400,.*"resource":"instances","used":2,'
echo nothing >/tmp/nothing
mount -o bind /tmp/nothing $cgroups/$small/cgroup.procs || fail "cannot hide the processes of a pod"
has "a pod that cannot be read" '"kind":"unreadable".*"pods":1,"reason":"cannot read .*01010101.*cgroup.procs: \\"nothing\\" is no pid"'
has "how many were" '"reason":"minute".*"budgets":{.*"pods":{"lookedAt":[1-9][0-9]*,"over":2,"unreadable":1}}'
umount $cgroups/$small/cgroup.procs
stop
grep '"kind":"overBudget"' /tmp/lines >/tmp/over
silent "pods within their budget, or without one" /tmp/over '"name":"small"\|"name":"dns"\|"name":"named"\|44444444'
quit shared small dns named unknown node
limits 1000 128
echo "budgets ... ok"

start --mode enforce --yes $only --reserve-watches 100 --reserve-instances 20 --exempt-cgroup /kubepods/burstable/pod11111111-1111-1111-1111-111111111111
must late "exhaust watches" '{"done":900,"errno":28}'
must web "exhaust watches" '{"done":100,"errno":28}'
kill -9 $guard
# The kernel may free a link behind the process.
for _ in $(seq 10); do
    free late web
    answer=$(ask late "exhaust watches")
    [ "$answer" = '{"done":900,"errno":28}' ] || break
    sleep 1
done
same "after SIGKILL" "$answer" '{"done":1000,"errno":28}'
# The kernel lets go of its programs a moment after they were detached.
for _ in $(seq 10); do
    /nospace check -o json >/tmp/check 2>/tmp/messages
    ! grep -q '"running": \[\]' /tmp/check || break
    sleep 1
done
says "no guard runs" /tmp/check '"running": \[\]'
free late
echo "SIGKILL ends it, a named cgroup is exempt ... ok"

# Half of 128.
start --mode shadow
has "auto" '"resource":"instances".*"limit":128,"kept":64,"asked":[0-9]*,"kubeletNeeds":[0-9]'
stop
echo "auto ... ok"

# --- cgroup v1.
mkdir -p $cgroups/memory
if mount -t cgroup -o memory memory $cgroups/memory 2>/tmp/messages; then
    without_pods $cgroups/memory
    holder old memory/kubepods/burstable/pod77777777-7777-7777-7777-777777777777/app
    mkdir $logs/default_old_77777777-7777-7777-7777-777777777777
    start --mode enforce --yes $only --reserve-watches 100 --reserve-instances 20
    has "the pod of v1" '"pods":{"guarded":1,"exempt":0,"unknown":0}'
    must old "exhaust watches" '{"done":900,"errno":28}'
    has "by its name" '"kind":"atLine".*"namespace":"default","name":"old".*"cgroup":"/kubepods/burstable/pod77777777-7777-7777-7777-777777777777"'
    must system "exhaust watches" '{"done":100,"errno":28}'
    free old system
    stop
    umount $cgroups/memory
    echo "pods of cgroup v1 ... ok"
else
    echo "pods of cgroup v1 ... skipped: $(cat /tmp/messages)"
fi
rmdir $cgroups/memory

# --- The agent's guard.
ifconfig lo 127.0.0.1 up
settings() { # MODE [LINE...]
    local mode=$1
    shift
    printf '%s\n' 'interval = "1s"' "guard = '$mode'" 'guard-reserve-watches = 100' 'guard-reserve-instances = 20' \
        "${both:+#}guard-only = 'watches'" "$@" >/tmp/agent.toml
}
settings enforce
/nospace agent --kube off --config /tmp/agent.toml >/tmp/messages 2>&1 &
agent=$!
metric "it works" '^nospace_guard_up 1$'
metric "where" '^nospace_guard_info{mode="enforce",watch_hook="[a-z_/]*path_notify",'
metric "what is kept" '^nospace_guard_kept{resource="watches",mode="enforce"} 100$'
metric "pods" '^nospace_guard_pods{policy="guarded"} [1-9]'
# Refused calls are counted from here on.
for _ in $(seq 600); do
    wget -qO /tmp/ready http://127.0.0.1:9409/readyz 2>/dev/null && break
    usleep 100000
done
must web "exhaust watches" '{"done":900,"errno":28}'
metric "the pod was refused" '^nospace_guard_refused_total{resource="watches",namespace="default",pod="web"} 1$'
metric "the trace saw it" '^nospace_inotify_refusals_total{errno="ENOSPC",call="inotify_add_watch",namespace="default",pod="web",container=".*"} 1$'
metric "and nothing was used up" '^nospace_refusals_total{cause="inotify-watches"} 0$'
silent "nor may it have been" /tmp/metrics 'or another reason"}'
metric "the self-test" '^nospace_guard_self_test_age_seconds [0-9]'
must system "exhaust watches" '{"done":100,"errno":28}'
metric "now it is" '^nospace_refusals_total{cause="inotify-watches"} 1$'
free system
wget -qO /tmp/page http://127.0.0.1:9409/
says "the page" /tmp/page "Pods are refused what would cut into the reserve: the last 100 of 1,000 watches"
says "the log" /tmp/messages "the guard refuses default/web more watches"
looks "beside the agent" 2
says "the guard is the agent's" /tmp/check "\"pid\": $agent,"
echo "the agent refuses a pod, and its metrics say so ... ok"

settings shadow
kill -HUP $agent
metric "another mode" '^nospace_guard_info{mode="shadow",watch_hook="[a-z]'
must web "exhaust watches" '{"done":100,"errno":28}'
metric "it is counted" '^nospace_guard_would_refuse_total{resource="watches",namespace="default",pod="web"} [1-9]'
metric "what was refused stays" '^nospace_guard_refused_total{resource="watches",namespace="default",pod="web"} 1$'
free web
sharing
settings shadow 'guard-budget-watches = 300'
kill -HUP $agent
metric "a pod over its budget" '^nospace_guard_over_budget{resource="watches",namespace="default",pod="shared"} 100$'
metric "pods that were looked at" '^nospace_guard_budget_pods{outcome="read"} [1-9]'
metric "pods that were not" '^nospace_guard_budget_pods{outcome="unreadable"} 0$'
silent "instances have no budget" /tmp/metrics '^nospace_guard_over_budget{resource="instances"'
says "the log" /tmp/messages "default/shared uses 400 watches of root, 100 more than its budget of 300"
quit shared
for _ in $(seq 4000); do
    wget -qO /tmp/metrics http://127.0.0.1:9409/metrics && ! grep -q '^nospace_guard_over_budget' /tmp/metrics && break
    usleep 100000
done
silent "within it" /tmp/metrics '^nospace_guard_over_budget'
metric "the guard goes on" '^nospace_guard_budget_pods{outcome="read"} [1-9]'
echo "the agent's budgets ... ok"
settings off
kill -HUP $agent
for _ in $(seq 4000); do
    wget -qO /tmp/metrics http://127.0.0.1:9409/metrics && ! grep -q '^nospace_guard' /tmp/metrics && break
    usleep 100000
done
silent "no guard" /tmp/metrics '^nospace_guard'
must web "exhaust watches" '{"done":1000,"errno":28}'
free web
settings enforce
kill -HUP $agent
metric "again" '^nospace_guard_up 1$'
must web "exhaust watches" '{"done":900,"errno":28}'
echo "SIGHUP changes the agent's guard ... ok"
kill -9 $agent
for _ in $(seq 10); do
    free web
    answer=$(ask web "exhaust watches")
    [ "$answer" = '{"done":900,"errno":28}' ] || break
    sleep 1
done
same "after SIGKILL of the agent" "$answer" '{"done":1000,"errno":28}'
free web
echo "SIGKILL of the agent ends it ... ok"

# --- Rights. busybox's setpriv has no bounding set.
if [ -x /usr/bin/setpriv ]; then
    # Before 5.11 BPF's memory counts against it, and without CAP_SYS_RESOURCE nospace cannot raise it.
    ulimit -l unlimited
    rights() { # CAPABILITIES CODE
        /usr/bin/setpriv --inh-caps=-all --bounding-set="-all$1" /nospace guard --probe -o json >/tmp/limited 2>&1
        local code=$?
        [ "$code" = "$2" ] || fail "exit code of the probe with $1: $code instead of $2: $(cat /tmp/limited)"
    }
    rights ,+bpf 3
    says "why" /tmp/limited '"obstacle": "'
    rights ,+perfmon 3
    says "why" /tmp/limited '"obstacle": "'
    rights ,+bpf,+perfmon $probed
    echo "BPF and PERFMON suffice, neither does alone ... ok"
fi
