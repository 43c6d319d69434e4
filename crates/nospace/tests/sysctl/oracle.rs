//! The program that is asked: in a small root of its own, where each case's directories are mounted in turn.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use nospace_holder::scratch;
use tempfile::TempDir;

use crate::{KEYS, UNSET};

/// Where the readers look, and the case's directory that is mounted there.
const MOUNTS: [&str; 5] = [
    "etc",
    "run",
    "usr/local/lib/sysctl.d",
    "usr/lib/sysctl.d",
    "lib/sysctl.d",
];

/// Makes sure that it is nobody outside, then answers.
const SCRIPT: &str = r#"
if [ -w /proc/sys/fs/inotify/max_user_watches ]; then echo "may write sysctls of the host"; exit 1; fi
mount --rbind /proc "$root/proc"
touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
echo ready
while read -r case; do
    for key in $keys; do echo "$unset" > /proc/sys/$key; done
    for place in $mounts; do mount --bind "$case/$place" "$root/$place"; done
    chroot "$root" $program >/dev/null 2>&1 || :
    for place in $mounts; do umount "$root/$place"; done
    for key in $keys; do cat /proc/sys/$key; done | tr "\n" " "
    echo
done
"#;

/// A program that reads sysctl.d(5).
pub struct Oracle {
    scratch: TempDir,
    namespaces: Child,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    cases: u32,
}

impl Oracle {
    /// Starts it; `None` where it is not installed.
    pub fn start(program: &str) -> anyhow::Result<Option<Self>> {
        let Some(path) = find(program) else {
            return Ok(None);
        };
        let scratch = scratch()?;
        let root = scratch.path().join("root");
        furnish(&root, &path)?;
        let keys: Vec<String> = KEYS.iter().map(|key| key.replace('.', "/")).collect();
        let program = match program {
            "sysctl" => format!("{} --system", path.display()),
            _ => path.display().to_string(),
        };
        let namespaces = namespaces()?;
        let mut child = Command::new("nsenter")
            .args([
                "-t",
                &namespaces.id().to_string(),
                "-U",
                "-m",
                "-S",
                "0",
                "-G",
                "0",
            ])
            .args(["sh", "-euc", SCRIPT])
            .env("root", &root)
            .env("keys", keys.join(" "))
            .env("unset", UNSET.to_string())
            .env("mounts", MOUNTS.join(" "))
            .env("program", program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("no pipes");
        };
        let answers = BufReader::new(answers);
        let mut oracle = Self {
            scratch,
            namespaces,
            child,
            orders,
            answers,
            cases: 0,
        };
        let said = oracle.line()?;
        ensure!(said.trim() == "ready", "it says {said:?}");
        Ok(Some(oracle))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line)
    }

    /// An empty directory for a case, with the places that the readers look at.
    pub fn case(&mut self) -> anyhow::Result<PathBuf> {
        self.cases += 1;
        let case = self.scratch.path().join(format!("case{}", self.cases));
        for place in MOUNTS {
            fs::create_dir_all(case.join(place))?;
        }
        fs::create_dir_all(case.join("etc/sysctl.d"))?;
        fs::create_dir_all(case.join("run/sysctl.d"))?;
        Ok(case)
    }

    /// What it leaves live of each of [`KEYS`], with the files of `case`.
    pub fn ask(&mut self, case: &Path) -> anyhow::Result<Vec<u64>> {
        writeln!(self.orders, "{}", case.display())?;
        let line = self.line()?;
        let values: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
        let values = values.with_context(|| line.clone())?;
        ensure!(values.len() == KEYS.len(), "it says {line:?}");
        Ok(values)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // Its namespaces and mounts end with it.
        for child in [&mut self.child, &mut self.namespaces] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A user namespace whose root is uid 100000 outside, and a mount namespace of it.
fn namespaces() -> anyhow::Result<Child> {
    let mut child = Command::new("unshare")
        .args(["--user", "--mount", "sh", "-c", "echo entered; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut said)?;
    ensure!(said == "entered\n", "no user namespace");
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{}/{map}", child.id()), "0 100000 1\n")?;
    }
    Ok(child)
}

fn find(program: &str) -> Option<PathBuf> {
    let directories = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/"];
    let places = directories
        .iter()
        .map(|directory| Path::new(directory).join(program.trim_start_matches('/')));
    places.into_iter().find(|path| path.is_file())
}

/// A root with the program, its libraries, and places to mount things.
fn furnish(root: &Path, program: &Path) -> anyhow::Result<()> {
    for place in MOUNTS.into_iter().chain(["proc", "dev"]) {
        fs::create_dir_all(root.join(place))?;
    }
    // The namespace's root is nobody here, and makes one file below.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(root.join("dev"), open)?;
    let output = Command::new("ldd").arg(program).output().context("ldd")?;
    let text = String::from_utf8(output.stdout)?;
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    for file in words.chain(program.to_str()) {
        let to = root.join(file.trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("no parent")?)?;
        fs::copy(file, to).with_context(|| file.to_owned())?;
    }
    for directory in [root, root.parent().unwrap_or(root)] {
        let walk = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(directory, walk)?;
    }
    Ok(())
}
