use super::*;
use crate::cause::Cause;
use crate::normalise::{Errno, NormalForm};
use crate::signatures::Confidence;

fn answer(line: &str) -> Answer {
    infer(&NormalForm::of(line.as_bytes()), Surroundings::default())
}

fn limit(line: &str) -> Inference {
    match answer(line) {
        Answer::Limit(inference) => *inference,
        other => panic!("{other:?}: {line}"),
    }
}

#[test]
fn the_table_can_be_read_and_is_in_lower_case() {
    assert!(rules().len() > 50);
    for rule in rules() {
        assert!(!rule.errno.is_empty() && rule.points > 0, "{rule:?}");
        for word in rule.words.iter().chain(&rule.unless) {
            assert_eq!(*word, word.to_lowercase(), "{rule:?}");
            assert!(
                word.trim_matches('*').len() > 1 || !word.is_ascii(),
                "{rule:?}"
            );
        }
    }
}

#[test]
fn each_answer_names_its_evidence() {
    let found = limit(
        r#"ERR Cannot start the provider *file.Provider error="error creating file watcher: too many open files""#,
    );
    assert_eq!(found.cause, Cause::InotifyInstances);
    assert_eq!(
        found.candidates,
        [Cause::InotifyInstances, Cause::ProcessFiles]
    );
    for part in ["EMFILE", "\"watcher\"", "Traefik's file provider"] {
        assert!(
            found.reasons.iter().any(|r| r == part),
            "{:?}",
            found.reasons
        );
    }
}

#[test]
fn confidence_follows_from_the_evidence() {
    use Confidence::{Certain, Likely, Possible};
    for (line, cause, confidence) in [
        (
            "panic: accept: too many open files",
            Cause::ProcessFiles,
            Certain,
        ),
        (
            "error creating watcher: too many open files",
            Cause::InotifyInstances,
            Likely,
        ),
        (
            "fatal error: Too many open files",
            Cause::ProcessFiles,
            Possible,
        ),
        (
            "run failed: too many open files",
            Cause::InotifyInstances,
            Possible,
        ),
        (
            "inotify_add_watch(3) failed: errno 28",
            Cause::InotifyWatches,
            Certain,
        ),
        (
            "fork: Resource temporarily unavailable",
            Cause::Pids,
            Certain,
        ),
    ] {
        let found = limit(line);
        assert_eq!(
            (found.cause, found.confidence),
            (cause, confidence),
            "{line}: {found:?}"
        );
    }
}

#[test]
fn the_clause_of_the_errno_counts_more_than_the_rest() {
    let found = limit("failed to watch config: error: open /etc/app.conf: too many open files");
    assert_eq!(found.cause, Cause::ProcessFiles);
    assert_eq!(found.evidence.object.as_deref(), Some("/etc/app.conf"));
    let found = limit("cannot write state: watcher: no space left on device");
    assert_eq!(found.cause, Cause::InotifyWatches);
}

#[test]
fn refusals_by_no_limit_are_distinguished_from_silence() {
    for line in [
        "VIDIOC_STREAMON error 28, No space left on device",
        "failed to write data to efivarfs: No space left on device",
        "read failed: Resource temporarily unavailable",
    ] {
        assert_eq!(answer(line), Answer::NoLimit, "{line}");
    }
    for line in [
        "no space left on device",
        "error: No space left on device",
        "failed to update - No space left on device",
        "we ran out: no space left on device",
        r#"query failed, q="too many open files""#,
        "+ grep 'no space left on device' error.log",
        "Why do I see an error like \"no space left on device\"?",
        "error: no such file or directory",
        "error 24: device not configured",
        "    pub const MFILE: Self = Self::from_errno(errno::EMFILE); // an error",
        "job failed with exit code (28)",
        "curl: open /srv/x failed, error code (28)",
    ] {
        assert_eq!(answer(line), Answer::Nothing, "{line}");
    }
}

#[test]
fn errnos_have_the_numbers_of_the_limits() {
    use crate::limits::errno;
    for (name, number) in [
        (Errno::EAGAIN, errno::EAGAIN),
        (Errno::ENFILE, errno::ENFILE),
        (Errno::EMFILE, errno::EMFILE),
        (Errno::ENOSPC, errno::ENOSPC),
        (Errno::EDQUOT, errno::EDQUOT),
    ] {
        assert_eq!(
            i64::from(name.number()),
            i64::from(number),
            "{}",
            name.name()
        );
    }
}
