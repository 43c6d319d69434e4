//! The argument of a call by the names that its manual page has.

use nospace_bpf::trace::Call;
use rustix::fs::inotify::{CreateFlags, WatchFlags};
use rustix::thread::UnshareFlags;

/// The low byte of clone(2)'s flags is a signal.
const CLONE_SIGNAL: u32 = 0xff;

/// EPOLL_CTL_ADD, DEL, MOD of include/uapi/linux/eventpoll.h
const EPOLL: [&str; 4] = ["?", "add", "del", "mod"];

/// Names of flags or of an operation, in small letters and without their prefix; empty where the argument is a mere
/// number, or none. Flags without a name are one number at the end.
pub fn names(call: Call, argument: u64) -> Vec<String> {
    // The kernel takes 32 bits; what a register holds above them is nobody's.
    let bits = argument as u32;
    match call {
        Call::InotifyAddWatch => {
            let all = WatchFlags::ALL_EVENTS.bits();
            let has_all = bits & all == all;
            let bits = if has_all { bits & !all } else { bits };
            let flags = WatchFlags::from_bits_retain(bits).iter_names();
            let names = named(bits, by_bit(flags.map(|(name, flag)| (flag.bits(), name))));
            let all = has_all.then(|| "all_events".to_owned());
            all.into_iter().chain(names).collect()
        }
        Call::InotifyInit1 => {
            let flags = CreateFlags::from_bits_retain(bits).iter_names();
            named(
                bits,
                flags.map(|(name, flag)| (flag.bits(), name)).collect(),
            )
        }
        Call::Unshare => named(bits, by_bit(namespaces(bits))),
        Call::Clone => {
            let flags = by_bit(namespaces(bits & !CLONE_SIGNAL));
            named(flags.iter().fold(0, |bits, (bit, _)| bits | bit), flags)
        }
        Call::EpollCtl => {
            let name = usize::try_from(argument).ok().and_then(|n| EPOLL.get(n));
            vec![(*name.unwrap_or(&"?")).to_owned()]
        }
        _ => Vec::new(),
    }
}

/// Flags for new namespaces, which are what is counted.
fn namespaces(bits: u32) -> impl Iterator<Item = (u32, &'static str)> {
    let flags = UnshareFlags::from_bits_retain(bits).iter_names();
    let flags = flags.map(|(name, flag)| (flag.bits(), name));
    flags.filter(|(_, name)| name.starts_with("NEW"))
}

/// The lowest bit first.
fn by_bit(flags: impl Iterator<Item = (u32, &'static str)>) -> Vec<(u32, &'static str)> {
    let mut flags: Vec<_> = flags.collect();
    flags.sort_unstable();
    flags
}

fn named(bits: u32, flags: Vec<(u32, &'static str)>) -> Vec<String> {
    let rest = flags.iter().fold(bits, |rest, (bit, _)| rest & !bit);
    let names = flags.into_iter().map(|(_, name)| name.to_ascii_lowercase());
    let rest = (rest != 0).then(|| format!("{rest:#x}"));
    names.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_by_names() {
        let mask = |bits| names(Call::InotifyAddWatch, bits).join("|");
        assert_eq!(mask(0x302), "modify|create|delete");
        assert_eq!(mask(0x18), "close_write|close_nowrite");
        assert_eq!(mask(0xfff), "all_events");
        assert_eq!(mask(0x0100_0fff), "all_events|onlydir");
        assert_eq!(
            mask(0xb700_0000),
            "onlydir|dont_follow|excl_unlink|mask_create|mask_add|oneshot"
        );
        assert_eq!(mask(0x4000_0001), "access|0x40000000");
        assert_eq!(mask(0), "");
        assert_eq!(mask(0xdead_0000_0000_0002), "modify");
    }

    #[test]
    fn every_event_has_the_name_that_it_has_in_watches() {
        use nospace_core::watches::Event;
        for bit in 0..12 {
            let event = Event::of_mask(1 << bit);
            let name = names(Call::InotifyAddWatch, 1 << bit);
            assert_eq!(name, [Event::words(&event)]);
        }
    }

    #[test]
    fn flags_and_operations() {
        let of = names;
        assert_eq!(of(Call::InotifyInit1, 0o2_004_000), ["cloexec", "nonblock"]);
        assert_eq!(of(Call::Unshare, 0x1000_0000), ["newuser"]);
        assert_eq!(of(Call::Unshare, 0x1000_0600), ["newuser", "0x600"]);
        assert_eq!(of(Call::Clone, 0x2000_0000 | 17), ["newpid"]);
        assert_eq!(of(Call::Clone, 0x0001_0f00), [""; 0]);
        assert_eq!(of(Call::EpollCtl, 1), ["add"]);
        assert!(of(Call::Mkdir, 0o755).is_empty());
    }
}
