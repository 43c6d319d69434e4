#!/bin/bash
# Runs the tests that need a kernel on Debian's 5.10, 6.1, 6.12 and 7.x, under software emulation.
#
#   tests/vm/vm.sh [KERNEL-FOLDER...]     all that kernels.sh fetches, if none is given
#
# Without cmpxchg16b, whose emulation corrupts the flags (qemu 7.2, seen as panics in kmem_cache_alloc of 6.12).
# Needs qemu-system-x86, busybox-static, cpio, xz-utils. Prints a line a test and kernel; the exit status is 0 only
# if every test of every kernel passed. The tests are static binaries, so nothing but busybox is beside them.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests="oracle watches trace leaks"
target=x86_64-unknown-linux-gnu

build_tests() {
    LIBBPF_SYS_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu RUSTFLAGS=-Ctarget-feature=+crt-static \
        cargo test --quiet --no-run --release --target $target -p nospace-bpf --features ebpf,static \
        --test oracle --test watches --test trace --test leaks --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
}

init() {
    cat <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
insmod /overlay.ko 2>/dev/null
echo 1000000 >/proc/sys/fs/inotify/max_user_watches
export NOSPACE_NEEDS_EBPF=1
echo "kernel $(uname -r)"
for test in oracle watches trace leaks; do
    timeout 120 /$test >/tmp/log 2>&1
    status=$?
    sed "s/^/$test: /" /tmp/log
    echo "verdict $test $status"
done
poweroff -f
END
}

make_initrd() { # FOLDER
    local root=$work/root
    rm -rf "$root"
    mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc}
    cp "$(command -v busybox)" "$root/bin/busybox"
    echo root:x:0:0::/:/bin/sh >"$root/etc/passwd"
    init >"$root/init"
    chmod +x "$root/init"
    [ ! -e "$1/overlay.ko" ] || cp "$1/overlay.ko" "$root/"
    for test in $tests; do
        cp "$work/$test" "$root/$test"
    done
    (cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initrd"
}

boot() { # FOLDER
    timeout 600 qemu-system-x86_64 -accel tcg,thread=multi -cpu max,cx16=off -smp 1 -m 1024 -nodefaults -display none \
        -serial stdio -no-reboot -kernel "$1/vmlinuz" -initrd "$work/initrd" \
        -append "console=ttyS0 panic=-1 quiet" </dev/null
}

work=$(mktemp -d /tmp/nospace-vm.XXXXXX)
trap 'rm -rf "$work"' EXIT
for binary in $(build_tests); do
    name=$(basename "$binary")
    cp "$binary" "$work/${name%-*}"
done
if [ $# -eq 0 ]; then
    kernels=$(tests/vm/kernels.sh)
    # shellcheck disable=SC2086
    set -- $kernels
fi

failed=0
for kernel in "$@"; do
    make_initrd "$kernel"
    boot "$kernel" | tr -d '\r' >"$work/console" || true
    release=$(sed -n 's/^kernel //p' "$work/console")
    for test in $tests; do
        verdict=$(sed -n "s/^verdict $test //p" "$work/console")
        if [ "$verdict" = 0 ]; then
            echo "${release:-$kernel} $test ok"
            continue
        fi
        echo "${release:-$kernel} $test FAILED (status ${verdict:-none: the machine ended before})"
        grep -E "^$test: .*(FAILED|panicked)" "$work/console" || tail -n 20 "$work/console"
        failed=1
    done
done
exit $failed
