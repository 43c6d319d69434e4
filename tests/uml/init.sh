#!/bin/bash
# The first process of the machine that uml.sh starts: makes a root of its own over the files outside, and runs the script there.
# Where something fails before that, this ends, and the machine with it.
set -e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

if [ -z "${UML_ROOT:-}" ]; then
    mount -t tmpfs tmpfs /run
    mkdir /run/{written,overlay,root}
    for module in "$UML_KERNEL"/modules/*.ko; do
        busybox insmod "$module"
    done
    mount -t overlay -o lowerdir=/,upperdir=/run/written,workdir=/run/overlay overlay /run/root
    cd /run/root
    mount -t proc proc proc
    mount -t devtmpfs devtmpfs dev
    pivot_root . mnt
    umount -l /mnt
    UML_ROOT=1 exec chroot . "$0"
fi

mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for link in fd: stdin:/0 stdout:/1 stderr:/2; do
    ln -sf "/proc/self/fd${link#*:}" "/dev/${link%:*}"
done
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts devpts /dev/pts
mount -t mqueue mqueue /dev/mqueue
for directory in /dev/shm /run /tmp; do
    mount -t tmpfs -o mode=1777 tmpfs "$directory"
done
ip link set lo up
# cAdvisor asks for the processor's speed, which this kernel does not know.
{ cat /proc/cpuinfo; echo 'cpu MHz		: 1000.000'; } | sed '/^$/d' >/run/cpuinfo
# A container in a user namespace may mount a proc only where its node shows all of one.
mkdir /run/proc
mount -t proc proc /run/proc
mount --bind /run/cpuinfo /proc/cpuinfo
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done

out=$UML_OUT
outside() { # COMMAND...: while OUT as it is outside is mounted at /run/outside
    mkdir -p /run/outside
    mount -t hostfs -o "$out" none /run/outside
    "$@"
    umount /run/outside
}

outside cp /run/outside/.uml /run/command
mkdir -p "$out"
status=0
bash -c '. /run/command && unset UML_OUT UML_KERNEL UML_ROOT && run' >/dev/console 2>&1 </dev/null || status=$?
echo "$status" >"$out/.status"
outside cp -ru "$out/." /run/outside/
poweroff -f
