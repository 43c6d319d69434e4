//! Loading a compiled BPF object, and what libbpf says when that fails.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use libbpf_rs::{
    IterOpts, Link, Map, MapCore, Object, ObjectBuilder, OpenObject, PrintLevel, ProgramMut,
    set_print,
};

use crate::support::{Coverage, Facts, Unsupported, decide};
use crate::types::{self, Kernel};

/// libbpf's warnings since the last load began; it prints to standard error if nobody takes them.
static WARNINGS: Mutex<String> = Mutex::new(String::new());
/// A verifier log may be a megabyte; its end says what was refused.
const KEEP: usize = 4096;

/// Looks whether that can work, opens `image`, lets `adjust` choose programs, loads it. The coverage is what its
/// iterators see.
pub fn load(
    image: &[u8],
    adjust: impl Fn(&mut OpenObject) -> libbpf_rs::Result<()>,
) -> Result<(Object, Coverage), Unsupported> {
    let coverage = decide(&Facts::glance())?;
    set_print(Some((PrintLevel::Warn, keep_warning)));
    with_warnings(String::clear);
    let quick = Kernel::known().and_then(|kernel| open(image, Some(kernel.types()), &adjust).ok());
    let object = quick.map_or_else(|| open(image, None, &adjust), Ok);
    let object = object.map_err(|e| match decide(&Facts::probe()) {
        Err(known) => known,
        Ok(_) => refused("load its BPF programs", &e),
    })?;
    Ok((object, coverage))
}

/// Loads `image` with the kernel's types from this file, or from where libbpf finds them.
fn open(
    image: &[u8],
    types: Option<PathBuf>,
    adjust: impl Fn(&mut OpenObject) -> libbpf_rs::Result<()>,
) -> libbpf_rs::Result<Object> {
    types::claim();
    let mut builder = ObjectBuilder::default();
    if let Some(types) = types {
        builder.btf_custom_path(types)?;
    }
    let mut open = builder.open_memory(image)?;
    adjust(&mut open)?;
    open.load()
}

/// Attaches the iterator `name`; nothing runs until it is read.
pub fn attach(object: &Object, name: &str) -> Result<Link, Unsupported> {
    program(object, name)?
        .attach_iter_with_opts(IterOpts::None)
        .map_err(|e| refused("attach its iterators", &e))
}

fn program<'a>(object: &'a Object, name: &str) -> Result<ProgramMut<'a>, Unsupported> {
    let mut programs = object.progs_mut();
    programs
        .find(|p| p.name() == name)
        .ok_or_else(|| Unsupported::fault(format!("the program {name}")))
}

/// The map `name` of `object`.
pub fn map<'a>(object: &'a Object, name: &str) -> io::Result<Map<'a>> {
    object
        .maps()
        .find(|map| map.name() == name)
        .ok_or_else(|| io::Error::other(Unsupported::fault(format!("the map {name}"))))
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

    /// The short way falls back to the long one, so only this tells that both work.
    #[test]
    fn every_object_loads_either_way() {
        set_print(Some((PrintLevel::Warn, keep_warning)));
        let images: [&[u8]; 3] = [
            include_bytes!(concat!(env!("OUT_DIR"), "/accounting.bpf.o")),
            include_bytes!(concat!(env!("OUT_DIR"), "/watches.bpf.o")),
            include_bytes!(concat!(env!("OUT_DIR"), "/trace.bpf.o")),
        ];
        if let Err(why) = decide(&Facts::probe()) {
            println!("skipped: {why}");
            return;
        }
        let types = Kernel::known().unwrap().types();
        for image in images {
            for types in [Some(types.clone()), None] {
                let loaded = open(image, types, |_| Ok(()));
                assert!(loaded.is_ok(), "{}", with_warnings(|w| w.clone()));
            }
        }
    }
}
