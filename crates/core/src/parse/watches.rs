//! The watches in /proc/PID/fdinfo/FD of an inotify descriptor (`inotify_fdinfo`, fs/notify/fdinfo.c). Every number
//! is hexadecimal; `wd` is so since Linux 2.6.

use super::{Malformed, Parsed, lines, lossy, words};
use crate::model::{FileHandle, Place, Watch};

/// `IN_ALL_EVENTS`; the kernel shows some flags of its own beside them.
const ALL_EVENTS: u32 = 0xfff;

/// Reads every line of `bytes` that is a watch.
///
/// # Errors
///
/// When such a line lacks a number.
pub fn watches(bytes: &[u8]) -> Parsed<Vec<Watch>> {
    lines(bytes)
        .filter(|line| line.starts_with(b"inotify "))
        .map(watch)
        .collect()
}

fn watch(line: &[u8]) -> Parsed<Watch> {
    let broken = || Malformed::new("fdinfo", format!("{:?}", lossy(line)));
    let number = |name| hexadecimal(field(line, name)?);
    let small = |name| u32::try_from(number(name)?).ok();
    let device = small(b"sdev:").ok_or_else(broken)?;
    Ok(Watch {
        wd: small(b"wd:").ok_or_else(broken)?,
        inode: number(b"ino:").ok_or_else(broken)?,
        file: None,
        // The kernel's own dev_t (include/linux/kdev_t.h).
        device: (device >> 20, device & 0xf_ffff),
        mask: small(b"mask:").ok_or_else(broken)? & ALL_EVENTS,
        handle: handle(line),
        place: Place::Forgotten,
    })
}

/// `None` where the file system has no handles.
pub(super) fn handle(line: &[u8]) -> Option<FileHandle> {
    let kind = u32::try_from(hexadecimal(field(line, b"fhandle-type:")?)?).ok()?;
    let digits = field(line, b"f_handle:")?.chunks_exact(2);
    let bytes: Option<Vec<u8>> = digits
        .map(|pair| u8::try_from(hexadecimal(pair)?).ok())
        .collect();
    Some(FileHandle {
        kind: kind.cast_signed(),
        bytes: bytes?,
    })
}

pub(super) fn field<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    words(line).find_map(|word| word.strip_prefix(name))
}

pub(super) fn hexadecimal(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_real_file() {
        let bytes = b"pos:\t0\nflags:\t02000000\nmnt_id:\t15\nino:\t1057\n\
            inotify wd:1f ino:b sdev:fe00001 mask:fce ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:0b0000000badcafe\n\
            inotify wd:1 ino:1f4 sdev:1b mask:4000003 ignored_mask:0\n";
        let all = watches(bytes).unwrap();
        assert_eq!(
            (all[0].wd, all[0].inode, all[0].device, all[0].mask),
            (31, 11, (254, 1), 0xfce)
        );
        let handle = all[0].handle.as_ref().unwrap();
        assert_eq!(
            (handle.kind, &handle.bytes[..]),
            (1, &[11, 0, 0, 0, 0x0b, 0xad, 0xca, 0xfe][..])
        );
        assert_eq!(
            (all[1].inode, all[1].device, all[1].mask, &all[1].handle),
            (500, (0, 27), 3, &None)
        );
    }

    #[test]
    fn a_cut_line_is_malformed() {
        assert!(watches(b"inotify wd:1 ino:b sd").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = watches(&[b"inotify wd:1 ino:2 sdev:3 mask:4 ", &bytes[..]].concat());
            let _ = watches(&bytes);
        }
    }
}
