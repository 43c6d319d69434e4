#!/bin/bash
# Runs a script on a Debian guest: cgroup v2 only, the kernel's default inotify limits. Software emulation, no network, no changes to the host.
#
#   [GUEST_ARCH=arm64] tests/guest/guest.sh OUT SCRIPT [FILE...]
#
# On amd64 it is Debian 12 with systemd, containerd, Docker and podman (amd64.sh); on arm64 Debian 13 with containerd, without systemd (arm64.sh).
# Copies SCRIPT and the FILEs to /work on the guest and runs SCRIPT there as root. Whatever it
# leaves in /work/out is copied to OUT, with console.log. The exit status is SCRIPT's. A line
# "# append: WORDS" in SCRIPT adds WORDS to the kernel command line.
# Needs root (mmdebstrap, device nodes); installs what is missing. The image is built once (about
# two minutes) and cached in ~/.cache/nospace-guest, keyed by the script that builds it.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/work.sh"
. "$here/../lab/namespaces.sh"

say() { echo "guest: $*" >&2; }

build_image() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-guest new lock
    image=$cache/$(sha256sum "$here/$arch.sh" | cut -c1-16)
    [ ! -e "$image/root.img" ] || return 0
    mkdir -p "$cache"
    exec {lock}>"$cache/lock"
    flock "$lock"
    # What a killed run left, and what another one has made meanwhile.
    rm -rf "$cache"/new.*
    if [ ! -e "$image/root.img" ]; then
        say "building the image"
        new=$(mktemp -d "$cache/new.XXXXXX")
        make_root "$new"
        mkfs.ext4 -q -d "$new/root" "$new/root.img" 4G
        rm -rf "$new/root"
        mv -T "$new" "$image"
    fi
    exec {lock}>&-
}

# The disk that transfers files in both directions.
make_work_disk() {
    mkdir "$work/files"
    install -m 755 "$1" "$work/files/script"
    shift
    [ $# -eq 0 ] || cp -r "$@" "$work/files/"
    mkfs.ext4 -q -d "$work/files" "$work/work.img" 2G
}

boot() {
    local append
    append=$(sed -n 's/^# append: //p' "$script")
    timeout "${GUEST_TIMEOUT:-1200}" "${machine[@]}" -smp 2 -m 3072 \
        -nodefaults -display none -serial stdio -no-reboot -kernel "$image/vmlinuz" -initrd "$image/initrd" \
        -append "root=/dev/vda rw console=$console panic=-1 quiet $append" \
        -drive "file=$image/root.img,if=virtio,format=raw,snapshot=on" \
        -drive "file=$work/work.img,if=virtio,format=raw" </dev/null >"$out/console.log" 2>&1
}

[ $# -ge 2 ] || { say "usage: tests/guest/guest.sh OUT SCRIPT [FILE...]"; exit 3; }
arch=${GUEST_ARCH:-amd64}
case $arch in amd64 | arm64) . "$here/$arch.sh" ;; *) say "there is no guest on $arch"; exit 3 ;; esac
[ "$(id -u)" = 0 ] || { say "needs root"; exit 77; }
own_processes "$0" "$@"
install_packages "${needs[@]}"
build_image
out=$1
script=$2
shift
mkdir -p "$out"
own_work nospace-guest
make_work_disk "$@"
boot || say "qemu ended with status $?"
# A process still running in /work prevented the unmount.
e2fsck -y -E journal_only "$work/work.img" >/dev/null 2>&1 || true
debugfs -R "rdump /out $work" "$work/work.img" 2>/dev/null
[ ! -d "$work/out" ] || cp -rT "$work/out" "$out"
if ! status=$(cat "$work/out/status" 2>/dev/null); then
    say "the script did not finish; see $out/console.log"
    exit 1
fi
exit "$status"
