//! sysctl.d(5) and sysctl.conf(5): which file sets what at boot.
//!
//! Two programs read these files, and they do not read them alike: systemd-sysctl at boot, and procps'
//! `sysctl --system` where there is no systemd, or whenever somebody calls it.

mod boot;
mod glob;
mod line;
mod redact;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use boot::Boot;
pub use line::{Assignment, assignments};
pub use redact::redact;

/// Directories of drop-ins, those that mask first (sysctl.d(5); procps and split-usr systems add /lib).
pub const DIRECTORIES: [&str; 5] = [
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];

/// Read last of all by `sysctl --system` of procps; systemd-sysctl reads it only by way of a
/// link in a drop-in directory.
pub const SYSCTL_CONF: &str = "/etc/sysctl.conf";

/// Who reads the files.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Reader {
    /// systemd-sysctl(8), at every boot: the last word on a key is all that it applies.
    Systemd,
    /// `sysctl --system` of procps: it applies one assignment after the other.
    Procps,
}

impl Reader {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Systemd => Self::Procps,
            Self::Procps => Self::Systemd,
        }
    }

    /// The program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd-sysctl",
            Self::Procps => "sysctl --system",
        }
    }

    /// A drop-in's name, by conf-files.c of systemd and `PreloadSystem` of procps.
    fn takes_file(self, name: &str) -> bool {
        name.ends_with(".conf") && !(self == Self::Systemd && name.starts_with('.'))
    }
}

/// Files in the order in which they are read, from the names in each of [`DIRECTORIES`]: by file
/// name, and of two with one name only that of the first directory; procps reads [`SYSCTL_CONF`] last.
#[must_use]
pub fn reading_order(names: &[Vec<String>], reader: Reader) -> Vec<String> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (directory, names) in DIRECTORIES.iter().zip(names) {
        for name in names.iter().filter(|name| reader.takes_file(name)) {
            first.entry(name).or_insert(directory);
        }
    }
    let last = (reader == Reader::Procps).then(|| SYSCTL_CONF.to_owned());
    first
        .iter()
        .map(|(name, directory)| format!("{directory}/{name}"))
        .chain(last)
        .collect()
}

/// The number that the kernel takes `value` for: decimal, `0x` or octal, up to the first white
/// space (`proc_get_long`, kernel/sysctl.c); `None` where it answers EINVAL.
#[must_use]
pub fn number(value: &str) -> Option<u64> {
    /// `TMPBUFLEN - 1` characters are refused.
    const LONGEST: usize = 20;
    let value = value.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let word = value.split([' ', '\t', '\n']).next()?;
    if word.len() > LONGEST || !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(hex) if hex.starts_with('+') => None,
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None if lower.len() > 1 && lower.starts_with('0') => u64::from_str_radix(&lower, 8).ok(),
        None => lower.parse().ok(),
    }
}
