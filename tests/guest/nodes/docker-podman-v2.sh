#!/bin/bash
# Docker, podman as root, and podman as user 1000, each with a container that watches. dockerd does
# not start where AppArmor is on and its parser is missing.
# append: apparmor=0
set -euo pipefail
. /work/common.sh
systemctl unmask docker.service docker.socket
mkdir -p /etc/docker
echo '{"iptables": false, "bridge": "none"}' >/etc/docker/daemon.json
systemctl start docker
docker load -i image.tar
docker run -d --network none --name web nospace/lab:1 /bin/watcher 60
podman load -i image.tar
podman run -d --network none --name cache nospace/lab:1 /bin/watcher 20
loginctl enable-linger user
until [ -S /run/user/1000/bus ]; do sleep 0.5; done
cp image.tar /home/user/
runuser -l user -c 'export XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus
podman load -i image.tar && podman run -d --network none --name editor nospace/lab:1 /bin/watcher 80'
record docker-podman-v2
