#!/bin/bash
# Records tests/nodes/machine-limits-v2: a guest on which limits of the whole machine are used up for real.
#
#   tests/vm/machine-limits.sh OUT            OUT gets node.tar.zst and what the kernel answered
#
# Debian's 6.12 under software emulation, with its own modules, nft, setquota and mkfs.btrfs; nospace (NOSPACE=path,
# target/debug/nospace by default) comes with the libraries that it needs. Downloads are cached in ~/.cache/nospace-vm.
set -euo pipefail
cd "$(dirname "$0")/../.."

release=6.12.95+deb12-cloud-amd64
modules="veth bridge dummy nf_conntrack nft_ct nf_tables btrfs loop quota_v2"
out=${1:?usage: tests/vm/machine-limits.sh OUT}
nospace=${NOSPACE:-target/debug/nospace}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-vm
kernel=$cache/linux-image-$release
[ -e "$kernel/vmlinuz" ] || tests/vm/kernels.sh >/dev/null
. scripts/debian.sh
. tests/lab/work.sh
own_work nospace-machine

# Downloads packages once, and unpacks them into the guest's root.
unpack() { # APT-OPTION... -- PACKAGE...
    local options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    mkdir -p "$cache/debs"
    for package in "$@"; do
        compgen -G "$cache/debs/${package}_*.deb" >/dev/null ||
            (cd "$cache/debs" && apt-get -qq -o APT::Sandbox::User=root "${options[@]}" download "$package")
        dpkg-deb -x "$cache"/debs/"${package}"_*.deb "$root"
    done
}

root=$work/root
mkdir -p "$root"/{bin,tools,proc,sys,dev,tmp,etc,run,mnt,out,var/lib/kubelet/pods}
apt=$cache/apt/bookworm-backports
unpack -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$apt/lists" \
    -o Dir::State::status=/dev/null -- "linux-image-$release"
rm -rf "$root"/boot
unpack -- btrfs-progs quota nftables libnftables1 libnftnl11 libmnl0
cp "$(command -v busybox)" "$root/bin/busybox"

# Programs with the libraries that they need.
with_libraries() {
    for program in "$@"; do
        ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$root${library%/*}"
            cp -Ln "$library" "$root$library" 2>/dev/null || true
        done
    done
}
cp "$nospace" "$root/bin/nospace"
cp "$(command -v ip)" "$(command -v mkfs.ext4)" "$(command -v chattr)" "$root/tools/"
with_libraries "$nospace" "$(command -v ip)" "$(command -v mkfs.ext4)" "$(command -v chattr)" \
    "$root"/usr/sbin/nft "$root"/usr/sbin/setquota "$root"/bin/mkfs.btrfs "$root"/sbin/mkfs.btrfs 2>/dev/null || true
for library in "$root"/usr/lib/x86_64-linux-gnu/lib*.so*; do with_libraries "$library"; done
gcc -O1 -static -o "$root/bin/hold" tests/vm/hold.c
command -v depmod >/dev/null || apt_get install -y kmod
# Only the modules that are needed, in the order of their dependencies.
depmod -b "$root" "$release"
for module in $modules; do
    grep -hE "/$module.ko.xz:" "$root/lib/modules/$release/modules.dep" >>"$work/dep"
done
tr -d ':' <"$work/dep" | while read -r first rest; do
    for one in $rest; do echo "$one"; done | tac
    echo "$first"
done | awk '!seen[$0]++' >"$work/order"
mkdir "$root/ko"
number=100
while read -r path; do
    xz -dc "$root/lib/modules/$release/$path" >"$root/ko/$number-$(basename "${path%.xz}")"
    number=$((number + 1))
done <"$work/order"
rm -rf "$root"/lib/modules "$root"/usr/share
cp tests/vm/machine-limits.init "$root/init"
chmod +x "$root/init"
echo root:x:0:0::/:/bin/sh >"$root/etc/passwd"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initrd"
timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -cpu max,cx16=off -smp 1 -m 1536 -nodefaults -display none \
    -serial stdio -no-reboot -kernel "$kernel/vmlinuz" -initrd "$work/initrd" \
    -append "console=ttyS0 panic=-1 quiet no_timer_check" </dev/null 2>&1 | stdbuf -o0 tr -d '\r' | tee "$work/console" >&2 || true
mkdir -p "$out"
sed -n '/^begin node/,/^end node/p' "$work/console" | sed '1d;$d' | base64 -d >"$out/node.tar.zst"
cp "$work/console" "$out/console.log"
