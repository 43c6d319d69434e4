//! Where else a key is set, with file and line.

use nospace_core::managers::kubelet_roots;
use nospace_core::model::BootValue;
use nospace_core::parse::lossy;
use nospace_core::parse::sysctl::{Boot, SYSCTL_CONF, number};
use nospace_core::tune::{
    DROP_IN, OtherSetting, SettingSource, cloud_init, tuned_includes, tuned_sysctls,
};

use crate::collect::read;
use crate::host::{Host, proc, root};

/// Where TuneD looks for profiles, the administrator's first.
const TUNED: [&str; 4] = [
    "/etc/tuned/profiles",
    "/etc/tuned",
    "/usr/lib/tuned/profiles",
    "/usr/lib/tuned",
];
/// More than any profile includes.
const MAX_PROFILES: usize = 32;
const MAX_FILES: usize = 200;

/// What the kubelet sets at each start (`setupKernelTunables`, pkg/kubelet/cm/container_manager_linux.go).
const KUBELET: [(&str, u64); 2] = [
    ("kernel.keys.root_maxkeys", 1_000_000),
    ("kernel.keys.root_maxbytes", 25_000_000),
];

/// A key, its proposed value, and the lines that win with tune's file in place.
pub struct SettingQuery<'a> {
    pub key: &'a str,
    pub value: u64,
    /// One for each reader.
    pub winners: [&'a Option<BootValue>; 2],
}

/// Every other place that sets the key, in reading order where there is one.
pub fn find(host: &dyn Host, boots: [&Boot; 2], query: &SettingQuery<'_>) -> Vec<OtherSetting> {
    let mut all = sysctl(boots, query);
    all.extend(tuned(host, query));
    all.extend(cloud(host, query));
    all.extend(command_line(host, query));
    all.extend(kubelet(host, query));
    all
}

/// Less than `wanted`, or nothing that the kernel accepts.
fn is_less(value: &str, wanted: u64) -> bool {
    number(value).is_none_or(|value| value < wanted)
}

fn sysctl(boots: [&Boot; 2], query: &SettingQuery<'_>) -> Vec<OtherSetting> {
    let mut lines = boots[0].setters(query.key);
    for line in boots[1].setters(query.key) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let others = lines.into_iter().filter(|line| line.file != DROP_IN);
    others.map(|line| of_line(boots, query, line)).collect()
}

fn of_line(boots: [&Boot; 2], query: &SettingQuery<'_>, line: BootValue) -> OtherSetting {
    let wins = query.winners.map(|winner| winner.as_ref() == Some(&line));
    let less = is_less(&line.value, query.value);
    let advice = (less && (wins[0] || wins[1])).then(|| {
        let change = format!(
            "set {} = {} there or delete the line",
            query.key, query.value
        );
        match wins {
            [true, _] => format!("It wins at the next boot: {change}"),
            _ => format!(
                "It wins whenever `{}` runs: {change}",
                boots[1].reader.name()
            ),
        }
    });
    OtherSetting {
        source: SettingSource::Sysctl,
        file: line.file,
        line: Some(line.line),
        value: line.value,
        overrides: advice.is_some(),
        advice,
    }
}

fn tuned(host: &dyn Host, query: &SettingQuery<'_>) -> Vec<OtherSetting> {
    let text = |path: &str| read::bytes(host, root(path)).ok();
    let Some(active) = text("/etc/tuned/active_profile") else {
        return Vec::new();
    };
    // By default TuneD applies sysctl.d again after its profile: then that wins.
    let reapplies = text("/etc/tuned/tuned-main.conf").is_none_or(|bytes| {
        let text = lossy(&bytes);
        let set = text.lines().filter_map(|line| line.split_once('='));
        let mut values = set.filter(|(key, _)| key.trim() == "reapply_sysctl");
        values.all(|(_, value)| {
            !["0", "false", "no", "off"].contains(&value.trim().to_ascii_lowercase().as_str())
        })
    });
    let active = lossy(&active);
    profiles(host, active.split_whitespace().map(str::to_owned).collect())
        .into_iter()
        .flat_map(|(file, bytes)| {
            let set = tuned_sysctls(&bytes).into_iter().filter(|(key, ..)| key == query.key);
            set.map(move |(_, value, line)| (file.clone(), value, line)).collect::<Vec<_>>()
        })
        .map(|(file, value, line)| {
            let overrides = !reapplies && !value.starts_with('>') && is_less(&value, query.value);
            OtherSetting {
                source: SettingSource::Tuned,
                advice: overrides.then(|| "TuneD sets it after boot, and reapply_sysctl is off: raise it in your own profile that includes this one, or in a \
                         Tuned resource on OpenShift".to_owned()),
                file,
                line: Some(line),
                value,
                overrides,
            }
        })
        .collect()
}

