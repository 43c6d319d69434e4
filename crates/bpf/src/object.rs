//! Loading BPF objects, and the errors of libbpf.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::path::PathBuf;

use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{IterOpts, Link, PrintLevel, ProgramMut, set_print};

use crate::btf::{self, KernelBtf};
use crate::support::{Coverage, Environment, Unsupported, assess};

thread_local! {
    /// The first warning of libbpf since this thread opened its last object, which names the program or map; those after it name only
    /// the object. libbpf warns on the thread that calls it, and objects are loaded on several at once.
    static WARNING: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The open skeleton of a skeleton builder, and the loaded one.
type Open<B> = <B as SkelBuilder<'static>>::Output;
type Loaded<B> = <Open<B> as OpenSkel<'static>>::Output;

/// Checks the environment, then opens and loads an object. `prepare` selects programs and sets constants in between. The
/// coverage is what iterators of the object see.
pub fn load<B>(
    prepare: impl Fn(&mut Open<B>) -> libbpf_rs::Result<()>,
) -> Result<(Loaded<B>, Coverage), Unsupported>
where
    B: SkelBuilder<'static> + Default,
{
    let coverage = assess(&Environment::probe_quickly())?;
    set_print(Some((PrintLevel::Warn, keep_warning)));
    let minimal = KernelBtf::get().and_then(|btf| open::<B>(Some(btf.path()), &prepare).ok());
    let loaded = minimal.map_or_else(|| open::<B>(None, &prepare), Ok);
    let loaded = loaded.map_err(|e| match assess(&Environment::probe()) {
        Err(known) => known,
        Ok(_) => load_error("load its BPF programs", &e),
    })?;
    Ok((loaded, coverage))
}

/// Opens and loads an object with all of the kernel's types; the caller has checked the environment. The error is libbpf's, with
/// its first warning.
pub fn load_by_kernel_btf<B>(
    prepare: impl Fn(&mut Open<B>) -> libbpf_rs::Result<()>,
) -> Result<Loaded<B>, (libbpf_rs::Error, Option<String>)>
where
    B: SkelBuilder<'static> + Default,
{
    set_print(Some((PrintLevel::Warn, keep_warning)));
    open::<B>(None, prepare).map_err(|error| (error, take_warning()))
}

/// Loads an object with the kernel's BTF from the file `btf`, or from where libbpf finds it.
fn open<B>(
    kernel_btf: Option<PathBuf>,
    prepare: impl Fn(&mut Open<B>) -> libbpf_rs::Result<()>,
) -> libbpf_rs::Result<Loaded<B>>
where
    B: SkelBuilder<'static> + Default,
{
    btf::register_handlers();
    take_warning();
    let mut builder = B::default();
    if let Some(path) = kernel_btf {
        builder.object_builder_mut().btf_custom_path(path)?;
    }
    // A skeleton borrows the memory of its object, which is one pointer. Leaking these 8 bytes lets a struct own the
    // skeleton without borrowing from itself.
    let mut open = builder.open(Box::leak(Box::new(MaybeUninit::uninit())))?;
    prepare(&mut open)?;
    let loaded = open.load()?;
    // Not to quote a warning of the load when attaching fails.
    take_warning();
    Ok(loaded)
}

/// Attaches an iterator; nothing runs until it is read.
pub fn attach(iterator: &ProgramMut<'_>) -> Result<Link, Unsupported> {
    iterator
        .attach_iter_with_opts(IterOpts::None)
        .map_err(|e| load_error("attach its iterators", &e))
}

/// The kernel or libbpf failed to do `what`; quotes the warning of libbpf.
pub fn load_error(what: &str, error: &libbpf_rs::Error) -> Unsupported {
    let warning = take_warning()
        .map(|text| format!(" ({text})"))
        .unwrap_or_default();
    Unsupported {
        reason: format!("the kernel did not let nospace {what}: {error}{warning}"),
        remedy:
            "run as root on the host; if that does not help, report this with the kernel version (uname -r)"
                .to_owned(),
    }
}

/// libbpf prints its warnings to standard error unless a callback takes them.
fn keep_warning(_: PrintLevel, text: String) {
    WARNING.with_borrow_mut(|first| {
        first.get_or_insert_with(|| text.trim_end().to_owned());
    });
}

/// The first warning of libbpf on this thread since this was called last.
pub fn take_warning() -> Option<String> {
    WARNING.take()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::{accounting, accounting_direct, tables, tables_direct, trace, watches};

    /// Loads an object with a minimal BTF and without.
    fn loads<B: SkelBuilder<'static> + Default>() {
        let minimal = KernelBtf::get().unwrap().path();
        for kernel_btf in [Some(minimal), None] {
            let loaded = open::<B>(kernel_btf, |_| Ok(()));
            assert!(loaded.is_ok(), "see the warnings of libbpf");
        }
    }

    /// `load` falls back from the first to the second, so only this test shows that both work.
    #[test]
    fn every_object_loads_with_a_minimal_btf_and_without() {
        set_print(Some((PrintLevel::Warn, |_, text| print!("{text}"))));
        if let Err(why) = assess(&Environment::probe()) {
            println!("skipped: {why}");
            return;
        }
        loads::<accounting::AccountingSkelBuilder>();
        loads::<tables::TablesSkelBuilder>();
        loads::<watches::WatchesSkelBuilder>();
        loads::<trace::TraceSkelBuilder>();
        if btf::has_casts() {
            loads::<accounting_direct::AccountingDirectSkelBuilder>();
            loads::<tables_direct::TablesDirectSkelBuilder>();
        } else {
            println!("skipped: this kernel has no bpf_rdonly_cast");
        }
    }
}
