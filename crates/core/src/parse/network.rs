//! /proc/net/stat/* (one line of hexadecimal numbers a CPU), sockstat, tcp and tcp6.

use super::{Malformed, Parsed, lossy, number, word, words};

/// The columns of a file below /proc/net/stat: the first line names them, each other line is of one CPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuColumns(Vec<String>);

impl CpuColumns {
    /// Reads the line that names them.
    #[must_use]
    pub fn new(header: &[u8]) -> Self {
        Self(words(header).map(lossy).collect())
    }

    /// The number that a line has in a column; 0 where this kernel has no such column.
    ///
    /// # Errors
    ///
    /// When the line is shorter, or has no hexadecimal number there.
    pub fn value(&self, line: &[u8], column: &str) -> Parsed<u64> {
        const WHAT: &str = "net/stat";
        let Some(place) = self.0.iter().position(|name| name == column) else {
            return Ok(0);
        };
        let word = words(line).nth(place).map(lossy);
        let word = word.ok_or_else(|| Malformed::new(WHAT, format!("no word {}", place + 1)))?;
        u64::from_str_radix(&word, 16)
            .map_err(|_| Malformed::new(WHAT, format!("{word:?} is no hexadecimal number")))
    }
}

/// Numbers of a line of sockstat: `TCP: inuse 5 orphan 0 tw 2`; the sum of those with these names.
///
/// # Errors
///
/// When what follows such a name is no number.
pub fn sockstat(line: &[u8], protocol: &str, names: &[&str]) -> Parsed<u64> {
    const WHAT: &str = "sockstat";
    let mut words = words(line);
    if words.next() != Some(format!("{protocol}:").as_bytes()) {
        return Ok(0);
    }
    let mut sum = 0_u64;
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if names.iter().any(|wanted| wanted.as_bytes() == name) {
            sum = sum.saturating_add(number(WHAT, value)?);
        }
    }
    Ok(sum)
}

/// The two numbers of net.ipv4.ip_local_port_range.
///
/// # Errors
///
/// When there are not two, the lower one first.
pub fn port_range(bytes: &[u8]) -> Parsed<(u16, u16)> {
    const WHAT: &str = "ip_local_port_range";
    let port = |place| {
        let port = word(WHAT, bytes, place)?;
        u16::try_from(port).map_err(|_| Malformed::new(WHAT, format!("{port} is no port")))
    };
    let (low, high) = (port(0)?, port(1)?);
    if low > high {
        return Err(Malformed::new(WHAT, format!("{low} is above {high}")));
    }
    Ok((low, high))
}

/// Ports of `range` that net.ipv4.ip_local_reserved_ports, `8080,40000-40010`, takes out of it.
///
/// # Errors
///
/// When it is no list of ports.
pub fn reserved(bytes: &[u8], range: (u16, u16)) -> Parsed<u64> {
    const WHAT: &str = "ip_local_reserved_ports";
    let port = |text: &[u8]| {
        let port = number(WHAT, text)?;
        u16::try_from(port).map_err(|_| Malformed::new(WHAT, format!("{port} is no port")))
    };
    let mut sum = 0;
    for part in bytes.trim_ascii().split(|byte| *byte == b',') {
        if part.is_empty() {
            continue;
        }
        let mut ends = part.splitn(2, |byte| *byte == b'-');
        let first = port(ends.next().unwrap_or_default())?;
        let last = ends.next().map_or(Ok(first), port)?;
        let (low, high) = (first.max(range.0), last.min(range.1));
        sum += (u64::from(high) + 1).saturating_sub(u64::from(low));
    }
    Ok(sum)
}

/// The ends of a TCP socket, as /proc/net/tcp writes them: hexadecimal, an address in the order of the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket<'l> {
    /// Local address.
    pub local: &'l [u8],
    /// Local port.
    pub local_port: u16,
    /// Remote address.
    pub remote: &'l [u8],
    /// Remote port; 0 for one that listens or is only bound.
    pub remote_port: u16,
}

