//! Loading a compiled BPF object, and what libbpf says when that fails.

use std::io;
use std::sync::Mutex;

use libbpf_rs::{Link, Map, MapCore, Object, ObjectBuilder, OpenObject, PrintLevel, set_print};

use crate::support::{Coverage, Facts, Unsupported, decide};

/// libbpf's warnings since the last load began; it prints to standard error if nobody takes them.
static WARNINGS: Mutex<String> = Mutex::new(String::new());
/// A verifier log may be a megabyte; its end says what was refused.
const KEEP: usize = 4096;

/// Looks whether that can work, opens `image`, lets `adjust` choose programs, loads it. The coverage is what its
/// iterators see.
pub fn load(
    image: &[u8],
    adjust: impl FnOnce(&mut OpenObject) -> libbpf_rs::Result<()>,
) -> Result<(Object, Coverage), Unsupported> {
    let coverage = decide(&Facts::glance())?;
    set_print(Some((PrintLevel::Warn, keep_warning)));
    with_warnings(String::clear);
    let load = || {
        let mut open = ObjectBuilder::default().open_memory(image)?;
        adjust(&mut open)?;
        open.load()
    };
    let object = load().map_err(|e| match decide(&Facts::probe()) {
        Err(known) => known,
        Ok(_) => refused("load its BPF programs", &e),
    })?;
    Ok((object, coverage))
}

/// Attaches the program `name`; an iterator does not run until it is read.
pub fn attach(object: &Object, name: &str) -> Result<Link, Unsupported> {
    let program = object
        .progs_mut()
        .find(|p| p.name() == name)
        .ok_or_else(|| Unsupported::fault(format!("the program {name}")))?;
    program
        .attach()
        .map_err(|e| refused("attach its BPF programs", &e))
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
