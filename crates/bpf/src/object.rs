//! Loading a compiled BPF object, and what libbpf says when that fails.

use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::Mutex;

use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{IterOpts, Link, PrintLevel, ProgramMut, set_print};

use crate::support::{Coverage, Facts, Unsupported, decide};
use crate::types::{self, Kernel};

/// libbpf's warnings since the last load began; it prints to standard error if nobody takes them.
static WARNINGS: Mutex<String> = Mutex::new(String::new());
/// A verifier log may be a megabyte; its end says what was refused.
const KEEP: usize = 4096;

/// What a skeleton builder opens, and what that becomes once it is loaded.
type Open<B> = <B as SkelBuilder<'static>>::Output;
type Loaded<B> = <Open<B> as OpenSkel<'static>>::Output;

/// Checks that this can work, opens the object of the skeleton, lets `prepare` choose programs, loads it. The coverage
/// is what its iterators see.
pub fn load<B>(
    prepare: impl Fn(&mut Open<B>) -> libbpf_rs::Result<()>,
) -> Result<(Loaded<B>, Coverage), Unsupported>
where
    B: SkelBuilder<'static> + Default,
{
    let coverage = decide(&Facts::glance())?;
    set_print(Some((PrintLevel::Warn, keep_warning)));
    with_warnings(String::clear);
    let quick = Kernel::known().and_then(|kernel| open::<B>(Some(kernel.types()), &prepare).ok());
    let loaded = quick.map_or_else(|| open::<B>(None, &prepare), Ok);
    let loaded = loaded.map_err(|e| match decide(&Facts::probe()) {
        Err(known) => known,
        Ok(_) => refused("load its BPF programs", &e),
    })?;
    Ok((loaded, coverage))
}

/// Loads the object with the kernel's types from this file, or from where libbpf finds them.
fn open<B>(
    types: Option<PathBuf>,
    prepare: impl Fn(&mut Open<B>) -> libbpf_rs::Result<()>,
) -> libbpf_rs::Result<Loaded<B>>
where
    B: SkelBuilder<'static> + Default,
{
    types::claim();
    let mut builder = B::default();
    if let Some(types) = types {
        builder.object_builder_mut().btf_custom_path(types)?;
    }
    // A skeleton borrows the place of its object, a pointer. What owns the skeleton would borrow from itself, so the
    // place is leaked: 8 bytes a load.
    let mut open = builder.open(Box::leak(Box::new(MaybeUninit::uninit())))?;
    prepare(&mut open)?;
    open.load()
}

/// Attaches an iterator; nothing runs until it is read.
pub fn attach(iterator: &ProgramMut<'_>) -> Result<Link, Unsupported> {
    iterator
        .attach_iter_with_opts(IterOpts::None)
        .map_err(|e| refused("attach its iterators", &e))
}

/// The kernel, or libbpf for it, refused to do `what`.
pub fn refused(what: &str, error: &libbpf_rs::Error) -> Unsupported {
    let said = with_warnings(|w| w.lines().last().map(str::to_owned));
    let said = said.map(|line| format!(" ({line})")).unwrap_or_default();
    Unsupported {
        reason: format!("the kernel did not let nospace {what}: {error}{said}"),
        remedy: "run as root on the host, or report this with the kernel's version".to_owned(),
    }
}

fn keep_warning(_: PrintLevel, text: String) {
    with_warnings(|w| {
        w.push_str(&text);
        if w.len() > KEEP {
            let cut = (w.len() - KEEP..w.len()).find(|&i| w.is_char_boundary(i));
            w.drain(..cut.unwrap_or(w.len()));
        }
    });
}

fn with_warnings<T>(then: impl FnOnce(&mut String) -> T) -> T {
    then(&mut WARNINGS.lock().unwrap_or_else(|broken| broken.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::{accounting, trace, watches};

    /// The short way falls back to the long one, so only this tells that both work.
    fn loads<B: SkelBuilder<'static> + Default>() {
        let types = Kernel::known().unwrap().types();
        for types in [Some(types), None] {
            let loaded = open::<B>(types, |_| Ok(()));
            assert!(loaded.is_ok(), "{}", with_warnings(|w| w.clone()));
        }
    }

    /// The short way falls back to the long one, so only this tells that both work.
    #[test]
    fn every_object_loads_either_way() {
        set_print(Some((PrintLevel::Warn, keep_warning)));
        if let Err(why) = decide(&Facts::probe()) {
            println!("skipped: {why}");
            return;
        }
        loads::<accounting::AccountingSkelBuilder>();
        loads::<watches::WatchesSkelBuilder>();
        loads::<trace::TraceSkelBuilder>();
    }
}
