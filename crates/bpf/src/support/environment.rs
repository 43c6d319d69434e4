use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// The function of the iterator over open files, in the BTF of kernels that have it.
const ITERATOR: &str = "bpf_iter_task_file";
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";
/// Inode numbers of the initial namespaces (include/uapi/linux/nsfs.h).
const INITIAL_USER_NAMESPACE: &str = "user:[4026531837]";
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

/// What decides whether eBPF works here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// This build has the feature `ebpf`.
    pub built_in: bool,
    /// The kernel's BTF.
    pub btf: Btf,
    /// Effective capabilities; `None` where /proc/self/status could not be read.
    pub capabilities: Option<Capabilities>,
    /// Kernel lockdown.
    pub lockdown: Lockdown,
    /// `kernel.unprivileged_bpf_disabled`; `None` where it could not be read.
    pub unprivileged_bpf_disabled: Option<u8>,
    /// The process is in the initial user namespace; capabilities in others do not allow BPF.
    pub initial_user_namespace: bool,
    /// The process is in the initial pid namespace; iterators list only the tasks of the caller's.
    pub initial_pid_namespace: bool,
}

/// The kernel's BTF, /sys/kernel/btf/vmlinux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Btf {
    /// Built without CONFIG_DEBUG_INFO_BTF, or /sys is not mounted.
    Absent,
    /// It could not be read; why.
    Unreadable(String),
    /// It has no iterator over open files (before Linux 5.8).
    WithoutIterator,
    /// It has the iterator.
    Ready,
}

/// The effective capabilities that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// CAP_BPF.
    pub bpf: bool,
    /// CAP_PERFMON.
    pub perfmon: bool,
    /// CAP_SYS_ADMIN, which stands for both.
    pub sys_admin: bool,
}

/// Kernel lockdown, /sys/kernel/security/lockdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lockdown {
    /// Off, not built in, or securityfs is not mounted.
    Off,
    /// Programs may read kernel memory.
    Integrity,
    /// Programs may not read kernel memory.
    Confidentiality,
}

impl Environment {
    /// Probes all of it; needs no privileges.
    #[must_use]
    pub fn probe() -> Self {
        Self::with(btf())
    }

    /// As [`Environment::probe`], but a millisecond faster: assumes that BTF, if it exists, has the iterator.
    #[must_use]
    pub fn probe_quickly() -> Self {
        Self::with(match File::open(VMLINUX) {
            Ok(_) => Btf::Ready,
            Err(e) => Btf::missing(&e),
        })
    }

    fn with(btf: Btf) -> Self {
        Self {
            built_in: cfg!(feature = "ebpf"),
            btf,
            capabilities: fs::read_to_string("/proc/self/status")
                .ok()
                .and_then(|status| Capabilities::parse(&status)),
            lockdown: fs::read_to_string("/sys/kernel/security/lockdown")
                .map_or(Lockdown::Off, |text| Lockdown::parse(&text)),
            unprivileged_bpf_disabled: fs::read_to_string(
                "/proc/sys/kernel/unprivileged_bpf_disabled",
            )
            .ok()
            .and_then(|text| text.trim().parse().ok()),
            initial_user_namespace: leads_to("/proc/self/ns/user", INITIAL_USER_NAMESPACE),
            initial_pid_namespace: leads_to("/proc/self/ns/pid", INITIAL_PID_NAMESPACE)
                || crate::is_whole_node(),
        }
    }
}

impl Capabilities {
    /// From the line `CapEff:` of /proc/PID/status; bit numbers in include/uapi/linux/capability.h.
    #[must_use]
    pub fn parse(status: &str) -> Option<Self> {
        let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"))?;
        let set = u64::from_str_radix(line.trim(), 16).ok()?;
        let has = |bit: u32| set >> bit & 1 == 1;
        Some(Self {
            bpf: has(39),
            perfmon: has(38),
            sys_admin: has(21),
        })
    }
}

impl Lockdown {
    /// From `none [integrity] confidentiality`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.contains("[confidentiality]") {
            Self::Confidentiality
        } else if text.contains("[integrity]") {
            Self::Integrity
        } else {
            Self::Off
        }
    }
}

fn leads_to(link: &str, target: &str) -> bool {
    fs::read_link(link).is_ok_and(|to| to.as_os_str() == target)
}

impl Btf {
    fn missing(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Absent,
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// The names of the kernel's types and functions, each between two NULs.
fn kernel_names() -> io::Result<Vec<u8>> {
    File::open(VMLINUX).and_then(|file| type_names(&file))
}

/// Whether `name` is one of [`kernel_names`].
fn has_name(names: &[u8], name: &str) -> bool {
    memchr::memmem::find(names, format!("\0{name}\0").as_bytes()).is_some()
}

fn btf() -> Btf {
    match kernel_names() {
        Ok(names) if has_name(&names, ITERATOR) => Btf::Ready,
        Ok(_) => Btf::WithoutIterator,
        Err(e) => Btf::missing(&e),
    }
}

/// The string section of a BTF file (`struct btf_header`, include/uapi/linux/btf.h): a third of it.
fn type_names(file: &File) -> io::Result<Vec<u8>> {
    let mut header = [0_u8; 24];
    file.read_exact_at(&mut header, 0)?;
    let word = |at: usize| {
        let bytes = header[at..at + 4].try_into().unwrap_or_default();
        u32::from_ne_bytes(bytes)
    };
    let (magic, header_length, offset, length) = (word(0) & 0xffff, word(4), word(16), word(20));
    if magic != 0xeb9f || length > 256 << 20 {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a BTF file"));
    }
    let mut names = vec![0; length as usize];
    file.read_exact_at(&mut names, u64::from(header_length) + u64::from(offset))?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_by_bit() {
        let caps = |line: &str| Capabilities::parse(line).unwrap();
        assert_eq!(
            caps("Name:\tx\nCapEff:\t0000000000000000\n"),
            Capabilities::default()
        );
        assert!(caps("CapEff:\t0000008000000000").bpf);
        assert!(caps("CapEff:\t0000004000000000").perfmon);
        assert!(caps("CapEff:\t0000000000200000").sys_admin);
        assert_eq!(Capabilities::parse("Name:\tx\n"), None);
        assert_eq!(Capabilities::parse("CapEff:\tzz\n"), None);
    }

    #[test]
    fn lockdown_is_the_word_in_brackets() {
        assert_eq!(
            Lockdown::parse("[none] integrity confidentiality\n"),
            Lockdown::Off
        );
        assert_eq!(
            Lockdown::parse("none [integrity] confidentiality\n"),
            Lockdown::Integrity
        );
        assert_eq!(
            Lockdown::parse("none integrity [confidentiality]\n"),
            Lockdown::Confidentiality
        );
    }

    #[test]
    fn the_iterator_is_found_by_its_whole_name() {
        assert!(has_name(b"\0int\0bpf_iter_task_file\0x\0", ITERATOR));
        assert!(!has_name(b"\0bpf_iter_task_file_info\0", ITERATOR));
    }
}
