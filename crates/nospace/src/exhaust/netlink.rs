//! Connections that netfilter tracks, made by ctnetlink: no packet is sent, and no rule is needed.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{recv, sendto, socket_with};

use super::consumer::{Consumer, TakeResult};

/// Messages that are sent at once.
const BATCH: u64 = 128;
/// Seconds that the kernel keeps an entry: longer than any use of it.
const TIMEOUT: u32 = 7 * 24 * 3600;
/// One that the kernel does not drop to make room (enum ip_conntrack_status: SEEN_REPLY, ASSURED, CONFIRMED).
const STATUS: u32 = 1 << 1 | 1 << 2 | 1 << 3;

/// Types of messages, and their flags (include/uapi/linux/netfilter/nfnetlink_conntrack.h, netlink.h).
const NEW: u16 = 1 << 8;
const DELETE: u16 = 1 << 8 | 2;
const REQUEST: u16 = 1;
const CREATE: u16 = 0x400;
const EXCLUSIVE: u16 = 0x200;
const ERROR: u16 = 2;
const NESTED: u16 = 1 << 15;

/// Entries of the network namespace that nospace is in.
#[derive(Debug)]
pub struct Connections {
    socket: OwnedFd,
    held: u64,
    most: Option<u64>,
}

impl Connections {
    /// None yet.
    ///
    /// # Errors
    ///
    /// This kernel has no netfilter sockets.
    pub fn new() -> anyhow::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(NETFILTER),
        )
        .context("cannot open a netfilter socket")?;
        Ok(Self {
            socket,
            held: 0,
            most: None,
        })
    }

    /// Sends the messages about these entries, and returns how many failed, with the first error.
    fn send(
        &self,
        range: std::ops::Range<u64>,
        of: fn(u64) -> Vec<u8>,
    ) -> anyhow::Result<(u64, Option<Errno>)> {
        let messages: Vec<u8> = range.flat_map(of).collect();
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, &messages, SendFlags::empty(), &kernel).context("netfilter socket")?;
        // The kernel has handled them when the call returns, and answers those that failed.
        let (mut failed, mut first) = (0, None);
        let mut answer = [0; 8192];
        loop {
            match recv(&self.socket, &mut answer[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    for errno in errors(answer.get(..length).unwrap_or(&answer)) {
                        failed += 1;
                        first.get_or_insert(errno);
                    }
                }
                Err(Errno::AGAIN) => return Ok((failed, first)),
                Err(errno) => return Err(errno).context("netfilter socket"),
            }
        }
    }
}

impl Consumer for Connections {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let mut done = 0;
        while done < count {
            let some = BATCH.min(count - done);
            let (failed, error) = self.send(self.held..self.held + some, create)?;
            done += some - failed;
            self.held += some - failed;
            match error {
                None => {}
                // The table is full.
                Some(errno @ Errno::NOMEM) => {
                    self.most = Some(self.held);
                    return Ok(TakeResult {
                        count: done,
                        refusal: Some(errno),
                    });
                }
                Some(errno) => return Err(errno).context("cannot create a tracked connection (needs the kernel's ctnetlink, nf_conntrack_netlink)"),
            }
        }
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        let keep = self.held.saturating_sub(count);
        while self.held > keep {
            let some = BATCH.min(self.held - keep);
            self.send(self.held - some..self.held, delete)?;
            self.held -= some;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn step(&self) -> u64 {
        8192
    }

    fn left(&mut self) -> Option<u64> {
        Some(self.most?.saturating_sub(self.held))
    }

    /// The namespace takes them along; a command that is left in it shall not keep them.
    fn release(&mut self) -> anyhow::Result<()> {
        self.give_back(self.held)
    }
}

/// The message that creates an entry.
fn create(number: u64) -> Vec<u8> {
    let mut body = tuple(1, number, false);
    body.extend(tuple(2, number, true));
    body.extend(attribute(3, &STATUS.to_be_bytes()));
    body.extend(attribute(7, &TIMEOUT.to_be_bytes()));
    message(NEW, REQUEST | CREATE | EXCLUSIVE, &body)
}

/// The message that removes it.
fn delete(number: u64) -> Vec<u8> {
    message(DELETE, REQUEST, &tuple(1, number, false))
}

/// A UDP connection between addresses that are nobody's (192.0.2.0/24, RFC 5737, and 198.18.0.0/15, RFC 2544): the number tells which.
fn tuple(kind: u16, number: u64, reply: bool) -> Vec<u8> {
    let [.., high, from1, from2, low] = number.to_be_bytes();
    let near = (Ipv4Addr::new(192, 0, 2, 1), [from1, from2]);
    let far = (Ipv4Addr::new(198, 18, high, low), [0, 53]);
    let (from, to) = if reply { (far, near) } else { (near, far) };
    let addresses = [attribute(1, &from.0.octets()), attribute(2, &to.0.octets())];
    const UDP: u8 = 17;
    let ports = [
        attribute(1, &[UDP]),
        attribute(2, &from.1),
        attribute(3, &to.1),
    ];
    let parts = [
        attribute(1 | NESTED, &addresses.concat()),
        attribute(2 | NESTED, &ports.concat()),
    ];
    attribute(kind | NESTED, &parts.concat())
}

/// With its length, and padded to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    let mut all = Vec::from(length.to_ne_bytes());
    all.extend(kind.to_ne_bytes());
    all.extend(value);
    all.resize(all.len().next_multiple_of(4), 0);
    all
}

/// `struct nlmsghdr`, `struct nfgenmsg` of IPv4, attributes.
fn message(kind: u16, flags: u16, attributes: &[u8]) -> Vec<u8> {
    const HEADERS: usize = 20;
    let length = u32::try_from(HEADERS + attributes.len()).unwrap_or(u32::MAX);
    let mut all = Vec::from(length.to_ne_bytes());
    all.extend(kind.to_ne_bytes());
    all.extend(flags.to_ne_bytes());
    // Sequence number and port: not needed.
    all.extend([0; 8]);
    all.extend([2, 0, 0, 0]);
    all.extend(attributes);
    all
}

/// The errors among the answers.
fn errors(mut answers: &[u8]) -> Vec<Errno> {
    let mut found = Vec::new();
    while let Some((header, _)) = answers.split_at_checked(20) {
        let field = |from: usize| {
            header
                .get(from..from + 4)
                .and_then(|four| four.try_into().ok())
                .unwrap_or_default()
        };
        let length = u32::from_ne_bytes(field(0)) as usize;
        let kind = u32::from_ne_bytes(field(4)) as u16;
        let errno = i32::from_ne_bytes(field(16));
        if kind == ERROR && errno < 0 {
            found.push(Errno::from_raw_os_error(-errno));
        }
        answers = answers
            .get(length.max(20).next_multiple_of(4)..)
            .unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_entries_are_alike() {
        let mut all: Vec<_> = [0, 1, 255, 256, 65_535, 65_536, 1 << 24, (1 << 32) - 1]
            .map(|number| (tuple(1, number, false), tuple(1, number, true)))
            .into_iter()
            .flat_map(|(one, two)| [one, two])
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn only_errors_are_counted() {
        let answer = |errno: i32| {
            let mut bytes = message(ERROR, 0, &[0; 16]);
            bytes[16..20].copy_from_slice(&errno.to_ne_bytes());
            bytes
        };
        let answers = [answer(-12), answer(0), answer(-17)].concat();
        assert_eq!(errors(&answers), [Errno::NOMEM, Errno::EXIST]);
        assert!(errors(&answers[..7]).is_empty());
    }
}
