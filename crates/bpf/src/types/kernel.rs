use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::slice;
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Cut, NAMES};

/// Where the kernel tells its types.
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";
/// What the iterators are, to the kernel.
const ITERATORS: [&str; 2] = ["bpf_iter_task", "bpf_iter_task_file"];

/// What the programs need of this kernel's types, found once and kept until the process ends.
pub struct Kernel {
    file: File,
    functions: Vec<Option<u32>>,
}

impl Kernel {
    /// `None` where it cannot be had: libbpf does it then.
    pub fn known() -> Option<&'static Self> {
        static KNOWN: OnceLock<Option<Kernel>> = OnceLock::new();
        KNOWN.get_or_init(Self::look).as_ref()
    }

    /// A BTF file with the types that the programs name.
    pub fn types(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// The number of the function `bpf_iter_NAME`.
    pub fn iterator(&self, name: &str) -> Option<u32> {
        let known = |known: &str| known.strip_prefix("bpf_iter_") == Some(name);
        let place = ITERATORS.iter().position(|one| known(one))?;
        *self.functions.get(place)?
    }

    fn look() -> Option<Self> {
        let cut = read(|btf| Cut::new(btf, NAMES.lines(), &ITERATORS))?;
        let mut file = File::from(memfd_create("types", MemfdFlags::CLOEXEC).ok()?);
        file.write_all(&cut.file).ok()?;
        Some(Self {
            file,
            functions: cut.functions,
        })
    }
}

/// Gives the kernel's types to `then`.
pub fn read<T>(then: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let mut vmlinux = File::open(VMLINUX).ok()?;
    match Mapped::new(&vmlinux) {
        Some(mapped) => then(mapped.bytes()),
        // Before Linux 6.16 it cannot be mapped.
        None => {
            let mut bytes = Vec::new();
            vmlinux.read_to_end(&mut bytes).ok()?;
            then(&bytes)
        }
    }
}

/// A file in memory.
struct Mapped {
    begin: NonNull<u8>,
    length: usize,
}

impl Mapped {
    fn new(file: &File) -> Option<Self> {
        let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
        // SAFETY: the kernel chooses a place that nobody has, and checks the rest of what it is given.
        let begin = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_POPULATE,
                file.as_raw_fd(),
                0,
            )
        };
        if begin == libc::MAP_FAILED {
            return None;
        }
        let begin = NonNull::new(begin.cast())?;
        Some(Self { begin, length })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for as long as `self` lives, to be read only, and part of the kernel's image: it never changes.
        unsafe { slice::from_raw_parts(self.begin.as_ptr(), self.length) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it is what `new` mapped, and nobody has a reference to it any more.
        unsafe { libc::munmap(self.begin.as_ptr().cast(), self.length) };
    }
}
