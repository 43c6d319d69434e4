//! A directory that will be a machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use nospace_core::tune::{SettingSource, Tuning};
use nospace_holder::scratch;

use crate::support::NOSPACE;

const FILE: &str = "etc/sysctl.d/zz-nospace.conf";

fn tune(image: &Path, arguments: &[&str]) -> anyhow::Result<Tuning> {
    let mut command = Command::new(NOSPACE);
    command
        .args(["tune", "-o", "json", "--root"])
        .arg(image)
        .args(arguments);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(0), "{}: {said}", output.status);
    serde_json::from_slice(&output.stdout).context("no JSON")
}

fn live() -> anyhow::Result<Vec<String>> {
    let read = |kind| fs::read_to_string(format!("/proc/sys/fs/inotify/max_user_{kind}"));
    Ok(vec![read("instances")?, read("watches")?])
}

pub fn prepare() -> anyhow::Result<()> {
    let image = scratch()?;
    let before = live()?;
    fs::create_dir(image.path().join("etc"))?;
    let shown = tune(image.path(), &[])?;
    ensure!(shown.changes.iter().all(|change| change.current.is_none()));
    ensure!(!image.path().join(FILE).exists());
    tune(image.path(), &["--apply"])?;
    let text = fs::read_to_string(image.path().join(FILE))?;
    ensure!(
        text.contains("\nfs.inotify.max_user_watches = 524288\n"),
        "{text}"
    );
    ensure!(live()? == before, "live values have changed");
    tune(image.path(), &["--revert"])?;
    let left = fs::read_dir(image.path().join("etc"))?.count();
    ensure!(left == 0, "the directory that it made is still there");
    Ok(())
}

pub fn links() -> anyhow::Result<()> {
    let place = scratch()?;
    let (image, outside) = (place.path().join("image"), place.path().join("outside"));
    fs::create_dir_all(image.join("etc"))?;
    fs::create_dir_all(&outside)?;
    for target in [
        outside.clone(),
        "../../outside".into(),
        "../../../../../../etc/sysctl.d".into(),
    ] {
        let link = image.join("etc/sysctl.d");
        symlink(&target, &link)?;
        let output = Command::new(NOSPACE)
            .args(["tune", "--apply", "--root"])
            .arg(&image)
            .output()?;
        ensure!(output.status.code() == Some(1), "{target:?}: {output:?}");
        ensure!(fs::read_dir(&outside)?.count() == 0, "{target:?} led out");
        ensure!(
            !Path::new("/").join(FILE).exists(),
            "{target:?} led to the host"
        );
        fs::remove_file(link)?;
    }
    // An absolute link means the image's own root.
    fs::create_dir(image.join("real"))?;
    symlink("/real", image.join("etc/sysctl.d"))?;
    // In the file's place a link is replaced, not followed.
    let precious = outside.join("precious");
    fs::write(&precious, "precious")?;
    symlink(&precious, image.join("real/.zz-nospace.conf.new"))?;
    tune(&image, &["--apply"])?;
    ensure!(image.join("real/zz-nospace.conf").is_file());
    ensure!(fs::read_to_string(&precious)? == "precious");
    Ok(())
}

pub fn setters() -> anyhow::Result<()> {
    let image = scratch()?;
    let write = |path: &str, text: &str| -> anyhow::Result<()> {
        let path = image.path().join(path);
        fs::create_dir_all(path.parent().context("no parent")?)?;
        Ok(fs::write(path, text)?)
    };
    write("usr/lib/systemd/systemd-sysctl", "")?;
    write("etc/os-release", "ID=rhcos\n")?;
    write("etc/tuned/active_profile", "openshift-node\n")?;
    write("etc/tuned/tuned-main.conf", "reapply_sysctl = 0\n")?;
    write(
        "usr/lib/tuned/openshift-node/tuned.conf",
        "[main]\ninclude=openshift\n[sysctl]\nfs.inotify.max_user_watches=65536\n",
    )?;
    write(
        "usr/lib/tuned/openshift/tuned.conf",
        "[sysctl]\nfs.inotify.max_user_instances=>8192\n",
    )?;
    write(
        "etc/cloud/cloud.cfg.d/99-x.cfg",
        "runcmd:\n - sysctl -w fs.inotify.max_user_instances=128\n",
    )?;
    write("usr/lib/sysctl.d/50-default.conf", "fs.inotify.*=1000\n")?;
    write("var/lib/kubelet/config.yaml", "")?;
    let arguments = [
        "--max-user-watches=524288",
        "--max-user-instances=8192",
        "--set=kernel.keys.root_maxkeys=2000000",
    ];
    let tuning = tune(image.path(), &arguments)?;
    ensure!(
        tuning
            .platform
            .as_ref()
            .is_some_and(|p| p.name == "Red Hat CoreOS"
                && p.document.contains("fs.inotify.max_user_watches=>524288")),
        "{:?}",
        tuning.platform
    );
    let found: Vec<(SettingSource, &str, Option<u32>, &str, bool)> = tuning
        .changes
        .iter()
        .flat_map(|change| &change.setters)
        .filter(|setter| setter.source != SettingSource::KernelCommandLine)
        .map(|s| {
            (
                s.source,
                s.file.as_str(),
                s.line,
                s.value.as_str(),
                s.overrides,
            )
        })
        .collect();
    let expected = [
        (
            SettingSource::Sysctl,
            "/usr/lib/sysctl.d/50-default.conf",
            Some(1),
            "1000",
            false,
        ),
        (
            SettingSource::Tuned,
            "/usr/lib/tuned/openshift-node/tuned.conf",
            Some(4),
            "65536",
            true,
        ),
        (
            SettingSource::Sysctl,
            "/usr/lib/sysctl.d/50-default.conf",
            Some(1),
            "1000",
            false,
        ),
        (
            SettingSource::Tuned,
            "/usr/lib/tuned/openshift/tuned.conf",
            Some(2),
            ">8192",
            false,
        ),
        (
            SettingSource::CloudInit,
            "/etc/cloud/cloud.cfg.d/99-x.cfg",
            Some(2),
            "128",
            true,
        ),
        (
            SettingSource::Kubelet,
            "/var/lib/kubelet/config.yaml",
            None,
            "1000000",
            true,
        ),
    ];
    let (mut found, mut expected) = (found, expected.to_vec());
    found.sort_by_key(|one| format!("{one:?}"));
    expected.sort_by_key(|one| format!("{one:?}"));
    ensure!(found == expected, "{found:#?}");
    Ok(())
}
