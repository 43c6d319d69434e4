#!/bin/bash
# Runs the tests that need a kernel, and nospace itself, on Debian's 5.10, 6.1, 6.12 and 7.x, under software emulation.
#
#   [TESTS="NAME..."] tests/vm/vm.sh [amd64|arm64] [KERNEL-DIRECTORY...]     default: amd64, all kernels that kernels.sh fetches
#
# TESTS: only these, in this order. TEST_SECONDS: what each may take. NOSPACE_ATTACHES: how often the test of the guard attaches it.
# arm64 has 6.1 and 6.12; elsewhere its programs are cross-built (scripts/cross).
# Disables cmpxchg16b, because its emulation corrupts the flags (qemu 7.2; panics in kmem_cache_alloc of 6.12).
# Sets no_timer_check: on a busy machine the emulated timer is too slow for that check, and the kernel panics.
# Installs what it needs (scripts/prepare vm), builds static programs, so that the guest needs only busybox, and
# prints one line per test and kernel. Exits with 0 only if every test passed on every kernel; with 77 if nothing failed, but
# Debian's archive was unreachable for some kernel (with a message).
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/lab/work.sh
own_processes "$PWD/tests/vm/vm.sh" "$@"
tests=${TESTS:-oracle tables watches trace leaks guard cli keeper lockdown}
seconds=${TEST_SECONDS:-1200}
arch=amd64
case ${1-} in amd64 | arm64) arch=$1; shift ;; esac
case $arch in
amd64)
    target=x86_64-unknown-linux-gnu qemu=(qemu-system-x86_64 -accel tcg,thread=multi -cpu max,cx16=off) console=ttyS0
    ;;
arm64)
    # `-cpu max` would emulate pointer authentication, at several times the cost.
    target=aarch64-unknown-linux-gnu qemu=(qemu-system-aarch64 -machine virt -cpu neoverse-n1) console=ttyAMA0
    ;;
esac

# The busybox of the guest.
fetch_busybox() {
    if [ "$arch" = "$(dpkg --print-architecture)" ]; then
        command -v busybox
        return
    fi
    local to=$cache/busybox-$arch
    if [ ! -e "$to" ]; then
        # set -e is not effective in a command substitution.
        fetch_lists bookworm "$arch" || return
        (cd "$work" && in_debian bookworm "$arch" apt-get download -qq busybox-static >&2 && dpkg-deb -x busybox-static_*.deb busybox) || return
        mv "$work/busybox/bin/busybox" "$to"
    fi
    echo "$to"
}

# Number of kernels to run in parallel; each takes one CPU.
at_once=$(nproc)

build() {
    # Built separately: together they would be rebuilt with the features of both.
    local static=(scripts/static "--target=$target")
    "${static[@]}" --quiet >/dev/null
    "${static[@]}" build --quiet --package nospace-holder
    cp "${CARGO_TARGET_DIR:-target}/$target"/release/nospace{,-holder} "$work/"
    "${static[@]}" test --quiet --no-run --package nospace-bpf --features ebpf,static \
        --test oracle --test tables --test watches --test trace --test leaks --test guard --message-format=json >"$work/built"
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$work/built" | while read -r binary; do
        name=$(basename "$binary")
        cp "$binary" "$work/${name%-*}"
    done
    for name in cli keeper lockdown; do
        cp "tests/vm/$name.sh" "$work/$name"
    done
}

init() {
    cat <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t securityfs security /sys/kernel/security
mount -t debugfs debug /sys/kernel/debug
for module in overlay quota_tree quota_v2 loop; do
    insmod /$module.ko 2>/dev/null
done
echo 1000000 >/proc/sys/fs/inotify/max_user_watches
export NOSPACE_NEEDS_EBPF=1 NOSPACE_STARTS=20 OWN_KERNEL=1
. /settings
echo "kernel $(uname -r)"
for test in $(cat /tests); do
    timeout $TEST_SECONDS /$test >/tmp/log 2>&1
    status=$?
    sed "s/^/$test: /" /tmp/log
    echo "verdict $test $status"
done
poweroff -f
END
}

make_root() {
    local root=$work/root
    mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc,mnt}
    cp "$busybox" "$root/bin/busybox"
    echo root:x:0:0::/:/bin/sh >"$root/etc/passwd"
    init >"$root/init"
    chmod +x "$root/init"
    echo "$tests" >"$root/tests"
    echo "export NOSPACE_ATTACHES=${NOSPACE_ATTACHES-} TEST_SECONDS=$seconds" >"$root/settings"
    for program in $tests nospace nospace-holder; do
        cp "$work/$program" "$root/$program"
    done
    # With its libraries, since Debian has no static one; so none for another architecture.
    if [ "$arch" = "$(dpkg --print-architecture)" ]; then
        local program library
        mkdir -p "$root/usr/bin"
        cp "$(command -v mkfs.ext4)" "$root/bin/"
        cp "$(command -v setpriv)" "$root/usr/bin/"
        for program in mkfs.ext4 setpriv; do
            ldd "$(command -v $program)" | grep -o '/[^ ]*' | while read -r library; do
                mkdir -p "$root${library%/*}"
                cp -L "$library" "$root$library"
            done
        done
    fi
}

# Boots a kernel and evaluates its output.
run() { # FOLDER
    local here=$work/${1##*/} root release verdict failed=0 begin=$SECONDS
    mkdir "$here"
    root=$here/root
    cp -r "$work/root" "$root"
    cp "$1"/*.ko "$root/"
    (cd "$root" && find . | cpio --quiet -o -H newc) >"$here/initrd"
    rm -r "$root"
    timeout $((seconds + 1500)) "${qemu[@]}" -smp 1 -m 1024 -nodefaults -display none \
        -serial stdio -no-reboot -kernel "$1/vmlinuz" -initrd "$here/initrd" \
        -append "console=$console panic=-1 quiet no_timer_check" </dev/null 2>&1 | tr -d '\r' >"$here/console" || true
    release=$(sed -n 's/^kernel //p' "$here/console")
    for test in $tests; do
        verdict=$(sed -n "s/^verdict $test //p" "$here/console")
        if [ "$verdict" = 0 ]; then
            echo "${release:-$1} $test ok"
            # Figures.
            sed -nE "s/^$test: ((cost|attach).*)/${release:-$1} $test: \1/p" "$here/console"
            continue
        fi
        echo "${release:-$1} $test FAILED (status ${verdict:-none: the machine ended before})"
        if grep -qE "^$test: .*(FAILED|panicked)" "$here/console"; then
            grep "^$test: " "$here/console" | tail -n 60
        else
            tail -n 60 "$here/console"
        fi
        failed=1
    done
    echo "${release:-$1} took $((SECONDS - begin)) s"
    return $failed
}

scripts/prepare vm
[ $arch = amd64 ] || scripts/prepare cross
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-vm
. scripts/debian.sh
own_work nospace-vm
skipped=0
if [ $# -eq 0 ]; then
    kernels=$(tests/vm/kernels.sh $arch) || skipped=$?
    [ $skipped -eq 0 ] || [ $skipped -eq 77 ] || exit $skipped
    # shellcheck disable=SC2086
    set -- $kernels
fi
[ $# -gt 0 ] || exit $skipped
busybox=$(fetch_busybox)
build
make_root

failed=0
runs=()
for kernel in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do
        sleep 0.2
    done
    run "$kernel" &
    runs+=($!)
done
for one in "${runs[@]}"; do
    wait "$one" || failed=1
done
[ $failed -eq 0 ] || exit 1
exit $skipped
