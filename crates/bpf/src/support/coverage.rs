use super::environment::{Btf, Capabilities, Environment, Lockdown};
use super::unsupported::Unsupported;

/// How much of the node the programs see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    Node,
    /// The counters of all users, but only the processes of this pid namespace.
    PidNamespace,
}

impl Coverage {
    /// What the programs do not see, and what would change that; `None` if they see everything.
    #[must_use]
    pub fn gap(self) -> Option<&'static str> {
        match self {
            Self::Node => None,
            Self::PidNamespace => Some(
                "only processes of this pid namespace are visible; run on the host, or in a pod with hostPID: true",
            ),
        }
    }
}

/// Whether the BPF programs can be loaded in this environment, and what they see.
///
/// # Errors
/// The first obstacle, and how to remove it.
pub fn assess(environment: &Environment) -> Result<Coverage, Unsupported> {
    if !environment.built_in {
        return Err(Unsupported::not_built_in());
    }
    kernel(&environment.btf)?;
    if environment.lockdown == Lockdown::Confidentiality {
        return Err(Unsupported::new(
            "kernel lockdown is in confidentiality mode, in which BPF programs cannot read kernel memory",
            "boot with lockdown=integrity, if your policy allows it",
        ));
    }
    if !environment.initial_user_namespace {
        return Err(Unsupported::new(
            "nospace runs in a user namespace, where its capabilities do not allow BPF",
            "run it in the host's user namespace: as root on the host, or in a pod with hostUsers: true",
        ));
    }
    privileges(environment.capabilities)?;
    Ok(if environment.initial_pid_namespace {
        Coverage::Node
    } else {
        Coverage::PidNamespace
    })
}

fn kernel(btf: &Btf) -> Result<(), Unsupported> {
    match btf {
        Btf::Ready => Ok(()),
        Btf::Absent => Err(Unsupported::new(
            "the kernel has no BTF (/sys/kernel/btf/vmlinux does not exist)",
            "mount /sys, or use a kernel 5.8 or later built with CONFIG_DEBUG_INFO_BTF=y",
        )),
        Btf::Unreadable(why) => Err(Unsupported::new(
            format!("cannot read /sys/kernel/btf/vmlinux: {why}"),
            "make that file readable",
        )),
        Btf::WithoutIterator => Err(Unsupported::new(
            "the kernel has no BPF iterator over open files (before 5.8)",
            "use kernel 5.8 or later",
        )),
    }
}

fn privileges(capabilities: Option<Capabilities>) -> Result<(), Unsupported> {
    let remedy = "run as root, or add both: setcap cap_bpf,cap_perfmon+ep, or securityContext.capabilities.add: [BPF, PERFMON]";
    let Some(has) = capabilities else {
        return Err(Unsupported::new(
            "cannot read /proc/self/status, which lists the capabilities of nospace",
            "mount /proc",
        ));
    };
    let missing = match (has.bpf || has.sys_admin, has.perfmon || has.sys_admin) {
        (true, true) => return Ok(()),
        (false, false) => "needs CAP_BPF and CAP_PERFMON",
        (false, true) => "needs CAP_BPF in addition to CAP_PERFMON",
        (true, false) => "needs CAP_PERFMON in addition to CAP_BPF",
    };
    Err(Unsupported::new(missing, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Environment {
        Environment {
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

    fn obstacle(change: impl FnOnce(&mut Environment)) -> String {
        let mut environment = good();
        change(&mut environment);
        assess(&environment).unwrap_err().to_string()
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
        assert_eq!(assess(&good()), Ok(Coverage::Node));
        assert_eq!(Coverage::Node.gap(), None);
    }

    #[test]
    fn the_two_capabilities_suffice_and_neither_alone_does() {
        let environment = |capabilities| Environment {
            capabilities,
            ..good()
        };
        assert_eq!(assess(&environment(with(true, true))), Ok(Coverage::Node));
        assert!(
            obstacle(|f| f.capabilities = with(true, false))
                .starts_with("needs CAP_PERFMON in addition to CAP_BPF")
        );
        assert!(
            obstacle(|f| f.capabilities = with(false, true))
                .starts_with("needs CAP_BPF in addition to CAP_PERFMON")
        );
        assert!(
            obstacle(|f| f.capabilities = with(false, false))
                .starts_with("needs CAP_BPF and CAP_PERFMON")
        );
        assert!(obstacle(|f| f.capabilities = None).contains("/proc/self/status"));
    }

    #[test]
    fn each_obstacle_is_named() {
        assert!(obstacle(|f| f.built_in = false).contains("feature \"ebpf\""));
        assert!(obstacle(|f| f.btf = Btf::Absent).contains("CONFIG_DEBUG_INFO_BTF"));
        assert!(obstacle(|f| f.btf = Btf::WithoutIterator).contains("before 5.8"));
        assert!(
            obstacle(|f| f.btf = Btf::Unreadable("permission denied".into()))
                .contains("permission denied")
        );
        assert!(
            obstacle(|f| f.lockdown = Lockdown::Confidentiality).contains("lockdown=integrity")
        );
        assert!(obstacle(|f| f.initial_user_namespace = false).contains("user namespace"));
    }

    #[test]
    fn integrity_lockdown_does_not_matter() {
        let environment = Environment {
            lockdown: Lockdown::Integrity,
            ..good()
        };
        assert_eq!(assess(&environment), Ok(Coverage::Node));
    }

    #[test]
    fn another_pid_namespace_is_a_gap_and_no_obstacle() {
        let environment = Environment {
            initial_pid_namespace: false,
            ..good()
        };
        let coverage = assess(&environment).unwrap();
        assert!(coverage.gap().unwrap().contains("hostPID"));
    }
}
