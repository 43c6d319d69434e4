//! What guards say of themselves in a map of their programs: `struct guard_published` of src/bpf/records.h.

use std::mem::offset_of;
use std::time::Duration;

use super::model::{Both, ExemptList, FoundGuard, Mode, Resource, RunningGuard};
use crate::records::take;
use crate::skeleton::guard::types::{guard_mode, guard_published};

const MAGIC: u64 = 0x6472_6175_6773_6e21;
const VERSION: u32 = 1;
/// What every guard has said from the first: all but the list of who is exempt, which others may make longer.
const LEAST: usize = offset_of!(guard_published, exempt);

/// Reads what a map says, at the time `now` (CLOCK_MONOTONIC, ns); `None` where nothing is guarded.
pub fn decode(value: &[u8], now: u64) -> Option<FoundGuard> {
    // What an older nospace of the same version does not have is zero.
    let mut bytes = value.to_vec();
    bytes.resize(bytes.len().max(size_of::<guard_published>()), 0);
    let found: guard_published = take(&mut bytes.as_slice())?;
    if value.len() < LEAST || found.magic != MAGIC {
        return Some(FoundGuard::Malformed);
    }
    if found.version != VERSION {
        return Some(FoundGuard::OtherVersion(found.version));
    }
    let mode = match found.mode {
        guard_mode::GUARD_OFF => return None,
        guard_mode::GUARD_SHADOW => Mode::Shadow,
        guard_mode::GUARD_ENFORCE => Mode::Enforce,
        _ => return Some(FoundGuard::Malformed),
    };
    let of = |values: [u64; 2]| {
        Both::from_fn(|resource| {
            let number = number(resource);
            (found.guarded & 1 << number != 0).then_some(values[number])
        })
    };
    let age = |at: Option<u64>| {
        let at = at.filter(|at| *at > 0)?;
        Some(Duration::from_nanos(now.saturating_sub(at)))
    };
    let tested = of(found.tested);
    Some(FoundGuard::Running(RunningGuard {
        pid: found.pid,
        mode,
        reserve: of(found.reserve),
        tested: Both::from_fn(|resource| age(*tested.of(resource))),
        exempt: exempt(&found),
    }))
}

/// `guard_resource`.
pub fn number(resource: Resource) -> usize {
    match resource {
        Resource::Watches => 0,
        Resource::Instances => 1,
    }
}

fn exempt(found: &guard_published) -> ExemptList {
    let there = found.exempt_length as usize;
    let kept = &found.exempt[..there.min(found.exempt.len())];
    // A name that was cut has no end.
    let mut names = kept.split_inclusive(|byte| *byte == b'\n');
    let whole = names.by_ref().filter_map(|name| name.strip_suffix(b"\n"));
    ExemptList {
        names: whole
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
        has_more: there > kept.len(),
    }
}

/// The list as a guard publishes it, cut where it does not fit, and the bytes that it would take.
pub fn encode_exempt(names: &[String]) -> ([u8; EXEMPT], u32) {
    let mut all: Vec<u8> = Vec::new();
    for name in names {
        all.extend(
            name.bytes()
                .map(|byte| if byte == b'\n' { b'?' } else { byte }),
        );
        all.push(b'\n');
    }
    let mut kept = [0; EXEMPT];
    let length = all.len().min(EXEMPT);
    kept[..length].copy_from_slice(&all[..length]);
    (kept, u32::try_from(all.len()).unwrap_or(u32::MAX))
}

/// Room for the list.
pub const EXEMPT: usize = size_of::<guard_published>() - LEAST;

#[cfg(test)]
mod tests {
    use super::*;

    /// A guard of this nospace, as bytes.
    fn bytes(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut all = Vec::new();
        all.extend(MAGIC.to_ne_bytes());
        for word in [VERSION, 1088, 2, 41, 0b01, 12] {
            all.extend(word.to_ne_bytes());
        }
        for number in [100_u64, 20, 7_000_000_000, 0] {
            all.extend(number.to_ne_bytes());
        }
        all.extend(b"kube-system\n");
        all.resize(size_of::<guard_published>(), 0);
        change(&mut all);
        all
    }

    fn found(bytes: &[u8]) -> Option<FoundGuard> {
        decode(bytes, 9_000_000_000)
    }

    fn guard() -> RunningGuard {
        RunningGuard {
            pid: 41,
            mode: Mode::Enforce,
            reserve: Both {
                watches: Some(100),
                instances: None,
            },
            tested: Both {
                watches: Some(Duration::from_secs(2)),
                instances: None,
            },
            exempt: ExemptList {
                names: vec!["kube-system".to_owned()],
                has_more: false,
            },
        }
    }

    #[test]
    fn the_order_of_the_fields_is_fixed() {
        assert_eq!(found(&bytes(|_| {})), Some(FoundGuard::Running(guard())));
        assert_eq!(size_of::<guard_published>(), 1088);
    }

    #[test]
    fn what_a_later_nospace_adds_at_the_end_does_not_matter() {
        let longer = bytes(|all| all.extend([7; 100]));
        assert_eq!(found(&longer), Some(FoundGuard::Running(guard())));
        let shorter = bytes(|all| all.truncate(LEAST + 12));
        assert_eq!(found(&shorter), Some(FoundGuard::Running(guard())));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        let other = bytes(|all| all[8] = 2);
        assert_eq!(found(&other), Some(FoundGuard::OtherVersion(2)));
        for wrong in [
            bytes(|all| all[0] ^= 1),
            bytes(|all| all[16] = 3),
            bytes(|all| all.truncate(LEAST - 1)),
            Vec::new(),
        ] {
            assert_eq!(found(&wrong), Some(FoundGuard::Malformed));
        }
    }

    #[test]
    fn a_probe_is_no_guard() {
        assert_eq!(found(&bytes(|all| all[16] = 0)), None);
    }

    #[test]
    fn a_list_that_does_not_fit_is_said_to_be_longer() {
        let names: Vec<String> = (0..200).map(|n| format!("namespace-{n}")).collect();
        let (kept, length) = encode_exempt(&names);
        let many = bytes(|all| {
            all[28..32].copy_from_slice(&length.to_ne_bytes());
            all[LEAST..].copy_from_slice(&kept);
        });
        let Some(FoundGuard::Running(found)) = found(&many) else {
            panic!("not found");
        };
        assert!(found.exempt.has_more);
        assert!(found.exempt.names.len() > 60);
        assert_eq!(found.exempt.names, names[..found.exempt.names.len()]);
    }
}
