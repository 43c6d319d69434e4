# The guest on arm64: Debian's files without systemd, as the packages have them, since their scripts cannot run on a machine of another kind without
# binfmt_misc; a script is the first process. To be sourced by guest.sh.

packages=base-files,base-passwd,bash,coreutils,dash,debianutils,diffutils,e2fsprogs,findutils,grep,gzip,hostname,kmod,mount,ncurses-base,procps
packages+=,sed,tar,util-linux,iproute2,keyutils,tmux,linux-image-cloud-arm64,containerd,runc,busybox-static,ca-certificates,openssl
packages+=,containernetworking-plugins
release=trixie
needs=(mmdebstrap qemu-system-arm e2fsprogs kmod cpio xz-utils debian-archive-keyring)
# `-cpu max` would emulate pointer authentication, at several times the cost.
machine=(qemu-system-aarch64 -accel tcg,thread=multi -machine virt -cpu neoverse-n1)
console=ttyAMA0

# The first process of the initrd: what is missing in the kernel to mount the disk.
initrd_script() {
    cat <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox insmod /virtio_blk.ko
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
exec /bin/busybox switch_root /root /sbin/guest
END
}

# The first process of the guest: mounts what systemd would, and runs the script.
first_script() {
    cat <<'END'
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs security /sys/kernel/security
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts devpts /dev/pts
mount -t mqueue mqueue /dev/mqueue
for directory in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs "$directory"; done
for link in fd: stdin:/0 stdout:/1 stderr:/2; do ln -sf "/proc/self/fd${link#*:}" "/dev/${link%:*}"; done
mount --make-rshared /
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
hostname nospace-guest
ip link set lo up
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control; done
mount /dev/vdb /work && mkdir -p /work/out && cd /work && {
    ./script > >(tee out/stdout) 2> >(tee out/stderr)
    echo $? >out/status
}
cd /
kill -KILL -1
sync
umount /work
busybox poweroff -f
END
}

# make_root NEW: NEW/root, vmlinuz and initrd.
make_root() {
    local new=$1 version file module
    mmdebstrap --quiet --variant=extract --architectures=arm64 --include="$packages" "$release" "$new/root.tar"
    mkdir -p "$new/root" "$new/first"/{bin,dev,root}
    tar -C "$new/root" -xf "$new/root.tar"
    rm "$new/root.tar"
    cp "$new"/root/boot/vmlinuz-* "$new/vmlinuz"
    version=$(cd "$new/root/boot" && echo vmlinuz-*)
    version=${version#vmlinuz-}
    depmod -b "$new/root" "$version"
    for file in passwd group; do
        cp "$new/root/usr/share/base-passwd/$file.master" "$new/root/etc/$file"
    done
    # The installer would write it; containerd copies it into sandboxes.
    echo '127.0.0.1 localhost' >"$new/root/etc/hosts"
    mkdir "$new/root/work"
    first_script >"$new/root/sbin/guest"
    initrd_script >"$new/first/init"
    chmod +x "$new/root/sbin/guest" "$new/first/init"
    cp "$new/root/bin/busybox" "$new/first/bin/"
    module=$(find "$new/root/usr/lib/modules" -name 'virtio_blk.ko*')
    case $module in *.xz) xz -dc "$module" ;; *) cat "$module" ;; esac >"$new/first/virtio_blk.ko"
    (cd "$new/first" && find . | cpio --quiet -o -H newc) >"$new/initrd"
    rm -r "$new/first"
}
