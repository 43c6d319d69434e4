use std::borrow::Cow;

use nix::errno::Errno;

/// Name of the error in the result of a system call (`ENOSPC` for -28); `None` for success.
pub fn name(result: i64) -> Option<Cow<'static, str>> {
    if result >= 0 {
        return None;
    }
    // rustix::io::Errno has no names; errno::Errno prints sentences.
    Some(match i32::try_from(-result).map(Errno::from_raw) {
        Ok(Errno::UnknownErrno) | Err(_) => format!("errno {}", -result).into(),
        Ok(errno) => format!("{errno:?}").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_names_and_success_has_none() {
        assert_eq!(name(0), None);
        assert_eq!(name(7), None);
        assert_eq!(name(-11).as_deref(), Some("EAGAIN"));
        assert_eq!(name(-28).as_deref(), Some("ENOSPC"));
        assert_eq!(name(-95).as_deref(), Some("EOPNOTSUPP"));
        assert_eq!(name(-4000).as_deref(), Some("errno 4000"));
    }
}
