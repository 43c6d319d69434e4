use nospace_core::model::{Descriptor, Watch};
use nospace_core::parse::watches::watches;

use crate::host::{Host, ReadResult};

/// The watches that /proc/PID/fdinfo/FD lists, without names.
pub fn read(host: &dyn Host, descriptor: Descriptor) -> ReadResult<anyhow::Result<Vec<Watch>>> {
    let mut text = Vec::new();
    host.fdinfo(descriptor, &mut |piece| text.extend_from_slice(piece))?;
    Ok(watches(&text).map_err(|malformed| {
        anyhow::anyhow!(
            "/proc/{}/fdinfo/{}: {malformed}",
            descriptor.pid,
            descriptor.fd
        )
    }))
}
