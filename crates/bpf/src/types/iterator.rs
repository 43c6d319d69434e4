//! Programs for functions of the kernel, told to it by number: iterators, and what runs where a function ends.
//!
//! libbpf parses all of the kernel's types to find the number of a function. [`Kernel`] has it already, so the sections
//! `iter/…` and `fexit/…` are given to libbpf as programs of another type, whose numbers are nobody's business, and
//! become what they are at the last moment: `libbpf_register_prog_handler` is made for such.

use std::ffi::{CStr, c_int, c_long};
use std::sync::Once;

use libbpf_rs::libbpf_sys::{
    BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, BPF_TRACE_ITER,
    bpf_prog_load_opts, bpf_program, bpf_program__section_name,
    bpf_program__set_expected_attach_type, bpf_program__set_type, libbpf_find_vmlinux_btf_id,
    libbpf_prog_handler_opts, libbpf_register_prog_handler,
};

use super::{Kernel, functions};

/// Takes the sections `iter/…` and `fexit/…` of all objects that are opened from now on.
pub fn claim() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let handler = libbpf_prog_handler_opts {
            sz: size_of::<libbpf_prog_handler_opts>() as _,
            cookie: 0,
            prog_setup_fn: None,
            prog_prepare_load_fn: Some(prepare),
            prog_attach_fn: None,
        };
        // SAFETY: both pointers outlive each call, which copies what is behind them. `Once` keeps other threads out;
        // objects are opened only behind it. Where it fails libbpf's own handler does the work.
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

/// Makes the program what it is, just before it is loaded.
unsafe extern "C" fn prepare(
    program: *mut bpf_program,
    options: *mut bpf_prog_load_opts,
    _: c_long,
) -> c_int {
    // SAFETY: libbpf calls this with a program of its own, whose section has a name.
    let section = unsafe { CStr::from_ptr(bpf_program__section_name(program)) };
    let Some((number, kind)) = number(section) else {
        return -libc::ESRCH;
    };
    // SAFETY: libbpf calls this with options of its own and reads them when this has returned; the program is not
    // loaded yet, so its types may be set.
    unsafe {
        (*options).attach_btf_id = number;
        (*options).expected_attach_type = kind;
        bpf_program__set_expected_attach_type(program, kind);
        bpf_program__set_type(program, BPF_PROG_TYPE_TRACING)
    }
}

/// Of the function that this section is for, and what the program is to it.
fn number(section: &CStr) -> Option<(u32, u32)> {
    let section = section.to_str().ok()?;
    if let Some(place) = section.strip_prefix("fexit/") {
        return Some((functions::target(place)?, BPF_TRACE_FEXIT));
    }
    let name = section.strip_prefix("iter/")?;
    if let Some(number) = Kernel::known().and_then(|kernel| kernel.iterator(name)) {
        return Some((number, BPF_TRACE_ITER));
    }
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: the name ends with a NUL and outlives the call.
    let found = unsafe { libbpf_find_vmlinux_btf_id(name.as_ptr(), BPF_TRACE_ITER) };
    let number = u32::try_from(found).ok().filter(|&number| number > 0)?;
    Some((number, BPF_TRACE_ITER))
}
