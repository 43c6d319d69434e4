//! A node with a real containerd, in namespaces of its own (tests/lab/lab.sh).

use std::path::Path;
use std::process::Command;

/// Runs a shell command on the lab's node; `None` where this user cannot have a lab.
pub fn on_lab(command: &str) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the lab needs root, for namespaces and cgroups");
        return None;
    }
    let output = Command::new(script())
        .args(["sh", "-ec", command])
        .output()
        .expect("the lab starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    // Where this kernel cannot have a lab; CI's can, and must.
    if output.status.code() == Some(77) && std::env::var_os("NOSPACE_NEEDS_LAB").is_none() {
        eprintln!("skipped: {errors}");
        return None;
    }
    assert!(
        output.status.success(),
        "the lab ended with {}: {errors}",
        output.status
    );
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

/// The script that makes the node, and starts more pods on it.
pub fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/lab/lab.sh")
}
