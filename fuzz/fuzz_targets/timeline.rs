//! A timeline, damaged anywhere: every sample of its index gives its contents or an error. The first two bytes say where the
//! tar is cut into two frames; it is compressed here, since a damaged frame is the decoder's matter.

#![no_main]

use std::fs::File;
use std::io::Write as _;
use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use nospace::host::archive::Timeline;

fuzz_target!(|data: &[u8]| {
    let [high, low, tar @ ..] = data else {
        return;
    };
    let cut = usize::from(u16::from_be_bytes([*high, *low])).min(tar.len());
    let (first, second) = tar.split_at(cut);
    let name = c"timeline";
    let mut file = File::from(rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC).unwrap());
    for frame in [first, second].into_iter().filter(|frame| !frame.is_empty()) {
        file.write_all(&zstd::encode_all(frame, -1).unwrap()).unwrap();
    }
    if let Ok(Some(timeline)) = Timeline::open(file) {
        let count = timeline.samples().len();
        assert!(count > 0);
        for number in [0, count / 2, count - 1] {
            let _ = timeline.sample(number);
        }
        assert!(timeline.sample(count).is_err());
        let mut seen = 0;
        let played = timeline.play(0, &mut |number, _| {
            assert_eq!(number, seen);
            seen += 1;
            Ok(ControlFlow::Continue(()))
        });
        assert!(played.is_err() || seen == count, "{seen} of {count}");
    }
});
