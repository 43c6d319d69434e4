//! Documents in which sysctls are given to a platform: templates, without knowledge of limits or nodes.

pub(crate) mod cluster;
pub(crate) mod files;

/// The drop-in that documents write on nodes. Its name sorts behind 99-sysctl.conf, and is not that of tune's own file, which
/// keeps the previous values.
pub(crate) const DOCUMENT_DROP_IN: &str = "/etc/sysctl.d/99-zz-nospace.conf";

/// Key and value, in the order of the proposal.
pub type Settings<'a> = [(&'a str, u64)];

/// A line for each setting.
pub(crate) fn lines(settings: &Settings<'_>, line: impl Fn(&str, u64) -> String) -> String {
    let lines = settings.iter().map(|(key, value)| line(key, *value) + "\n");
    lines.collect()
}
