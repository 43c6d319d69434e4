use nospace_bpf::trace::Call;

type Bits = &'static [(u64, &'static str)];

/// include/uapi/linux/inotify.h
const MASK: Bits = &[
    (0x1, "access"),
    (0x2, "modify"),
    (0x4, "attrib"),
    (0x8, "close_write"),
    (0x10, "close_nowrite"),
    (0x20, "open"),
    (0x40, "moved_from"),
    (0x80, "moved_to"),
    (0x100, "create"),
    (0x200, "delete"),
    (0x400, "delete_self"),
    (0x800, "move_self"),
    (0x0100_0000, "onlydir"),
    (0x0200_0000, "dont_follow"),
    (0x0400_0000, "excl_unlink"),
    (0x1000_0000, "mask_create"),
    (0x2000_0000, "mask_add"),
    (0x8000_0000, "oneshot"),
];
const ALL_EVENTS: u64 = 0xfff;

/// IN_CLOEXEC and IN_NONBLOCK are open(2)'s, include/uapi/asm-generic/fcntl.h
const INIT: Bits = &[(0o2_000_000, "cloexec"), (0o4000, "nonblock")];

/// include/uapi/linux/sched.h: the namespaces, which are what is counted.
const NAMESPACES: Bits = &[
    (0x80, "newtime"),
    (0x0002_0000, "newns"),
    (0x0200_0000, "newcgroup"),
    (0x0400_0000, "newuts"),
    (0x0800_0000, "newipc"),
    (0x1000_0000, "newuser"),
    (0x2000_0000, "newpid"),
    (0x4000_0000, "newnet"),
];
/// The low byte of clone(2)'s flags is a signal.
const CLONE_SIGNAL: u64 = 0xff;

/// EPOLL_CTL_ADD, DEL, MOD of include/uapi/linux/eventpoll.h
const EPOLL: [&str; 4] = ["?", "add", "del", "mod"];

/// What a call's argument says, in words; empty where it is a mere number, or none.
pub fn of(call: Call, argument: u64) -> Vec<String> {
    match call {
        Call::InotifyAddWatch if argument & ALL_EVENTS == ALL_EVENTS => {
            let mut words = vec!["all_events".to_owned()];
            words.extend(set(MASK, argument & !ALL_EVENTS & 0xffff_ffff));
            words
        }
        Call::InotifyAddWatch => set(MASK, argument & 0xffff_ffff),
        Call::InotifyInit1 => set(INIT, argument & 0xffff_ffff),
        Call::Unshare => set(NAMESPACES, argument),
        Call::Clone => known(NAMESPACES, argument & !CLONE_SIGNAL),
        Call::EpollCtl => {
            let word = usize::try_from(argument).ok().and_then(|n| EPOLL.get(n));
            vec![(*word.unwrap_or(&"?")).to_owned()]
        }
        _ => Vec::new(),
    }
}

fn known(bits: Bits, value: u64) -> Vec<String> {
    let has = bits.iter().filter(|(bit, _)| value & bit != 0);
    has.map(|(_, word)| (*word).to_owned()).collect()
}

/// Every bit: what has no name as a number.
fn set(bits: Bits, value: u64) -> Vec<String> {
    let mut words = known(bits, value);
    let rest = bits.iter().fold(value, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        words.push(format!("{rest:#x}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_in_words() {
        let mask = |bits| of(Call::InotifyAddWatch, bits).join("|");
        assert_eq!(mask(0x302), "modify|create|delete");
        assert_eq!(mask(0xfff), "all_events");
        assert_eq!(mask(0x0100_0fff), "all_events|onlydir");
        assert_eq!(mask(0x4000_0001), "access|0x40000000");
        assert_eq!(mask(0), "");
        // The kernel takes 32 bits; what a register holds above them is nobody's.
        assert_eq!(mask(0xdead_0000_0000_0002), "modify");
    }

    #[test]
    fn masks_are_the_kernels() {
        use rustix::fs::inotify::WatchFlags;
        for (bit, word) in MASK {
            let flag = WatchFlags::from_bits(u32::try_from(*bit).unwrap());
            assert!(flag.is_some(), "{word}");
        }
        let all = u64::from(WatchFlags::ALL_EVENTS.bits());
        assert_eq!(all, ALL_EVENTS);
    }

    #[test]
    fn flags_and_operations() {
        assert_eq!(of(Call::InotifyInit1, 0o2_004_000), ["cloexec", "nonblock"]);
        assert_eq!(of(Call::Unshare, 0x1000_0000), ["newuser"]);
        assert_eq!(of(Call::Clone, 0x2000_0000 | 17), ["newpid"]);
        assert_eq!(of(Call::EpollCtl, 1), ["add"]);
        assert!(of(Call::Mkdir, 0o755).is_empty());
    }
}
