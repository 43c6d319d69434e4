//! /proc/PID/fdinfo/FD: one line for each watch of an inotify descriptor
//! (`inotify_show_fdinfo`, fs/notify/fdinfo.c), one `tfd:` line for each of an epoll descriptor.

use memchr::{memchr, memmem};

/// Counts lines that begin with a prefix, in pieces as they are read: nothing is kept of a line
/// but its beginning, and that only across the edge of two pieces.
#[derive(Clone, Debug)]
pub struct LineCounter {
    /// `\n` and the prefix.
    needle: Vec<u8>,
    /// The last bytes of the piece before, at most one less than the needle.
    edge: Vec<u8>,
    count: u32,
}

impl LineCounter {
    /// Counts watches of an inotify instance.
    #[must_use]
    pub fn inotify() -> Self {
        Self::of(b"\ninotify ")
    }

    /// Counts descriptors registered with an epoll instance.
    #[must_use]
    pub fn epoll() -> Self {
        Self::of(b"\ntfd:")
    }

    fn of(needle: &[u8]) -> Self {
        Self {
            needle: needle.to_vec(),
            edge: b"\n".to_vec(),
            count: 0,
        }
    }

    /// Reads one piece.
    pub fn piece(&mut self, piece: &[u8]) {
        let overlap = self.needle.len() - 1;
        let mut seam = std::mem::take(&mut self.edge);
        seam.extend_from_slice(&piece[..piece.len().min(overlap)]);
        self.count_in(&seam);
        self.count_in(piece);
        if piece.len() >= overlap {
            seam.clear();
            seam.extend_from_slice(&piece[piece.len() - overlap..]);
        } else {
            let surplus = seam.len().saturating_sub(overlap);
            seam.drain(..surplus);
        }
        self.edge = seam;
    }

    /// Lines found so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    fn count_in(&mut self, bytes: &[u8]) {
        // A line of fdinfo has some eighty bytes: looking for its end finds the next beginning
        // sooner than looking for the prefix would.
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            rest = &rest[end..];
            if rest.starts_with(&self.needle) {
                self.count = self.count.saturating_add(1);
            }
            rest = &rest[1..];
        }
    }
}

/// Lines of `bytes` that begin with `inotify `; the plain way, for tests to hold the other to.
#[must_use]
pub fn watches(bytes: &[u8]) -> usize {
    usize::from(bytes.starts_with(b"inotify ")) + memmem::find_iter(bytes, b"\ninotify ").count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REAL: &[u8] = b"pos:\t0\nflags:\t02000000\nmnt_id:\t15\nino:\t1057\n\
        inotify wd:2 ino:2 sdev:fe00000 mask:fce ignored_mask:0 fhandle-bytes:c fhandle-type:1 f_handle:0200000000000000\n\
        inotify wd:1 ino:b sdev:1b mask:3 ignored_mask:0 fhandle-bytes:c fhandle-type:1 f_handle:0b00000000000000\n";

    #[test]
    fn a_real_file_has_two_watches() {
        let mut counter = LineCounter::inotify();
        counter.piece(REAL);
        assert_eq!(counter.count(), 2);
        assert_eq!(watches(REAL), 2);
    }

    #[test]
    fn epoll_lines_count() {
        let mut counter = LineCounter::epoll();
        counter.piece(b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\ntfd:        5 events:       19 data: 5  pos:0 ino:1 sdev:9\n");
        assert_eq!(counter.count(), 1);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_count(
            lines in prop::collection::vec(prop_oneof![
                Just(&b"inotify wd:1 ino:2\n"[..]), Just(&b"inotify"[..]), Just(&b"\n"[..]),
                Just(&b"pos:\t0\n"[..]), Just(&b" inotify \n"[..]),
            ], 0..40),
            cuts in prop::collection::vec(1_usize..12, 1..80),
        ) {
            let all = lines.concat();
            let mut counter = LineCounter::inotify();
            let mut rest = &all[..];
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                counter.piece(piece);
                rest = after;
            }
            counter.piece(rest);
            prop_assert_eq!(counter.count() as usize, watches(&all));
        }
    }
}
