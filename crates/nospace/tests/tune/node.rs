//! On a node.

use crate::lab::run;

const WRITTEN: &str = r#"
written='# Written by nospace tune. `nospace tune --revert` takes it back.
# before: fs.inotify.max_user_instances = 128
fs.inotify.max_user_instances = 8192
# before: fs.inotify.max_user_watches = 8192
fs.inotify.max_user_watches = 524288'
"#;

fn ran(script: &str) -> anyhow::Result<()> {
    run(&format!("{WRITTEN}{script}")).map(drop)
}

pub fn show() -> anyhow::Result<()> {
    ran(r#"
        tune 0
        says "$file"; says "tune --apply"
        same "$(live)" "128 8192"
        same "$(ls -A /etc/sysctl.d)" ""; [ ! -e /run/nospace ] || fail "it wrote to /run"
        tune 0 --runtime-only; says "nospace --no-ebpf tune --runtime-only --apply"
    "#)
}

pub fn apply_and_revert() -> anyhow::Result<()> {
    ran(r#"
        echo "fs.inotify.max_user_watches = 4096" >/etc/sysctl.d/10-low.conf
        tune 0 --apply
        says "nospace tune --revert"
        says "/etc/sysctl.d/10-low.conf:1"; says "4096"
        same "$(live)" "8192 524288"
        same "$(cat $file)" "$written"
        same "$(stat -c %a:%u $file)" "644:0"
        before=$(stat -c %i:%Y:%Z $file)
        tune 0 --apply; silent "--revert"
        same "$(stat -c %i:%Y:%Z $file)" "$before"
        tune 0 --revert --dry-run; says "$file"; says "tune --revert"
        same "$(live)" "8192 524288"
        tune 0 --revert
        same "$(live)" "128 8192"
        same "$(ls -A /etc/sysctl.d)" "10-low.conf"
        [ ! -e /run/nospace ] || fail "something is left in /run"
        tune 0 --revert; silent "$file"
    "#)
}

pub fn set_since() -> anyhow::Result<()> {
    ran(r#"
        tune 0 --apply
        # More at a second time: what was before the first stays.
        tune 0 --apply --max-user-watches 600000
        echo 16384 >/proc/sys/fs/inotify/max_user_instances
        tune 0 --revert
        says "16384"; says "--force"
        same "$(live)" "16384 8192"
        [ ! -e $file ] || fail "it is still there"
        tune 0 --apply; echo 20000 >/proc/sys/fs/inotify/max_user_instances
        tune 0 --revert --force
        same "$(live)" "16384 8192"
    "#)
}

pub fn halves() -> anyhow::Result<()> {
    ran(r#"
        tune 0 --apply --runtime-only
        same "$(live)" "8192 524288"
        [ ! -e $file ] || fail "it is there"
        tune 0 --apply --persist-only
        # What was before is known from the first run.
        same "$(cat $file)" "$written"
        tune 0 --revert
        same "$(live)" "128 8192"
        same "$(ls -A /etc/sysctl.d)" ""; [ ! -e /run/nospace ] || fail "something is left in /run"
        tune 0 --apply --persist-only
        same "$(live)" "128 8192"
        same "$(cat $file)" "$written"
        tune 0 --revert --runtime-only
        [ -e $file ] || fail "it is gone"
        tune 0 --revert
        [ ! -e $file ] || fail "it is there"
    "#)
}

pub fn never_lowers() -> anyhow::Result<()> {
    ran(r#"
        echo 1000000 >/proc/sys/fs/inotify/max_user_watches
        tune 0 --apply --max-user-watches 5000
        says "5000"
        same "$(live)" "128 1000000"
        [ ! -e $file ] || fail "it is there"
        echo "fs.inotify.max_user_watches = 2000000" >/etc/sysctl.d/90-more.conf
        tune 0 --apply --max-user-watches 1500000
        says "/etc/sysctl.d/90-more.conf:1"; says "2000000"
        same "$(live)" "128 1500000"
        [ ! -e $file ] || fail "it would lower the next boot's"
    "#)
}

pub fn overridden() -> anyhow::Result<()> {
    ran(r#"
        printf '# mine\nfs.inotify.max_user_watches = 9000\n' >/etc/sysctl.d/zzz-late.conf
        tune 0; says "zzz-late.conf:2"; says "9000"
        tune 0 -o json; says '"overrides": true'
        tune 1 --apply
        says "/etc/sysctl.d/zzz-late.conf:2"; says "9000"
        same "$(live)" "8192 524288"
        same "$(cat $file)" "$written"
        tune 1 --apply; says "zzz-late.conf:2"
        rm /etc/sysctl.d/zzz-late.conf
        # Its other name in the initial user namespace.
        echo "user.max_inotify_watches = 7000" >/etc/sysctl.d/zzz-late.conf
        tune 1 --apply; says "zzz-late.conf:1"
        rm /etc/sysctl.d/zzz-late.conf
        tune 0 --apply; silent "--revert"
        ln -s /dev/null /etc/sysctl.d/zzz-mask.conf
        tune 0 --apply; silent "--revert"; silent "zzz-mask"
    "#)
}

pub fn sysctl_conf() -> anyhow::Result<()> {
    ran(r#"
        [ -e /etc/sysctl.conf ] || exit 0
        printf 'fs.inotify.max_user_watches = 9000\n' >/etc/sysctl.conf
        tune 0 --apply
        says "/etc/sysctl.conf:1"; says "9000"; says "sysctl --system"
        tune 0 --revert
        # Without systemd it is read at boot, and after every drop-in.
        rmdir /run/systemd/system
        tune 1 --apply
        says "/etc/sysctl.conf:1"; says "9000"
    "#)
}

pub fn two_at_once() -> anyhow::Result<()> {
    ran(r#"
        "$nospace" --no-ebpf tune --apply --persist-only --max-user-watches 600000 >one 2>&1 & one=$!
        "$nospace" --no-ebpf tune --apply --persist-only --max-user-instances 9000 >two 2>&1 & two=$!
        "$nospace" --no-ebpf tune --apply --persist-only --set kernel.keys.maxkeys=100000 >three 2>&1 & three=$!
        wait $one; wait $two; wait $three
        for line in max_user_watches=600000 max_user_instances=9000 maxkeys=100000; do
            grep -q "${line%=*} = ${line#*=}" $file || fail "$line is not in: $(cat $file)"
        done
    "#)
}

pub fn plan() -> anyhow::Result<()> {
    ran(r#"
        echo '{"schemaVersion":1,"proposal":{"maxUserInstances":1024,"maxUserWatches":65536}}' >plan.json
        tune 0 --plan plan.json --apply
        same "$(live)" "1024 65536"
        tune 0 --plan plan.json --max-user-watches 70000 --apply
        same "$(live)" "1024 70000"
        "$nospace" --no-ebpf tune --plan - --runtime-only --apply <plan.json >/dev/null
        tune 1 --plan nowhere.json; says "nowhere.json"
        echo '{}' >plan.json
        tune 1 --plan plan.json; says "plan.json"; says "proposal"
    "#)
}

/// A limit that is refusing: the profile alone would not do.
pub fn pressed() -> anyhow::Result<()> {
    ran(r#"
        used=$(cut -d' ' -f4 /proc/loadavg | cut -d/ -f2)
        echo "$used" >threads
        mount --bind threads /proc/sys/kernel/threads-max
        mount -o remount,ro,bind /proc/sys/kernel/threads-max
        tune 0 -o json
        says '"key": "kernel.threads-max"'; says '"proposed": 32768'
    "#)
}
