//! What the tests that need root share.
#![allow(dead_code, reason = "each test uses a part")]

pub mod sys;
pub mod talk;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The holder's root is this uid of the host, which nobody else is.
pub const KUID: u32 = 700_000;

pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Outcome<()> {
    if is == should {
        return Ok(());
    }
    Err(format!("{what}: {is:?}, should be {should:?}").into())
}

/// What a test has loaded, or how it ends where that is not possible.
pub fn loaded<T, E: std::fmt::Display>(outcome: Result<T, E>) -> Result<T, ExitCode> {
    outcome.map_err(|e| {
        if std::env::var_os("NOSPACE_NEEDS_EBPF").is_none() {
            println!("skipped: {e}");
            return ExitCode::SUCCESS;
        }
        println!("FAILED: {e}");
        ExitCode::FAILURE
    })
}

/// A case by name; it says what it saw.
pub type Case<T> = (&'static str, fn(&mut T) -> Outcome<String>);

/// Runs cases, and prints what became of them.
pub fn run<T>(cases: &[Case<T>], with: &mut T) -> ExitCode {
    let mut failed = 0;
    for (name, case) in cases {
        match case(with) {
            Ok(seen) => println!("{name} ... ok ({seen})"),
            Err(e) => {
                failed += 1;
                println!("{name} ... FAILED: {e}");
            }
        }
    }
    println!("{} cases, {failed} failed", cases.len());
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// 400 files to watch.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn new() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        for n in 0..400 {
            let file = directory.path().join(n.to_string());
            fs::write(&file, "")?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        }
        Ok(Self(directory))
    }
}

/// A process in a user namespace of its own: this program again, in the mode `holder`.
pub struct Holder(Child);

impl Holder {
    /// Returns when the case is set up.
    pub fn start(case: &str, files: &Path) -> Outcome<Self> {
        let child = Command::new("/proc/self/exe")
            .args(["holder", case])
            .arg(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut holder = Self(child);
        holder.answer("unshared")?;
        let pid = holder.0.id();
        for map in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{pid}/{map}"), format!("0 {KUID} 65536\n"))?;
        }
        holder.tell("mapped")?;
        holder.answer("ready")?;
        Ok(holder)
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn user_namespace(&self) -> Outcome<u64> {
        Ok(fs::metadata(format!("/proc/{}/ns/user", self.0.id()))?.ino())
    }

    pub fn ask(&mut self, line: &str) -> Outcome<String> {
        self.tell(line)?;
        self.line()
    }

    pub fn tell(&mut self, line: &str) -> Outcome<()> {
        let stdin = self.0.stdin.as_mut().ok_or("no stdin")?;
        Ok(writeln!(stdin, "{line}")?)
    }

    fn answer(&mut self, should: &str) -> Outcome<()> {
        let is = self.line()?;
        same("the holder's answer", is.as_str(), should)
    }

    /// Byte by byte: a buffered reader would not survive until the next line.
    pub fn line(&mut self) -> Outcome<String> {
        let stdout = self.0.stdout.as_mut().ok_or("no stdout")?;
        let mut line = String::new();
        BufReader::with_capacity(1, stdout).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