/// Profiles with what they include, those that are read last at the end.
fn profiles(host: &dyn Host, mut names: Vec<String>) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    while let Some(name) = names.pop() {
        if seen.len() == MAX_PROFILES || name.contains('/') || seen.contains(&name) {
            continue;
        }
        let files = TUNED
            .iter()
            .map(|directory| format!("{directory}/{name}/tuned.conf"));
        let first = files
            .filter_map(|file| Some((read::bytes(host, root(&file)).ok()?, file)))
            .next();
        seen.push(name);
        if let Some((bytes, file)) = first {
            names.extend(tuned_includes(&bytes));
            found.insert(0, (file, bytes));
        }
    }
    found
}

fn cloud(host: &dyn Host, query: &SettingQuery<'_>) -> Vec<OtherSetting> {
    let drop_ins = host
        .list(root("/etc/cloud/cloud.cfg.d"), MAX_FILES)
        .unwrap_or_default();
    let drop_ins = drop_ins.iter().filter(|name| name.ends_with(".cfg"));
    let mut files = vec!["/etc/cloud/cloud.cfg".to_owned()];
    files.extend(drop_ins.map(|name| format!("/etc/cloud/cloud.cfg.d/{name}")));
    files.push("/var/lib/cloud/instance/user-data.txt".to_owned());
    let mut found = Vec::new();
    for file in files {
        let Ok(bytes) = read::bytes(host, root(&file)) else {
            continue;
        };
        for (value, line) in cloud_init(&bytes, query.key) {
            let overrides = is_less(&value, query.value);
            found.push(OtherSetting {
                source: SettingSource::CloudInit,
                advice: overrides.then(|| {
                    "cloud-init may set it at boot or on new nodes: raise it there too".to_owned()
                }),
                file: file.clone(),
                line: Some(line),
                value,
                overrides,
            });
        }
    }
    found
}

fn command_line(host: &dyn Host, query: &SettingQuery<'_>) -> Option<OtherSetting> {
    let bytes = read::bytes(host, proc("cmdline")).ok()?;
    let text = lossy(&bytes);
    let mut words = text.split_whitespace().rev();
    let value = words.find_map(|word| {
        let (key, value) = word.strip_prefix("sysctl.")?.split_once('=')?;
        (key.replace('/', ".") == query.key).then(|| value.to_owned())
    })?;
    Some(OtherSetting {
        source: SettingSource::KernelCommandLine,
        file: "/proc/cmdline".to_owned(),
        line: None,
        value,
        // It is set before any file is read.
        overrides: false,
        advice: None,
    })
}

fn kubelet(host: &dyn Host, query: &SettingQuery<'_>) -> Option<OtherSetting> {
    let (_, value) = KUBELET.iter().find(|(key, _)| *key == query.key)?;
    let mut roots = kubelet_roots().into_iter();
    let found = roots.find(|path| host.list(root(path), 1).is_ok())?;
    let overrides = *value < query.value;
    Some(OtherSetting {
        source: SettingSource::Kubelet,
        file: format!("{found}/config.yaml"),
        line: None,
        value: value.to_string(),
        overrides,
        advice: overrides.then(|| {
            "The kubelet resets it at every start, unless protectKernelDefaults is true in its configuration \
             (then it refuses to start if the value differs)"
                .to_owned()
        }),
    })
}

/// sysctl.conf is a file of this system that only one of the readers reads.
pub fn note_on_sysctl_conf(boots: [&Boot; 2], changes: &[&str]) -> Option<String> {
    let sets = |boot: &Boot, key: &str| {
        boot.setters(key)
            .iter()
            .any(|line| line.file == SYSCTL_CONF)
    };
    let only = |key: &&&str| sets(boots[1], key) && !sets(boots[0], key);
    let key = changes.iter().find(only)?;
    Some(format!(
        "{SYSCTL_CONF} sets {key}: {} reads that file, but {} does not at boot",
        boots[1].reader.name(),
        boots[0].reader.name()
    ))
}
