//! /proc/key-users (`proc_key_users_show`, security/keys/proc.c).

use super::{Malformed, Parsed, lines, lossy, number, words};
use crate::model::{KeyUser, Keys};

/// Reads /proc/key-users: `uid: usage nkeys/nikeys qnkeys/maxkeys qnbytes/maxbytes` a line.
///
/// # Errors
///
/// When a line has another shape.
pub fn key_users(bytes: &[u8]) -> Parsed<Keys> {
    let users = lines(bytes).map(user).collect::<Parsed<_>>()?;
    Ok(Keys { users })
}

fn user(line: &[u8]) -> Parsed<KeyUser> {
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
        let keys = key_users(
            b"    0:    80 79/79 3/1000000 43/25000000\n 1000:     2 2/2 2/200 18/20000\n",
        );
        let users = keys.unwrap().users;
        assert_eq!(
            users[0],
            KeyUser {
                uid: 0,
                keys: 3,
                max_keys: 1_000_000,
                bytes: 43,
                max_bytes: 25_000_000
            }
        );
        assert_eq!(users[1].uid, 1000);
    }

    #[test]
    fn a_cut_line_is_malformed() {
        assert!(key_users(b"    0:    80 79/79 3/1000000 43").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = key_users(&bytes);
        }
    }
}
