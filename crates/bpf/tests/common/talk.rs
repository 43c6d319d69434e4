//! The holder's side of the talk: a line for a line.

use std::fs;
use std::io::{self, Write};

use super::sys;

/// Becomes root of a user namespace of its own, which the other side maps.
pub fn enter_namespace(lines: &mut impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
    sys::unshare(libc::CLONE_NEWUSER)?;
    answer("unshared");
    expect(lines, "mapped")?;
    sys::become_user(0)
}

/// Sets a limit of that namespace.
pub fn set_limit(name: &str, limit: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/user/max_{name}"), limit)
}

pub fn answer(line: &str) {
    println!("{line}");
    let _ = io::stdout().flush();
}

/// The next line must begin with `word`; gives the rest.
pub fn expect(
    lines: &mut impl Iterator<Item = io::Result<String>>,
    word: &str,
) -> io::Result<String> {
    let line = lines
        .next()
        .unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
    line.strip_prefix(word)
        .map(|rest| rest.trim().to_owned())
        .ok_or_else(|| io::Error::other(format!("expected {word}, got {line}")))
}
