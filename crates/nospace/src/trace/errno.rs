use std::borrow::Cow;

/// The error numbers that the traced calls give, as include/uapi/asm-generic/errno*.h names them.
const NAMES: [(i64, &str); 29] = [
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (9, "EBADF"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (28, "ENOSPC"),
    (30, "EROFS"),
    (36, "ENAMETOOLONG"),
    (38, "ENOSYS"),
    (40, "ELOOP"),
    (43, "EIDRM"),
    (87, "EUSERS"),
    (95, "EOPNOTSUPP"),
    (122, "EDQUOT"),
    (126, "ENOKEY"),
];

/// Name of the error that `result` stands for; `None` for success.
pub fn name(result: i64) -> Option<Cow<'static, str>> {
    if result >= 0 {
        return None;
    }
    let named = NAMES.iter().find(|(number, _)| *number == -result);
    Some(named.map_or_else(
        || format!("errno {}", -result).into(),
        |(_, name)| (*name).into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_names_and_success_has_none() {
        assert_eq!(name(0), None);
        assert_eq!(name(7), None);
        assert_eq!(name(-28).as_deref(), Some("ENOSPC"));
        assert_eq!(name(-4000).as_deref(), Some("errno 4000"));
    }

    #[test]
    fn names_are_those_of_the_kernel() {
        use rustix::io::Errno;
        for (errno, word) in [
            (Errno::MFILE, "EMFILE"),
            (Errno::NFILE, "ENFILE"),
            (Errno::NOSPC, "ENOSPC"),
            (Errno::DQUOT, "EDQUOT"),
            (Errno::AGAIN, "EAGAIN"),
            (Errno::IDRM, "EIDRM"),
            (Errno::NOKEY, "ENOKEY"),
            (Errno::USERS, "EUSERS"),
        ] {
            assert_eq!(
                name(-i64::from(errno.raw_os_error())).as_deref(),
                Some(word)
            );
        }
    }
}
