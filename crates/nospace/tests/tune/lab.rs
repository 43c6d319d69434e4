//! A machine of its own, as far as tune can tell.

use std::process::{Command, Output};

use anyhow::{Context as _, ensure};

use crate::support::NOSPACE;

/// Values of an old kernel, an empty /etc/sysctl.d, systemd, and words to test with.
const LAB: &str = r#"
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/lab/etc /run/lab/value
cd /run/lab
for place in /usr/lib/sysctl.d /usr/local/lib/sysctl.d /run/sysctl.d /etc/tuned /etc/cloud; do
    if [ -d "$place" ]; then mount -t tmpfs none "$place"; fi
done
if [ -e /etc/sysctl.conf ]; then : >sysctl.conf; mount --bind sysctl.conf /etc/sysctl.conf; fi
mount --bind etc /etc/sysctl.d
# No sysctl of the host can be changed by mistake.
mount --bind /proc/sys /proc/sys
mount -o remount,ro,bind /proc/sys
# Mounts and keys of other tests are none of these tests' business.
echo 100000000 >value/mount-max
mount --bind value/mount-max /proc/sys/fs/mount-max
mount -o remount,ro,bind /proc/sys/fs/mount-max
: >value/no-keys
mount --bind value/no-keys /proc/key-users
echo 128 >value/instances
echo 8192 >value/watches
for kind in instances watches; do mount --bind "value/$kind" "/proc/sys/fs/inotify/max_user_$kind"; done
file=/etc/sysctl.d/zz-nospace.conf

fail() { echo "$*" >&2; exit 9; }
same() { [ "$1" = "$2" ] || fail "expected: $2
found: $1"; }
live() { echo $(cat "/proc/sys/fs/inotify/max_user_instances" "/proc/sys/fs/inotify/max_user_watches"); }
# Runs nospace tune, keeps what it says in $said, and wants this exit code.
tune() {
    wanted=$1; shift
    code=0; said=$("$nospace" --no-ebpf tune "$@" 2>&1) || code=$?
    [ "$code" = "$wanted" ] || fail "tune $*: exit code $code, not $wanted: $said"
}
says() { case $said in *"$1"*) ;; *) fail "it does not say $1: $said" ;; esac; }
silent() { case $said in *"$1"*) fail "it says $1: $said" ;; esac; }
"#;

/// Runs a script in it.
pub fn run(script: &str) -> anyhow::Result<Output> {
    let output = Command::new("unshare")
        .args(["--mount", "--fork", "--kill-child"])
        .args(["timeout", "-s", "KILL", "600", "sh", "-euc"])
        .arg(format!("{LAB}\n{script}"))
        .envs([("nospace", NOSPACE), ("COLUMNS", "140")])
        .output()
        .context("cannot run unshare")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", output.status);
    Ok(output)
}
