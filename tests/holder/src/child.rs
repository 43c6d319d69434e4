//! Other processes that hold the holder's instances. They end with it: it is their parent, and
//! the other end of their standard input.

use std::io::{BufRead as _, BufReader, IoSlice, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::NAME;
use crate::hold::die_with_parent;

/// First argument of a child that keeps what it inherited.
pub const KEEP: &str = "keep";
/// First argument of a child that keeps what its standard input, a socket, brings.
pub const RECEIVE: &str = "receive";
/// Descriptors that one message carries (`SCM_MAX_FD` is 253).
const MOST: usize = 64;

/// A process that holds as well.
pub struct Child {
    process: std::process::Child,
    _line: Option<OwnedFd>,
}

impl Child {
    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone after this.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This program, to be started as a holder's helper. Through /proc, because the user that the
/// holder has become may not be allowed to walk to the file.
pub fn again() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME);
    command
}

fn start(mode: &str, stdin: Stdio, line: Option<OwnedFd>) -> anyhow::Result<Child> {
    let process = again()
        .arg(mode)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a child")?;
    let mut child = Child {
        process,
        _line: line,
    };
    if mode == KEEP {
        child.wait()?;
    }
    Ok(child)
}

impl Child {
    fn wait(&mut self) -> anyhow::Result<()> {
        let output = self.process.stdout.as_mut().context("no pipe")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line == "holding\n", "the child says {line:?}");
        Ok(())
    }
}

/// A child that holds every descriptor without close-on-exec.
pub fn inheriting() -> anyhow::Result<Child> {
    start(KEEP, Stdio::piped(), None)
}

/// A child that gets `instances` over a socket; they are closed here.
pub fn receiving(instances: Vec<OwnedFd>) -> anyhow::Result<Child> {
    ensure!(instances.len() <= MOST, "at most {MOST} can be passed");
    let kind = SocketType::SEQPACKET;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    let mut child = start(RECEIVE, theirs.into(), Some(ours.try_clone()?))?;
    let passed: Vec<_> = instances.iter().map(|instance| instance.as_fd()).collect();
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    ensure!(
        control.push(SendAncillaryMessage::ScmRights(&passed)),
        "too many descriptors"
    );
    sendmsg(
        &ours,
        &[IoSlice::new(b"x")],
        &mut control,
        SendFlags::empty(),
    )?;
    child.wait()?;
    Ok(child)
}

/// The child of [`inheriting`].
pub fn keep() -> anyhow::Result<()> {
    die_with_parent()?;
    println!("holding");
    until_released()
}

/// The child of [`receiving`].
pub fn receive() -> anyhow::Result<()> {
    die_with_parent()?;
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(
        std::io::stdin(),
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        flags,
    )?;
    let mut got = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            got.extend(descriptors);
        }
    }
    println!("holding");
    until_released()
}

fn until_released() -> anyhow::Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
