#!/bin/bash
# Fetches Debian's node_exporter, unpacks it (nothing is installed, no service starts), and prints where it is.
set -euo pipefail

cache=$(cd "$(dirname "$0")/../../.." && pwd)/.cache/peers
tree=$cache/node-exporter
if [ ! -x "$tree/usr/bin/prometheus-node-exporter" ]; then
    mkdir -p "$cache/debs"
    cd "$cache/debs"
    apt-get -qq download prometheus-node-exporter >&2
    dpkg -x prometheus-node-exporter_*.deb "$tree"
fi
echo "$tree/usr/bin/prometheus-node-exporter"
