//! Reading what the program of an iterator leaves in its memory (src/bpf/output.h).

use std::io::{self, ErrorKind, Read};

use libbpf_rs::Iter;

/// That memory, which is mapped.
pub struct Output<'a> {
    /// Bytes of complete records.
    pub length: &'a mut u32,
    /// End of those that were being written.
    pub end: &'a mut u32,
    /// All of it.
    pub bytes: &'a [u8],
}

/// The [`Output`] of a skeleton's programs, if it is mapped.
macro_rules! output {
    ($programs:expr) => {
        $programs
            .maps
            .bss_data
            .as_mut()
            .map(|globals| $crate::output::Output {
                length: &mut globals.output.length,
                end: &mut globals.output.end,
                bytes: &globals.output.bytes,
            })
    };
}
pub(crate) use output;

/// Reads an iterator to its end, and passes the records of each read to `each`.
///
/// # Errors
/// Those of reading the iterator and of `each`; the memory is not mapped.
pub fn read<P>(
    mut iter: Iter,
    programs: &mut P,
    output: fn(&mut P) -> Option<Output<'_>>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut take = |each: &mut dyn FnMut(&[u8]) -> io::Result<()>| {
        let output = output(programs)
            .ok_or_else(|| io::Error::other("the memory of the BPF program is not mapped"))?;
        let length = *output.length as usize;
        (*output.length, *output.end) = (0, 0);
        each(output.bytes.get(..length).unwrap_or_default())
    };
    // What an earlier reading left that failed.
    take(&mut |_| Ok(()))?;
    loop {
        let got = iter.read(&mut [0; 8]);
        take(&mut each)?;
        match got {
            Ok(_) => return Ok(()),
            // EAGAIN: the program, which has stopped to have its memory emptied, or the kernel, after a million objects.
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(e) => return Err(e),
        }
    }
}
