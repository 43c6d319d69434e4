use std::fs;
use std::path::Path;

use tempfile::NamedTempFile;

use super::*;
use crate::host::archive::{Sink as _, TimelineWriter, Writer};
use crate::host::{Look, proc};

fn look(second: usize) -> Look {
    Look {
        taken_at: format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60),
        uid: 0,
        mounts_of: "self".to_owned(),
        page_size: 4096,
    }
}

/// 130 samples in three frames, each with contents of its own.
fn timeline() -> Vec<u8> {
    let mut writer = TimelineWriter::new(Vec::new(), look(0), 1000).unwrap();
    for second in 0..130_u32 {
        let contents = format!("MemTotal: {} kB\n", 1_000_000 + second * 7919);
        writer.file(proc("meminfo"), contents.as_bytes(), true);
        let number = usize::try_from(second).unwrap();
        writer.end_sample(look(number), second.into()).unwrap();
    }
    writer.finish().unwrap()
}

fn opened(bytes: &[u8]) -> anyhow::Result<Player> {
    let file = NamedTempFile::new()?;
    fs::write(file.path(), bytes)?;
    Ok(Player::new(Replay::open(file.path())?))
}

/// The samples that are there, and what comes after them, from walking through all of it.
fn walked(player: &mut Player) -> (usize, After) {
    let mut position = None;
    let mut took = |updates: Vec<Update>| {
        for update in updates {
            match update {
                Update::Moment(moment) => position = Some(moment.position),
                other => panic!("{other:?}"),
            }
        }
    };
    let last = player.replay.last();
    took(vec![player.show(last).unwrap()]);
    for request in [Request::First, Request::Last, Request::Step(-1)] {
        took(player.answer(vec![request]));
    }
    took(player.answer(vec![Request::First]));
    took(player.answer(vec![Request::Play]));
    // One more than there are.
    for _ in 0..=last {
        took(player.step());
    }
    let position = position.unwrap();
    assert_eq!((position.number, position.last), (last, last));
    (last + 1, position.after)
}

#[test]
fn a_damaged_timeline_is_shown_up_to_the_damage() {
    let whole = timeline();
    let walk = |bytes: &[u8]| walked(&mut opened(bytes).unwrap());
    assert_eq!(walk(&whole), (130, After::Nothing));
    let (samples, after) = walk(&whole[..whole.len() / 2]);
    assert!((1..130).contains(&samples), "{samples}");
    assert_eq!(after, After::NoEnd);
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x41;
    let (samples, after) = walk(&flipped);
    assert!((60..130).contains(&samples), "{samples}");
    assert_eq!(after, After::Damage);
}

#[test]
fn where_nothing_can_be_read_the_error_says_why() {
    let whole = timeline();
    for (bytes, why) in [
        (&b""[..], "it is empty"),
        (&whole[..60], "incomplete"),
        (&b"MemTotal"[..], "not compressed with zstd"),
    ] {
        let error = opened(bytes).err().map(|error| format!("{error:#}"));
        assert!(
            error.as_ref().is_some_and(|error| error.contains(why)),
            "{why}: {error:?}"
        );
    }
}

#[test]
fn a_recording_of_one_moment_is_a_timeline_of_one_sample() {
    let mut writer = Writer::new(Vec::new(), look(0)).unwrap();
    writer.file(proc("meminfo"), b"MemTotal: 1000000 kB\n", true);
    let archive = writer.finish().unwrap();
    let mut player = opened(&archive).unwrap();
    assert_eq!(walked(&mut player), (1, After::Nothing));
}

#[test]
fn command_lines_come_and_go_with_the_request() {
    let recorded = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/timelines/config-reloader.tar.zst"
    );
    let mut player = Player::new(Replay::open(Path::new(recorded)).unwrap());
    let has = |updates: &[Update]| {
        let [Update::Moment(moment)] = updates else {
            panic!("{updates:?}")
        };
        let (sample, _) = moment.samples.last().unwrap();
        let mut processes = sample.report.processes.iter();
        processes.any(|process| process.cmdline.is_some())
    };
    assert!(!has(&[player.show(0).unwrap()]));
    assert!(has(&player.answer(vec![Request::Cmdlines(true)])));
    assert!(!has(&player.answer(vec![Request::Cmdlines(false)])));
}
