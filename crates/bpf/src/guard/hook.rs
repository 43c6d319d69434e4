use super::model::Resource;

/// A place in the kernel where a program can refuse a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Watches, as a security module (`lsm/path_notify`).
    LsmPathNotify,
    /// Watches, in the function that asks the security modules (`fmod_ret/security_path_notify`).
    ModifyPathNotify,
    /// Instances, at the entry of the system calls (`fmod_ret/sys_inotify_init`).
    SystemCall,
    /// Instances, as a security module that is asked for every file that is opened (`lsm/file_alloc_security`).
    LsmFileAlloc,
    /// Instances, in the function that asks the security modules for every file that is opened (`fmod_ret/security_file_alloc`).
    ModifyFileAlloc,
}

impl Hook {
    /// All of them; for each resource, the cheapest first.
    pub const ALL: [Self; 5] = [
        Self::LsmPathNotify,
        Self::ModifyPathNotify,
        Self::SystemCall,
        Self::LsmFileAlloc,
        Self::ModifyFileAlloc,
    ];

    /// What it refuses.
    #[must_use]
    pub fn resource(self) -> Resource {
        match self {
            Self::LsmPathNotify | Self::ModifyPathNotify => Resource::Watches,
            Self::SystemCall | Self::LsmFileAlloc | Self::ModifyFileAlloc => Resource::Instances,
        }
    }

    /// Type of the program, and the function.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LsmPathNotify => "lsm/path_notify",
            Self::ModifyPathNotify => "fmod_ret/security_path_notify",
            Self::SystemCall => "fmod_ret/sys_inotify_init",
            Self::LsmFileAlloc => "lsm/file_alloc_security",
            Self::ModifyFileAlloc => "fmod_ret/security_file_alloc",
        }
    }

    /// Whether it is a security module's.
    #[must_use]
    pub fn is_lsm(self) -> bool {
        matches!(self, Self::LsmPathNotify | Self::LsmFileAlloc)
    }

    /// Whether the kernel skips the program for one task while another, which was preempted inside it, waits for the same CPU. On a
    /// preemptible kernel many threads at once get past such a program.
    #[must_use]
    pub fn is_skipped_when_preempted(self) -> bool {
        !self.is_lsm()
    }

    /// Whether the program runs for every file that anybody opens.
    #[must_use]
    pub fn runs_for_every_file(self) -> bool {
        matches!(self, Self::LsmFileAlloc | Self::ModifyFileAlloc)
    }
}