/// Reads a line of /proc/net/tcp or tcp6; `None` for the line that names the columns.
///
/// # Errors
///
/// When it lacks an end, or that has no port.
pub fn socket(line: &[u8]) -> Parsed<Option<Socket<'_>>> {
    const WHAT: &str = "net/tcp";
    let mut words = words(line);
    if words.next() == Some(b"sl") {
        return Ok(None);
    }
    let mut end = || {
        let word = words.next().unwrap_or_default();
        let broken = || Malformed::new(WHAT, format!("{:?} is no address", lossy(word)));
        let colon = word
            .iter()
            .rposition(|byte| *byte == b':')
            .ok_or_else(broken)?;
        let port = std::str::from_utf8(&word[colon + 1..]).ok();
        let port = port.and_then(|port| u16::from_str_radix(port, 16).ok());
        Ok((&word[..colon], port.ok_or_else(broken)?))
    };
    let ((local, local_port), (remote, remote_port)) = (end()?, end()?);
    Ok(Some(Socket {
        local,
        local_port,
        remote,
        remote_port,
    }))
}

/// An address of /proc/net/tcp or tcp6 as people write it; as it stands where it is none.
#[must_use]
pub fn address(hexadecimal: &[u8]) -> String {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let word = |part: &[u8]| {
        let text = std::str::from_utf8(part).ok()?;
        u32::from_str_radix(text, 16).ok()
    };
    // Each 32 bits stand in the order of the CPU, which is little-endian on all that nospace is built for.
    let words: Option<Vec<[u8; 4]>> = hexadecimal
        .chunks(8)
        .map(|part| word(part).map(u32::to_le_bytes))
        .collect();
    match words.as_deref() {
        Some([one]) => Ipv4Addr::from(*one).to_string(),
        Some([a, b, c, d]) => {
            let mut bytes = [0; 16];
            bytes
                .iter_mut()
                .zip([a, b, c, d].into_iter().flatten())
                .for_each(|(to, from)| *to = *from);
            let address = Ipv6Addr::from(bytes);
            match address.to_ipv4_mapped() {
                Some(mapped) => mapped.to_string(),
                None => format!("[{address}]"),
            }
        }
        _ => lossy(hexadecimal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_found_by_name() {
        let columns = CpuColumns::new(b"entries  clashres found drop");
        let line = b"0000001f  00000000 00000002 00000a00";
        assert_eq!(columns.value(line, "entries"), Ok(31));
        assert_eq!(columns.value(line, "drop"), Ok(2560));
        assert_eq!(columns.value(line, "table_fulls"), Ok(0));
        assert!(columns.value(b"0000001f", "drop").is_err());
        assert!(columns.value(b"many", "entries").is_err());
    }

    #[test]
    fn sockets_are_summed() {
        let line = b"TCP: inuse 16 orphan 2 tw 7 alloc 19 mem 2";
        assert_eq!(sockstat(line, "TCP", &["inuse", "tw"]), Ok(23));
        assert_eq!(sockstat(line, "TCP6", &["inuse"]), Ok(0));
        assert!(sockstat(b"TCP: inuse x", "TCP", &["inuse"]).is_err());
    }

    #[test]
    fn ports_are_taken_out_of_the_range() {
        assert_eq!(port_range(b"32768\t60999\n"), Ok((32768, 60999)));
        assert!(port_range(b"1").is_err());
        assert!(port_range(b"60999 32768").is_err());
        let taken = |list: &[u8]| reserved(list, (100, 200));
        assert_eq!(taken(b"\n"), Ok(0));
        assert_eq!(taken(b"50,100,150-159,190-300\n"), Ok(1 + 10 + 11));
        assert_eq!(reserved(b"65530-65535", (65534, 65535)), Ok(2));
        assert!(taken(b"a").is_err());
    }

    #[test]
    fn both_ends_are_read() {
        let line =
            b"   1: 020200C0:E2B8 507100CB:01BB 01 00000000:00000000 00:00000000 00000000     0";
        let socket = socket(line).unwrap().unwrap();
        assert_eq!((socket.local_port, socket.remote_port), (0xe2b8, 443));
        assert_eq!(address(socket.remote), "203.0.113.80");
        assert_eq!(address(b"00000000000000000000000001000000"), "[::1]");
        assert_eq!(address(b"0000000000000000FFFF00000100007F"), "127.0.0.1");
        assert_eq!(
            super::socket(b"  sl  local_address rem_address   st"),
            Ok(None)
        );
        assert!(super::socket(b"1: x y").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = CpuColumns::new(&bytes).value(&bytes, "entries");
            let _ = sockstat(&bytes, "TCP", &["inuse"]);
            let _ = port_range(&bytes);
            let _ = reserved(&bytes, (1, u16::MAX));
            let _ = socket(&bytes);
            let _ = address(&bytes);
        }
    }
}
