# The guest on amd64: a Debian with systemd that starts the script as a unit; to be sourced by guest.sh.

packages=systemd,systemd-sysv,dbus,udev,libpam-systemd,dbus-user-session,linux-image-amd64,initramfs-tools,procps
packages+=,iproute2,kmod,cron,openssh-server,rsyslog,containerd,runc,docker.io,podman,crun,uidmap
packages+=,slirp4netns,fuse-overlayfs,busybox-static,ca-certificates,openssl,containernetworking-plugins,keyutils
release=bookworm
needs=(mmdebstrap qemu-system-x86 e2fsprogs)
machine=(qemu-system-x86_64 -accel tcg,thread=multi -cpu max)
console=ttyS0

# Runs at boot on the guest.
first_script() {
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

# make_root NEW: NEW/root, vmlinuz and initrd.
make_root() {
    first_script >"$1/unit"
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --customize-hook="upload $1/unit /etc/systemd/system/guest.service" \
        --customize-hook='chroot "$1" systemctl enable guest.service' \
        --customize-hook='chroot "$1" systemctl mask docker.service docker.socket systemd-networkd-wait-online.service' \
        --customize-hook='chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash user' \
        --customize-hook='echo nospace-guest >"$1/etc/hostname"; mkdir "$1/work"' \
        "$release" "$1/root.tar"
    mkdir "$1/root"
    tar -C "$1/root" -xf "$1/root.tar"
    rm "$1/root.tar"
    cp "$1"/root/boot/vmlinuz-* "$1/vmlinuz"
    cp "$1"/root/boot/initrd.img-* "$1/initrd"
}
