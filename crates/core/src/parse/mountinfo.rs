//! /proc/PID/mountinfo (proc_pid_mountinfo(5)).

use super::{Malformed, Parsed, lines, lossy, words};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// `major:minor` of the file system.
    pub device: String,
    /// Directory of the file system that is mounted.
    pub root: String,
    /// Where, in the reader's mount namespace; octal escapes undone.
    pub mountpoint: String,
    /// Options of this mount, `rw,relatime`.
    pub options: String,
    /// Type, `ext4`.
    pub fstype: String,
    /// What is mounted, `/dev/vda`; whatever was given for a file system without a device.
    pub source: String,
    /// Options of the file system itself, `rw,memory`.
    pub super_options: String,
}

/// Reads a mountinfo file, in its order: a later mount covers an earlier one at the same place.
///
/// # Errors
///
/// When a line lacks a field or the separator ` - `.
pub fn mounts(bytes: &[u8]) -> Parsed<Vec<Mount>> {
    lines(bytes).map(mount).collect()
}

/// The mount with this number, as fdinfo has it.
///
/// # Errors
///
/// When its line lacks a field.
pub fn by_number(bytes: &[u8], number: u64) -> Parsed<Option<Mount>> {
    let number = number.to_string();
    let line = lines(bytes).find(|line| words(line).next() == Some(number.as_bytes()));
    line.map(mount).transpose()
}

/// Mounts in the file; a cut last line counts.
#[must_use]
pub fn count(bytes: &[u8]) -> u64 {
    lines(bytes).count() as u64
}

/// Reads one line of a mountinfo file.
///
/// # Errors
///
/// When it lacks a field or the separator ` - `.
pub fn mount(line: &[u8]) -> Parsed<Mount> {
    let broken = || Malformed::new("mountinfo", format!("{:?}", lossy(line)));
    let mut fields = words(line).skip(2);
    let device = fields.next().ok_or_else(broken)?;
    let root = fields.next().ok_or_else(broken)?;
    let mountpoint = fields.next().ok_or_else(broken)?;
    let options = fields.next().ok_or_else(broken)?;
    let mut after = fields.skip_while(|field| *field != b"-").skip(1);
    let fstype = after.next().ok_or_else(broken)?;
    let (first, second) = (after.next(), after.next());
    // The source may be empty, and then there is one word less.
    let (source, super_options) = match (first, second) {
        (Some(source), Some(options)) => (source, options),
        (options, _) => (&b""[..], options.unwrap_or_default()),
    };
    Ok(Mount {
        device: lossy(device),
        root: unescape(root),
        mountpoint: unescape(mountpoint),
        options: lossy(options),
        fstype: lossy(fstype),
        source: unescape(source),
        super_options: lossy(super_options),
    })
}

/// Undoes the octal escapes of space, tab, newline and backslash (`mangle_path`, fs/seq_file.c).
fn unescape(field: &[u8]) -> String {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let code = tail
            .get(..3)
            .filter(|digits| digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        match (first, code) {
            (b'\\', Some(digits)) => {
                let value = digits
                    .iter()
                    .fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
                plain.push(u8::try_from(value).unwrap_or(b'?'));
                rest = &tail[3..];
            }
            _ => plain.push(*first),
        }
    }
    lossy(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_real_file() {
        let bytes = b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n\
            24 22 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
            25 24 0:22 /sub /a\\040b\\134 ro - cgroup  rw,memory\n";
        let mounts = mounts(bytes).unwrap();
        assert_eq!(mounts[0].device, "254:0");
        assert_eq!(
            (mounts[0].mountpoint.as_str(), mounts[0].fstype.as_str()),
            ("/", "ext4")
        );
        assert_eq!(mounts[0].options, "rw,relatime");
        assert_eq!(
            (mounts[0].source.as_str(), mounts[2].source.as_str()),
            ("/dev/vda", "")
        );
        assert_eq!(mounts[2].mountpoint, "/a b\\");
        assert_eq!(mounts[2].root, "/sub");
        assert_eq!(mounts[2].super_options, "rw,memory");
        assert_eq!(count(bytes), 3);
    }

    #[test]
    fn a_cut_line_is_malformed() {
        assert!(mounts(b"22 1 254:0 / / rw,rel").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = mounts(&bytes);
        }

        #[test]
        fn escapes_are_undone(name in "[a-z \\t\\\\/]{0,30}") {
            let escaped = name.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011");
            prop_assert_eq!(unescape(escaped.as_bytes()), name);
        }
    }
}
