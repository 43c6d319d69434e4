#!/bin/bash
# Runs a script on a Debian 12 guest: systemd, cgroup v2 only, containerd, Docker, podman, the
# kernel's default inotify limits. Software emulation, no network, no changes to the host.
#
#   tests/guest/guest.sh OUT SCRIPT [FILE...]
#
# Copies SCRIPT and the FILEs to /work on the guest and runs SCRIPT there as root. Whatever it
# leaves in /work/out is copied to OUT, with console.log. The exit status is SCRIPT's. A line
# "# append: WORDS" in SCRIPT adds WORDS to the kernel command line.
# Needs root (mmdebstrap, device nodes); installs what is missing. The image is built once (about
# two minutes) and cached in ~/.cache/nospace-guest, keyed by its list of packages.
set -euo pipefail

packages=systemd,systemd-sysv,dbus,udev,libpam-systemd,dbus-user-session,linux-image-amd64,initramfs-tools,procps
packages+=,iproute2,kmod,cron,openssh-server,rsyslog,containerd,runc,docker.io,podman,crun,uidmap
packages+=,slirp4netns,fuse-overlayfs,busybox-static,ca-certificates,openssl,containernetworking-plugins,keyutils
release=bookworm

. "$(dirname "$(readlink -f "$0")")/../lab/work.sh"
. "$(dirname "$(readlink -f "$0")")/../../scripts/debian.sh"

say() { echo "guest: $*" >&2; }

install_missing() {
    local missing=()
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
    command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
    [ ${#missing[@]} -eq 0 ] && return
    apt_get update
    apt_get install -y "${missing[@]}"
}

# Runs at boot on the guest.
guest_unit() {
    cat <<'END'
[Unit]
Description=The script that this guest was started for
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount /dev/vdb /work && mkdir -p /work/out && cd /work && { ./script >out/stdout 2>out/stderr; echo $? >out/status; }'
ExecStopPost=/bin/sh -c 'sync; umount /work; systemctl --force --force poweroff'
[Install]
WantedBy=multi-user.target
END
}

build_image() {
    image=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-guest/$(
        { echo "$packages $release" && declare -f guest_unit build_image; } | sha256sum | cut -c1-16
    )
    [ -e "$image/root.img" ] && return
    say "building the image"
    local new=$image.$$
    mkdir -p "$new"
    guest_unit >"$new/unit"
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --customize-hook="upload $new/unit /etc/systemd/system/guest.service" \
        --customize-hook='chroot "$1" systemctl enable guest.service' \
        --customize-hook='chroot "$1" systemctl mask docker.service docker.socket systemd-networkd-wait-online.service' \
        --customize-hook='chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash user' \
        --customize-hook='echo nospace-guest >"$1/etc/hostname"; mkdir "$1/work"' \
        "$release" "$new/root.tar"
    mkdir "$new/root"
    tar -C "$new/root" -xf "$new/root.tar"
    cp "$new"/root/boot/vmlinuz-* "$new/vmlinuz"
    cp "$new"/root/boot/initrd.img-* "$new/initrd"
    mkfs.ext4 -q -d "$new/root" "$new/root.img" 4G
    rm -rf "$new/root" "$new/root.tar"
    mv -T "$new" "$image"
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
    timeout "${GUEST_TIMEOUT:-1200}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 \
        -nodefaults -display none -serial stdio -no-reboot -kernel "$image/vmlinuz" -initrd "$image/initrd" \
        -append "root=/dev/vda rw console=ttyS0 panic=-1 quiet $append" \
        -drive "file=$image/root.img,if=virtio,format=raw,snapshot=on" \
        -drive "file=$work/work.img,if=virtio,format=raw" </dev/null >"$out/console.log" 2>&1
}

[ $# -ge 2 ] || { say "usage: tests/guest/guest.sh OUT SCRIPT [FILE...]"; exit 3; }
[ "$(id -u)" = 0 ] || { say "needs root"; exit 77; }
own_processes "$0" "$@"
install_missing
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
