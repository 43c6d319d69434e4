//! What is used up in a network namespace: ports of a bridge, and local ports.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;

use crate::exhaust::{Release, errno};

const SIOCBRADDIF: libc::Ioctl = 0x89a2;
const SIOCBRDELIF: libc::Ioctl = 0x89a3;

/// Attaches the interface `part` to a bridge.
pub fn bridge_port(bridge: &str, part: &str) -> Result<Release, Errno> {
    attach(bridge, part, SIOCBRADDIF)?;
    let (bridge, part) = (bridge.to_owned(), part.to_owned());
    Ok(Box::new(move || {
        let _ = attach(&bridge, &part, SIOCBRDELIF);
    }))
}

fn attach(bridge: &str, part: &str, order: libc::Ioctl) -> Result<(), Errno> {
    let index = rustix::net::netdevice::name_to_index(socket()?, part)?;
    // SAFETY: all of it are numbers and bytes.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(bridge.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_ifindex = index.cast_signed();
    let socket = socket()?;
    // SAFETY: the request lives until the call returns, and names a bridge and an interface.
    match unsafe { libc::ioctl(socket.as_raw_fd(), order, &raw mut request) } {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

fn socket() -> Result<OwnedFd, Errno> {
    rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )
}

/// Something to connect to.
pub fn listener() -> Result<Rc<TcpListener>, Errno> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| errno(&error))?;
    Ok(Rc::new(listener))
}

/// A connection, both ends of it. The listener's backlog holds the other.
pub fn connection(listener: &Rc<TcpListener>) -> Result<Release, Errno> {
    let to = listener.local_addr().map_err(|error| errno(&error))?;
    let near = TcpStream::connect(to).map_err(|error| errno(&error))?;
    let (far, _) = listener.accept().map_err(|error| errno(&error))?;
    let listener = Rc::clone(listener);
    Ok(Box::new(move || {
        // Without TIME_WAIT, which would hold the port for a minute.
        let _ = rustix::net::sockopt::set_socket_linger(&near, Some(Duration::ZERO));
        drop((near, far, listener));
    }))
}
