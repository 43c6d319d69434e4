//! A mount whose server never answers: no question of nospace may go there.

use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::script::private;
use crate::support::report;

/// Places that the collectors look at, each of which may be a network mount.
const PLACES: [&str; 6] = [
    "/var/lib/kubelet",
    "/var/lib/docker/containers",
    "/var/log/pods",
    "/var/log/containers",
    "/run/containerd",
    "/var/lib/containers/storage",
];

/// FUSE without a server, over each of those places in turn and over all at once.
pub fn mounts(options: &str) -> anyhow::Result<()> {
    if !Path::new("/dev/fuse").exists() {
        eprintln!("skipped: a mount that hangs is made of /dev/fuse, which is not here");
        return Ok(());
    }
    for places in PLACES.chunks(1).chain([&PLACES[..]]) {
        let report = report(private(SCRIPT, options).env("places", places.join(" ")))
            .with_context(|| format!("with {places:?}"))?;
        ensure!(report.collectors.iter().all(|one| one.error.is_none()));
    }
    Ok(())
}

/// What has not answered after ten seconds hangs.
///
/// The kernel waits for the server's first answer until the descriptor is closed, which is when
/// the script and nospace have ended.
const SCRIPT: &str = r#"
    for place in /var/lib /var/log /run; do mount -t tmpfs empty "$place"; done
    mkdir /run/hangs
    exec 9<>/dev/fuse
    mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 hangs /run/hangs
    for place in $places; do
        mkdir -p "$place"
        mount --bind /run/hangs "$place"
    done
    if timeout -s KILL 0.1 ls "$place" >/dev/null 2>&1; then echo "it answers" >&2; exit 9; fi
    timeout -s KILL 10 "$nospace" check -o json $options
"#;
