//! The marks in /proc/PID/fdinfo/FD of a fanotify descriptor (`fanotify_fdinfo`, fs/notify/fdinfo.c). Every number is hexadecimal, but that of a
//! mount namespace.

use super::watches::{field, handle, hexadecimal};
use super::{Malformed, Parsed, lines, lossy};
use crate::model::{Mark, Marked};

/// Reads every line of `bytes` that is a mark.
///
/// # Errors
///
/// When such a line lacks a number, or tells of what no kernel up to 6.18 marks.
pub fn marks(bytes: &[u8]) -> Parsed<Vec<Mark>> {
    let of_marks = |line: &&[u8]| {
        line.strip_prefix(b"fanotify ")
            .is_some_and(|rest| !rest.starts_with(b"flags:"))
    };
    lines(bytes).filter(of_marks).map(mark).collect()
}

fn mark(line: &[u8]) -> Parsed<Mark> {
    let broken = || Malformed::new("fdinfo", format!("{:?}", lossy(line)));
    let number = |name| hexadecimal(field(line, name)?);
    let mask = |name| u32::try_from(number(name)?).ok();
    Ok(Mark {
        object: object(line).ok_or_else(broken)?,
        mask: mask(b"mask:").ok_or_else(broken)?,
        ignored: mask(b"ignored_mask:").ok_or_else(broken)?,
    })
}

fn object(line: &[u8]) -> Option<Marked> {
    let number = |name| hexadecimal(field(line, name)?);
    if let Some(id) = number(b"mnt_id:") {
        return Some(Marked::Mount(id));
    }
    if let Some(namespace) = field(line, b"mnt_ns:") {
        let namespace = std::str::from_utf8(namespace).ok()?.parse().ok()?;
        return Some(Marked::Namespace(namespace));
    }
    // The kernel's own dev_t (include/linux/kdev_t.h).
    let device = u32::try_from(number(b"sdev:")?).ok()?;
    let device = (device >> 20, device & 0xf_ffff);
    Some(match number(b"ino:") {
        Some(inode) => Marked::Inode {
            inode,
            device,
            handle: handle(line),
        },
        None => Marked::Filesystem(device),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind() {
        let text = b"pos:\t0\nflags:\t02\nmnt_id:\t15\nfanotify flags:200 event-flags:0\n\
            fanotify ino:4f969 sdev:800013 mflags:0 mask:8000002 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:69f90400c275b5b4\n\
            fanotify mnt_id:12 mflags:40 mask:38 ignored_mask:40\n\
            fanotify sdev:fe00001 mflags:0 mask:3b ignored_mask:0\n\
            fanotify mnt_ns:4026531841 mflags:0 mask:1000000 ignored_mask:0\n";
        let all = marks(text).unwrap();
        assert!(matches!(
            &all[0].object,
            Marked::Inode {
                inode: 0x4f969,
                device: (8, 0x13),
                handle: Some(_)
            }
        ));
        assert_eq!(
            (all[1].object.clone(), all[1].ignored),
            (Marked::Mount(0x12), 0x40)
        );
        assert_eq!(all[2].object, Marked::Filesystem((254, 1)));
        assert_eq!(all[3].object, Marked::Namespace(4_026_531_841));
        assert!(marks(b"fanotify new:1 mask:1 ignored_mask:0").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = marks(&[b"fanotify ino:2 sdev:3 mask:4 ", &bytes[..]].concat());
            let _ = marks(&bytes);
        }
    }
}
