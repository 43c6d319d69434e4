//! The records that the programs send; made by build.rs from src/bpf/records.h, and so never out of step with it.
#![allow(missing_docs, reason = "documented in src/bpf/records.h")]

include!(concat!(env!("OUT_DIR"), "/records.rs"));

/// Takes one record off the front of `bytes`.
pub fn take<T>(bytes: &mut &[u8]) -> Option<T>
where
    T: zerocopy::FromBytes,
{
    let (record, rest) = T::read_from_prefix(bytes).ok()?;
    *bytes = rest;
    Some(record)
}

/// Text that C ended with a NUL.
pub fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&b| b == 0).next().unwrap_or_default()
}
