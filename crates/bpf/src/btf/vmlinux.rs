use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::slice;
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, memfd_create};

use super::casts;
use super::minimal::{MinimalBtf, TYPES};

/// The kernel's BTF (`CONFIG_DEBUG_INFO_BTF`).
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";
/// The functions that iterator programs attach to, and the one that they call.
const FUNCTIONS: [&str; 4] = [
    "bpf_iter_bpf_prog",
    "bpf_iter_task",
    "bpf_iter_task_file",
    casts::FUNCTION,
];

/// What the programs need of the running kernel's BTF.
pub struct KernelBtf {
    /// A minimal BTF, in memory.
    file: File,
    function_ids: Vec<Option<u32>>,
    struct_ids: HashMap<String, u32>,
}

impl KernelBtf {
    /// Read once, and kept until the process ends; `None` where it cannot be read, and libbpf has to.
    pub fn get() -> Option<&'static Self> {
        static KERNEL: OnceLock<Option<KernelBtf>> = OnceLock::new();
        KERNEL.get_or_init(Self::read).as_ref()
    }

    /// Path of a BTF file with the types that the programs read, for `btf_custom_path`.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// BTF id of the function `bpf_iter_NAME`.
    pub fn iterator_id(&self, name: &str) -> Option<u32> {
        self.function_id(|function| function.strip_prefix("bpf_iter_") == Some(name))
    }

    /// BTF id of the function by which a program casts an address to a type.
    pub fn cast_id(&self) -> Option<u32> {
        self.function_id(|function| function == casts::FUNCTION)
    }

    /// BTF id of a struct that the programs read; `None` where the kernel has none or several of this name.
    pub fn struct_id(&self, name: &str) -> Option<u32> {
        self.struct_ids.get(name).copied()
    }

    fn function_id(&self, is: impl Fn(&str) -> bool) -> Option<u32> {
        let position = FUNCTIONS.iter().position(|function| is(function))?;
        *self.function_ids.get(position)?
    }

    fn read() -> Option<Self> {
        let minimal = read(|btf| MinimalBtf::new(btf, TYPES.lines(), &FUNCTIONS))?;
        let mut file = File::from(memfd_create("minimal-btf", MemfdFlags::CLOEXEC).ok()?);
        file.write_all(&minimal.file).ok()?;
        Some(Self {
            file,
            function_ids: minimal.function_ids,
            struct_ids: minimal.struct_ids,
        })
    }
}

/// Reads the kernel's BTF and gives it to `then`.
pub fn read<T>(then: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let mut vmlinux = File::open(VMLINUX).ok()?;
    match Mapping::new(&vmlinux) {
        Some(mapping) => then(mapping.bytes()),
        // Before Linux 6.16 it cannot be mapped.
        None => {
            let mut bytes = Vec::new();
            vmlinux.read_to_end(&mut bytes).ok()?;
            then(&bytes)
        }
    }
}

/// A file mapped into memory.
struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

impl Mapping {
    fn new(file: &File) -> Option<Self> {
        let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
        // SAFETY: the kernel chooses an unused address, and checks the other arguments.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_POPULATE,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = NonNull::new(start.cast())?;
        Some(Self { start, length })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped read-only for as long as `self` lives, and part of the kernel's image: it never changes.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `new` mapped it, and nobody has a reference to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
