#!/bin/bash
# What the tests' own scripts promise: another apt is waited for, and a run that is killed leaves nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fail() { echo "harness: $*" >&2; exit 1; }

# An apt-get that finds the lock taken twice, and one that fails for another reason.
mkdir "$out/bin"
cat >"$out/bin/apt-get" <<END
#!/bin/bash
echo tried >>"$out/tries"
[ "\$(wc -l <"$out/tries")" -gt 2 ] || { echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)" >&2; exit 100; }
[ "\${@: -1}" != broken ] || { echo "E: Unable to locate package broken" >&2; exit 100; }
END
printf '#!/bin/bash\nexec "$@"\n' >"$out/bin/sudo"
chmod +x "$out"/bin/*
(
    export PATH=$out/bin:$PATH APT_PAUSE=0
    . scripts/debian.sh
    apt_get update || fail "a lock that was released is an error"
    [ "$(wc -l <"$out/tries")" = 3 ] || fail "apt-get ran $(wc -l <"$out/tries") times instead of 3"
    ! said=$(apt_get install broken 2>&1) || fail "an error of apt-get is none"
    [[ $said == *"Unable to locate"* ]] || fail "apt-get's error is not shown: $said"
)

if [ "$(id -u)" != 0 ]; then
    echo "harness: SKIPPED: the rest needs root"
    exit
fi
cat >"$out/script" <<END
#!/bin/bash
set -euo pipefail
. "$PWD/tests/lab/work.sh"
own_processes "\$0" "\$@"
own_work nospace-harness
sleep \$1 &
echo "\$work"
wait
END
chmod +x "$out/script"
unset OWN_PROCESSES
for signal in KILL TERM; do
    "$out/script" 4217.5 >"$out/work-$signal" 2>/dev/null &
    pid=$!
    for _ in $(seq 100); do
        [ ! -s "$out/work-$signal" ] || break
        sleep 0.1
    done
    [ -d "$(cat "$out/work-$signal")" ] || fail "no directory"
    { kill -$signal $pid; wait $pid; } 2>/dev/null || true
    for _ in $(seq 50); do
        pgrep -fx 'sleep 4217.5' >/dev/null || continue 2
        sleep 0.1
    done
    fail "a process outlived SIG$signal"
done
[ ! -d "$(cat "$out/work-KILL")" ] || fail "the next run did not remove what the killed one left"
"$out/script" 0 >/dev/null
[ ! -d "$(cat "$out/work-TERM")" ] || fail "the next run did not remove what the killed one left"
echo "harness: ok"
