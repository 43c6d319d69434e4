#!/bin/bash
# The Debian package: build it, run lintian, install, use, remove and purge it on a private copy of this machine's root file system;
# check that the units are valid and sandboxed.
#
#   tests/deploy/deb.sh [PACKAGE]     default: the package that scripts/deb builds
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh

if [ "${2-}" != inside ]; then
    [ "$(id -u)" = 0 ] || skip "a private root file system needs root"
    scripts/prepare deploy
    package=${1:-$(scripts/deb)}
    lintian --fail-on error --allow-root --tag-display-limit 0 --suppress-tags-from-file tests/deploy/lintian.suppressed "$package" >&2 || fail "lintian"
    exec unshare --mount --pid --fork --kill-child --propagation private "$0" "$(realpath "$package")" inside
fi

package=$1
layers=/mnt
mount -t tmpfs -o size=256m layers $layers
mkdir $layers/{up,work,root}
mount -t overlay -o lowerdir=/,upperdir=$layers/up,workdir=$layers/work overlay $layers/root
root=$layers/root
mount -t proc proc $root/proc
mount --rbind /sys $root/sys
mount --rbind /dev $root/dev
mount -t tmpfs run $root/run
cp "$package" $root/run/nospace.deb
on() { chroot $root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

# Some images exclude man pages; include them here.
rm -f $root/etc/dpkg/dpkg.cfg.d/*exclude* $root/etc/dpkg/dpkg.cfg.d/docker* 2>/dev/null || true
on dpkg --install /run/nospace.deb >/run/dpkg.log 2>&1 || { cat /run/dpkg.log >&2; fail "dpkg --install"; }
for file in usr/bin/nospace usr/share/man/man1/nospace-check.1.gz usr/share/man/man1/nospace-agent.1.gz \
    usr/share/bash-completion/completions/nospace usr/share/zsh/vendor-completions/_nospace \
    usr/share/fish/vendor_completions.d/nospace.fish etc/default/nospace-agent usr/share/doc/nospace/copyright; do
    [ -s $root/$file ] || fail "/$file is missing"
done
on nospace --version | grep -q '^nospace ' || fail "the installed nospace does not run"
code=0
on nospace check -o line >/run/line || code=$?
# 3 is right here: this root has a pid namespace of its own.
[ $code -le 3 ] && grep -qE '^(OK|WARNING|CRITICAL|UNKNOWN) ' /run/line || fail "nospace check exited with $code: $(cat /run/line)"
on bash -c '. /usr/share/bash-completion/completions/nospace; complete -p nospace' | grep -q _nospace || fail "bash does not complete nospace"
zcat $root/usr/share/man/man1/nospace-check.1.gz | grep -q 'exit.-codes' || fail "the man page does not belong to this version"
! on systemctl is-enabled nospace-agent >/dev/null 2>&1 || fail "the package enables a unit that opens a port"

units="nospace-agent.service nospace-textfile.service nospace-textfile.timer"
for unit in $units; do
    path=$(find $root/usr/lib/systemd/system $root/lib/systemd/system -name "$unit" 2>/dev/null | head -1)
    [ -n "$path" ] || fail "$unit is missing"
    on systemd-analyze verify --man=no --recursive-errors=no "$unit" >/run/verify 2>&1 || { cat /run/verify >&2; fail "systemd-analyze verify $unit"; }
    [ ! -s /run/verify ] || { cat /run/verify >&2; fail "systemd-analyze verify warns about $unit"; }
done
# 0 is fully sandboxed, 10 not at all; the rest is due to root and the four capabilities.
for unit in nospace-agent.service nospace-textfile.service; do
    on systemd-analyze security --offline=true --threshold=45 "$unit" >/run/security 2>&1 || { tail -3 /run/security >&2; fail "$unit is not sandboxed enough"; }
    said+=("$unit $(sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p' /run/security)")
done

echo 'NOSPACE_INTERVAL=1m' >>$root/etc/default/nospace-agent
on dpkg --remove nospace >/run/dpkg.log 2>&1 || { cat /run/dpkg.log >&2; fail "dpkg --remove"; }
[ ! -e $root/usr/bin/nospace ] || fail "--remove left the program behind"
[ -e $root/etc/default/nospace-agent ] || fail "--remove deleted the settings"
on dpkg --purge nospace >/run/dpkg.log 2>&1 || { cat /run/dpkg.log >&2; fail "dpkg --purge"; }
left=$(cd $layers/up && find . -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o -name '*nospace*' -type f -print)
[ -z "$left" ] || fail "--purge left $left behind"
passed "$(basename "$package"): installed, used, removed, purged; exposure: ${said[*]}"
