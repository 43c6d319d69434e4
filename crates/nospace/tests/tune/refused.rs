//! Where it cannot be done, or not all of it.

use std::process::Command;

use anyhow::ensure;

use crate::lab::run;
use crate::script::unshare;
use crate::support::NOSPACE;

pub fn disk_full() -> anyhow::Result<()> {
    run(r#"
        mount -t tmpfs -o size=8k full /etc/sysctl.d
        cat /dev/zero >/etc/sysctl.d/filling 2>/dev/null || true
        tune 1 --apply
        says "$file"; says "No space left on device"
        same "$(live)" "8192 524288"
        same "$(ls -A /etc/sysctl.d)" "filling"
        tune 0 --revert
        same "$(live)" "128 8192"
        # Not even /run has room: it goes on, and says what was before.
        cat /dev/zero >filling 2>/dev/null || true
        mount -t tmpfs -o size=4k full /run/systemd; mkdir /run/systemd/system
        mount -t tmpfs -o size=4k,nr_inodes=1 full /run
        mkdir -p /run/systemd/system 2>/dev/null || true
        tune 1 --apply
        says "fs.inotify.max_user_instances=128"
        same "$(live)" "8192 524288"
    "#)
    .map(drop)
}

pub fn read_only_etc() -> anyhow::Result<()> {
    run(r#"
        mount -o remount,ro,bind /etc/sysctl.d
        tune 1 --apply
        says "Read-only file system"; says "--runtime-only"
        same "$(live)" "8192 524288"
        tune 0 --apply --runtime-only
        tune 0 --revert
        same "$(live)" "128 8192"
    "#)
    .map(drop)
}

pub fn read_only_proc() -> anyhow::Result<()> {
    run(r#"
        for kind in instances watches; do mount -o remount,ro,bind "/proc/sys/fs/inotify/max_user_$kind"; done
        tune 0; says "--apply"; says "read-only"
        tune 1 --apply
        says "/proc/sys/fs/inotify/max_user_instances"; says "read-only"; says "nospace tune --daemonset"
        same "$(ls -A /etc/sysctl.d)" ""
        tune 0 --apply --persist-only
        [ -e $file ] || fail "it is not there"
    "#)
    .map(drop)
}

pub fn not_root() -> anyhow::Result<()> {
    run(r#"
        exec 8<"$nospace"; code=0
        said=$(setpriv --reuid=65534 --regid=65534 --clear-groups /proc/self/fd/8 tune --apply 2>&1) || code=$?
        same "$code" 1
        says "root"; silent "--daemonset"
        same "$(ls -A /etc/sysctl.d)" ""
    "#)
    .map(drop)
}

/// A root directory that no system boots from, with and without a pid namespace of its own.
pub fn container() -> anyhow::Result<()> {
    let script = r#"
        root=$(mktemp -d); mount -t tmpfs none "$root"
        for place in bin lib lib64 usr proc sys; do
            [ -e "/$place" ] || continue
            mkdir "$root/$place"; mount --rbind "/$place" "$root/$place"
        done
        mkdir -p "$root/etc/sysctl.d" "$root/run" "$root/host"; mount --bind / "$root/host"
        : >"$root/nospace"; mount --bind "$nospace" "$root/nospace"
        [ -z "$pids" ] || mount -t proc proc "$root/proc"
        for kind in instances watches; do
            echo 128 >"$root/$kind"; mount --bind "$root/$kind" "$root/proc/sys/fs/inotify/max_user_$kind"
        done
        cd "$root"; mkdir old; pivot_root . old
        code=0; /nospace tune --apply 2>&1 || code=$?
        [ "$code" = 1 ] || { echo "exit code $code" >&2; exit 9; }
        [ -z "$(ls -A /etc/sysctl.d)" ] || { echo "it wrote a file" >&2; exit 9; }
        /nospace tune --apply --runtime-only || exit 9
        [ "$(cat /proc/sys/fs/inotify/max_user_instances)" = 8192 ] || { echo "not raised" >&2; exit 9; }
        umount -l old
    "#;
    for pids in ["", "yes"] {
        let namespaces: &[&str] = if pids.is_empty() {
            &["--mount"]
        } else {
            &["--mount", "--pid"]
        };
        let output = unshare(namespaces, script, "").env("pids", pids).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}{errors}");
        for words in [
            "/etc/sysctl.d/zz-nospace.conf",
            "--runtime-only",
            "--rootfs /host",
            "--daemonset",
        ] {
            ensure!(
                said.contains(words),
                "it does not say {words}: {said}{errors}"
            );
        }
    }
    Ok(())
}

pub fn foreign() -> anyhow::Result<()> {
    run(r#"
        echo "fs.inotify.max_user_watches = 9999" >$file
        tune 1 --apply; says "$file"
        tune 1 --revert; says "$file"
        same "$(cat $file)" "fs.inotify.max_user_watches = 9999"
        same "$(live)" "128 8192"
        rm $file; tune 0 --apply; echo "vm.swappiness = 1" >>$file
        tune 1 --revert; says "$file"; says "line 6"
    "#)
    .map(drop)
}

pub fn memory() -> anyhow::Result<()> {
    let refused = |arguments: &[&str]| -> anyhow::Result<(Option<i32>, String)> {
        let output = Command::new(NOSPACE).arg("tune").args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((output.status.code(), said))
    };
    let (code, said) = refused(&["--max-user-watches", "2147483647"])?;
    ensure!(
        code == Some(1) && said.contains("2.6 TiB"),
        "{code:?} {said}"
    );
    let (code, said) = refused(&["--max-user-instances", "2147483648"])?;
    ensure!(
        code == Some(1) && said.contains("2147483647"),
        "{code:?} {said}"
    );
    let (code, said) = refused(&["--set", "vm.swappiness=1"])?;
    ensure!(
        code == Some(3) && said.contains("fs.file-max"),
        "{code:?} {said}"
    );
    let (code, said) = refused(&["--apply", "--revert"])?;
    ensure!(code == Some(3), "{code:?} {said}");
    Ok(())
}
