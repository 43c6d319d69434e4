//! /proc/key-users (`proc_key_users_show`, security/keys/proc.c).

use super::{Malformed, Parsed, lossy, number, words};
use crate::model::KeyUser;

/// Reads one line of /proc/key-users: `uid: usage nkeys/nikeys qnkeys/maxkeys qnbytes/maxbytes`.
///
/// # Errors
///
/// When it has another shape.
pub fn key_user(line: &[u8]) -> Parsed<KeyUser> {
    let broken = || Malformed::new("key-users", format!("{:?}", lossy(line)));
    let mut fields = words(line);
    let uid = fields
        .next()
        .and_then(|uid| uid.strip_suffix(b":"))
        .ok_or_else(broken)?;
    let uid = u32::try_from(number("key-users", uid)?).map_err(|_| broken())?;
    let mut fields = fields.skip(2);
    let mut pair = || -> Parsed<(u64, u64)> {
        let field = fields.next().ok_or_else(broken)?;
        let slash = memchr::memchr(b'/', field).ok_or_else(broken)?;
        Ok((
            number("key-users", &field[..slash])?,
            number("key-users", &field[slash + 1..])?,
        ))
    };
    let (keys, max_keys) = pair()?;
    let (bytes, max_bytes) = pair()?;
    Ok(KeyUser {
        uid,
        keys,
        max_keys,
        bytes,
        max_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_real_file() {
        assert_eq!(
            key_user(b"    0:    80 79/79 3/1000000 43/25000000").unwrap(),
            KeyUser {
                uid: 0,
                keys: 3,
                max_keys: 1_000_000,
                bytes: 43,
                max_bytes: 25_000_000
            }
        );
        let user = key_user(b" 1000:     2 2/2 2/200 18/20000");
        assert_eq!(user.unwrap().uid, 1000);
    }

    #[test]
    fn a_cut_line_is_malformed() {
        assert!(key_user(b"    0:    80 79/79 3/1000000 43").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = key_user(&bytes);
        }
    }
}
