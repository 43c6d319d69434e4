//! Timelines that are damaged: read up to the damage, and never taken for whole.

use std::fs;
use std::ops::ControlFlow;

use nospace::host::archive::Rest;
use tempfile::TempDir;

use super::{node, nospace, opened, said, story, write};

/// A damaged one has the samples before the damage, which are right, and says that there were more; where there are none it is an error.
#[test]
fn damage_is_found() {
    let nodes = story(130);
    let whole = write(Vec::new(), &nodes);
    let first_frame = write(Vec::new(), &nodes[..60]).len();
    let (mut refused, mut read) = (0, 0);
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        let Ok(Some(timeline)) = opened(&bytes) else {
            assert!(at < first_frame, "byte {at}: the first frame can be read");
            refused += 1;
            continue;
        };
        let samples = timeline.samples().len();
        assert!(samples < nodes.len(), "byte {at} is not noticed");
        assert_ne!(timeline.rest(), &Rest::None, "byte {at}");
        assert!(samples >= 60 || at < first_frame, "byte {at}: {samples}");
        let mut next = 0;
        let played = timeline.play(0, &mut |number, contents| {
            assert_eq!(
                (number, &node(contents)),
                (next, &nodes[number]),
                "byte {at}"
            );
            next += 1;
            Ok(ControlFlow::Continue(()))
        });
        played.unwrap_or_else(|error| panic!("byte {at}: {error:#}"));
        assert_eq!(next, samples, "byte {at}");
        read += 1;
    }
    assert!(
        refused > 0 && read > whole.len() / 7 / 2,
        "{refused} {read}"
    );
}

/// Commands say what of a damaged timeline they have read, or why there is nothing.
#[test]
fn damage_is_said() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    let checked = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let output = nospace(&["check", "--from", path.to_str().unwrap(), "-o", "json"]);
        (output.status.code(), said(&output))
    };
    let whole = write(Vec::new(), &story(130));
    let mut flipped = whole.clone();
    let end = flipped.len() - 200;
    flipped[end] ^= 0x41;
    let (_, text) = checked(&flipped);
    assert!(
        text.contains("is damaged: what was recorded after 2026-01-01T00:0"),
        "{text}"
    );
    let (_, text) = checked(&whole[..whole.len() / 2]);
    assert!(text.contains("has no end"), "{text}");
    for (bytes, why) in [
        (&b""[..], "it is empty"),
        (&b"not zstd"[..], "not compressed with zstd"),
        (&whole[..100], "incomplete"),
    ] {
        let (code, text) = checked(bytes);
        assert!(
            code == Some(3) && text.contains(why),
            "{why}: {code:?} {text}"
        );
    }
}
