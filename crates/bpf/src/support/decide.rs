use super::{Btf, Capabilities, Facts, Lockdown, Unsupported};

/// How much of the node the programs will see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    Node,
    /// Users' counters are whole, but holders only of this pid namespace are seen.
    PidNamespace,
}

impl Coverage {
    /// What is not seen, in words.
    #[must_use]
    pub fn gap(self) -> Option<&'static str> {
        match self {
            Self::Node => None,
            Self::PidNamespace => Some(
                "only processes of this pid namespace are seen; run on the host, or in a pod with hostPID: true",
            ),
        }
    }
}

/// Whether the kernel's books can be read, from the facts alone.
///
/// # Errors
/// The first fact that stands against it, with what would change it.
pub fn decide(facts: &Facts) -> Result<Coverage, Unsupported> {
    if !facts.built_in {
        return Err(Unsupported::not_built_in());
    }
    kernel(&facts.btf)?;
    if facts.lockdown == Lockdown::Confidentiality {
        return Err(Unsupported::new(
            "kernel lockdown is set to confidentiality, which keeps BPF programs from reading kernel memory",
            "boot with lockdown=integrity if that is allowed here",
        ));
    }
    if !facts.initial_user_namespace {
        return Err(Unsupported::new(
            "nospace runs in a user namespace of its own, where capabilities do not count for BPF",
            "run it in the host's user namespace: as root on the host, or in a pod with hostUsers: true",
        ));
    }
    privileges(facts.capabilities)?;
    Ok(if facts.initial_pid_namespace {
        Coverage::Node
    } else {
        Coverage::PidNamespace
    })
}

fn kernel(btf: &Btf) -> Result<(), Unsupported> {
    match btf {
        Btf::Ready => Ok(()),
        Btf::Absent => Err(Unsupported::new(
            "the kernel has no type information (/sys/kernel/btf/vmlinux is missing)",
            "mount /sys, or use a kernel of 5.8 or later built with CONFIG_DEBUG_INFO_BTF",
        )),
        Btf::Unreadable(why) => Err(Unsupported::new(
            format!("cannot read /sys/kernel/btf/vmlinux: {why}"),
            "make it readable",
        )),
        Btf::WithoutIterator => Err(Unsupported::new(
            "the kernel is older than 5.8: it has no BPF iterator over open files",
            "use a newer kernel",
        )),
    }
}

fn privileges(capabilities: Option<Capabilities>) -> Result<(), Unsupported> {
    let remedy = "run as root, or give it both: setcap cap_bpf,cap_perfmon+ep, or securityContext.capabilities.add: [BPF, PERFMON]";
    let Some(has) = capabilities else {
        return Err(Unsupported::new(
            "cannot tell which capabilities nospace has: /proc/self/status could not be read",
            "mount /proc",
        ));
    };
    let missing = match (has.bpf || has.sys_admin, has.perfmon || has.sys_admin) {
        (true, true) => return Ok(()),
        (false, false) => "needs CAP_BPF and CAP_PERFMON",
        (false, true) => "needs CAP_BPF beside CAP_PERFMON",
        (true, false) => "needs CAP_PERFMON beside CAP_BPF",
    };
    Err(Unsupported::new(missing, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            built_in: true,
            btf: Btf::Ready,
            capabilities: Some(Capabilities {
                sys_admin: true,
                ..Capabilities::default()
            }),
            lockdown: Lockdown::Off,
            unprivileged_bpf_disabled: Some(2),
            initial_user_namespace: true,
            initial_pid_namespace: true,
        }
    }

    fn refusal(change: impl FnOnce(&mut Facts)) -> String {
        let mut facts = good();
        change(&mut facts);
        decide(&facts).unwrap_err().to_string()
    }

    fn with(bpf: bool, perfmon: bool) -> Option<Capabilities> {
        Some(Capabilities {
            bpf,
            perfmon,
            sys_admin: false,
        })
    }

    #[test]
    fn root_on_the_host_sees_the_node() {
        assert_eq!(decide(&good()), Ok(Coverage::Node));
        assert_eq!(Coverage::Node.gap(), None);
    }

    #[test]
    fn the_two_capabilities_suffice_and_neither_alone_does() {
        let facts = |capabilities| Facts {
            capabilities,
            ..good()
        };
        assert_eq!(decide(&facts(with(true, true))), Ok(Coverage::Node));
        assert!(
            refusal(|f| f.capabilities = with(true, false))
                .starts_with("needs CAP_PERFMON beside CAP_BPF")
        );
        assert!(
            refusal(|f| f.capabilities = with(false, true))
                .starts_with("needs CAP_BPF beside CAP_PERFMON")
        );
        assert!(
            refusal(|f| f.capabilities = with(false, false))
                .starts_with("needs CAP_BPF and CAP_PERFMON")
        );
        assert!(refusal(|f| f.capabilities = None).contains("/proc/self/status"));
    }

    #[test]
    fn each_fact_that_stands_against_it_is_named() {
        assert!(refusal(|f| f.built_in = false).contains("feature \"ebpf\""));
        assert!(refusal(|f| f.btf = Btf::Absent).contains("CONFIG_DEBUG_INFO_BTF"));
        assert!(refusal(|f| f.btf = Btf::WithoutIterator).contains("older than 5.8"));
        assert!(
            refusal(|f| f.btf = Btf::Unreadable("permission denied".into()))
                .contains("permission denied")
        );
        assert!(refusal(|f| f.lockdown = Lockdown::Confidentiality).contains("lockdown=integrity"));
        assert!(refusal(|f| f.initial_user_namespace = false).contains("user namespace"));
    }

    #[test]
    fn integrity_lockdown_does_not_matter() {
        let facts = Facts {
            lockdown: Lockdown::Integrity,
            ..good()
        };
        assert_eq!(decide(&facts), Ok(Coverage::Node));
    }

    #[test]
    fn another_pid_namespace_is_a_gap_and_not_a_refusal() {
        let facts = Facts {
            initial_pid_namespace: false,
            ..good()
        };
        let coverage = decide(&facts).unwrap();
        assert!(coverage.gap().unwrap().contains("hostPID"));
    }
}
