//! What the System V scenarios have in common: an IPC namespace, in which the limit can be set.

use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use crate::exhaust::scenario::{LimitOption, NO_OPTIONS, Options, Started};
use crate::exhaust::{Headroom, OneByOne, namespaces};

pub const OPTIONS: Options = Options {
    limit: Some(LimitOption {
        value: "N",
        help: "How many it may have",
        default: "100",
        most: 32_000,
    }),
    ..NO_OPTIONS
};

/// Objects that `one` makes by `call`, limited by the number at `index` of this sysctl, which is set to `value`.
pub fn start<T: 'static>(
    (sysctl, index): (&str, usize),
    value: String,
    call: &'static str,
    one: fn() -> Result<T, Errno>,
) -> anyhow::Result<Started> {
    namespaces::enter(UnshareFlags::NEWIPC)?;
    namespaces::set(sysctl, &value);
    let limit = namespaces::sysctl(sysctl, index)?;
    Ok(Started::new(
        namespaces::subject("IPC namespace", "ipc")?,
        OneByOne::new(call, Errno::NOSPC, one),
        Headroom::exact(limit, limit),
    ))
}
