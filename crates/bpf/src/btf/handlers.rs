//! Section handlers that give libbpf the attach BTF ids of iterators and fexit programs.
//!
//! libbpf parses the whole BTF of the kernel to find the id of a function, which [`KernelBtf`] already has. So libbpf
//! opens the sections `iter/…` and `fexit/…` as programs of a type without attach BTF id, and a handler
//! (`libbpf_register_prog_handler`) sets type and id just before each is loaded.

use std::ffi::{CStr, c_int, c_long};
use std::sync::Once;

use libbpf_rs::libbpf_sys::{
    BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, BPF_TRACE_ITER,
    bpf_prog_load_opts, bpf_program, bpf_program__section_name,
    bpf_program__set_expected_attach_type, bpf_program__set_type, libbpf_find_vmlinux_btf_id,
    libbpf_prog_handler_opts, libbpf_register_prog_handler,
};

use super::casts;
use super::targets::fexit_target;
use super::vmlinux::KernelBtf;

/// Handles the sections `iter/…` and `fexit/…` of all objects that are opened from now on.
pub fn register_handlers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let handler = libbpf_prog_handler_opts {
            sz: size_of::<libbpf_prog_handler_opts>() as _,
            cookie: 0,
            prog_setup_fn: None,
            prog_prepare_load_fn: Some(prepare_load),
            prog_attach_fn: None,
        };
        // SAFETY: both pointers outlive each call, which copies what is behind them. `Once` keeps other threads out;
        // objects are opened only behind it. If registering fails, libbpf's own handlers do the work.
        unsafe {
            for sections in [c"iter+", c"fexit+"] {
                libbpf_register_prog_handler(
                    sections.as_ptr(),
                    BPF_PROG_TYPE_RAW_TRACEPOINT,
                    0,
                    &raw const handler,
                );
            }
        }
    });
}

/// Sets the type and the attach BTF id of a program.
unsafe extern "C" fn prepare_load(
    program: *mut bpf_program,
    options: *mut bpf_prog_load_opts,
    _: c_long,
) -> c_int {
    // SAFETY: libbpf calls this with one of its programs, all of which have a section name.
    let section = unsafe { CStr::from_ptr(bpf_program__section_name(program)) };
    let Some((id, attach_type)) = target(section) else {
        return -libc::ESRCH;
    };
    // SAFETY: libbpf calls this with options of its own and reads them when this has returned; the program is not
    // loaded yet, so its types may be set.
    unsafe {
        (*options).attach_btf_id = id;
        (*options).expected_attach_type = attach_type;
        bpf_program__set_expected_attach_type(program, attach_type);
        match casts::replace(program) {
            0 => bpf_program__set_type(program, BPF_PROG_TYPE_TRACING),
            error => error,
        }
    }
}

/// BTF id of the function that this section attaches to, and the attach type.
fn target(section: &CStr) -> Option<(u32, u32)> {
    let section = section.to_str().ok()?;
    if let Some(number) = section.strip_prefix("fexit/") {
        return Some((fexit_target(number)?, BPF_TRACE_FEXIT));
    }
    let name = section.strip_prefix("iter/")?;
    Some((iterator_id(name)?, BPF_TRACE_ITER))
}

/// Whether the kernel has this iterator.
pub fn has_iterator(name: &str) -> bool {
    iterator_id(name).is_some()
}

fn iterator_id(name: &str) -> Option<u32> {
    if let Some(id) = KernelBtf::get().and_then(|btf| btf.iterator_id(name)) {
        return Some(id);
    }
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: the name ends with a NUL and outlives the call.
    let found = unsafe { libbpf_find_vmlinux_btf_id(name.as_ptr(), BPF_TRACE_ITER) };
    u32::try_from(found).ok().filter(|&id| id > 0)
}
