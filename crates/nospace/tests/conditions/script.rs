//! Shell scripts in namespaces of their own, which end with them.

use std::process::Command;

use crate::support::NOSPACE;

/// Runs as `$1...` whatever follows it as uid 65534. Through a descriptor, because nobody may not
/// be allowed to walk to the program.
const AS_NOBODY: &str = r#"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
exec 8<"$nospace"
"#;

/// A script with a mount namespace of its own, in which `$nospace` is nospace and `$options` are
/// its options.
pub fn private(script: &str, options: &str) -> Command {
    unshare(&["--mount"], script, options)
}

/// A script with namespaces of its own by the options of unshare(1).
pub fn unshare(namespaces: &[&str], script: &str, options: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(namespaces)
        .args(["--fork", "--kill-child", "timeout", "-s", "KILL", "60"])
        .args(["sh", "-euc"])
        .arg(format!("{AS_NOBODY}{script}"))
        .env("nospace", NOSPACE)
        .env("options", options);
    command
}
