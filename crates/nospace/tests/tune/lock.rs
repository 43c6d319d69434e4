//! Who can keep tune from its work: only another tune, and not for long.

use crate::lab::run;

/// A user who holds what he can open does not stop it.
pub fn other_user() -> anyhow::Result<()> {
    run(r#"
        as_nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
        $as_nobody flock --no-fork /etc/sysctl.d sleep 60 & holder=$!
        $as_nobody flock --no-fork /run sleep 60 & other=$!
        sleep 0.3
        begin=$(date +%s)
        tune 0 --apply
        [ $(($(date +%s) - begin)) -lt 20 ] || fail "it waited"
        silent "waiting"
        same "$(live)" "8192 524288"
        ! $as_nobody flock -n /run/nospace-tune.lock true 2>/dev/null || fail "nobody has the lock"
        same "$(stat -c %a /run/nospace-tune.lock)" 600
        kill $holder $other
    "#)
    .map(drop)
}

/// The wait is reported, and ends.
pub fn bounded() -> anyhow::Result<()> {
    run(r#"
        flock /run/nospace-tune.lock sleep 120 & holder=$!
        sleep 0.3
        tune 1 --apply; says "waiting for another nospace"; says "nothing was changed"; says "/run/nospace-tune.lock"
        same "$(live)" "128 8192"
        [ ! -e $file ] || fail "it wrote $file"
        pkill -P $holder; wait $holder || true
        tune 0 --apply; silent "waiting"
    "#)
    .map(drop)
}

/// Whichever comes last, the larger value stays: in the file, and in the kernel.
pub fn never_lowers() -> anyhow::Result<()> {
    run(r#"
        for round in 1 2 3 4; do
            rm -f $file; rm -rf /run/nospace; echo 128 >value/instances; echo 8192 >value/watches
            pids=
            for value in 600000 900000 700000; do
                "$nospace" --no-ebpf tune --apply --max-user-watches $value >said.$value 2>&1 & pids="$pids $!"
            done
            for pid in $pids; do wait $pid || fail "$(cat said.*)"; done
            same "$(live)" "128 900000"
            grep -q "^fs.inotify.max_user_watches = 900000$" $file || fail "$(cat $file)"
            grep -q "^# before: fs.inotify.max_user_watches = 8192$" $file || fail "$(cat $file)"
        done
    "#)
    .map(drop)
}

/// Directories that it makes are for all to read, whatever the umask; an image gets no lock.
pub fn directories() -> anyhow::Result<()> {
    run(r#"
        mkdir -m 755 image image/etc
        umask 077
        tune 0 --root image --apply
        same "$(stat -c %a image/etc/sysctl.d)" 755
        same "$(stat -c %a image/etc/sysctl.d/zz-nospace.conf)" 644
        same "$(find image -name '*lock*')" ""
        tune 0 --apply --runtime-only
        same "$(stat -c %a /run/nospace)" 755
    "#)
    .map(drop)
}
