//! A process that follows orders; the other side moves it into a cgroup.

use std::fs;
use std::io::{self, BufRead};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::common::sys;
use crate::common::talk::answer;

/// A descriptor that nothing else gets.
const HIGH: i32 = 3000;

#[derive(Default)]
struct Taken {
    instances: Vec<OwnedFd>,
    /// The instance that watches are added to.
    main: Option<OwnedFd>,
    watches: Vec<i32>,
    next: usize,
    others: Option<Calls>,
}

/// A thread that makes calls all the time.
struct Calls {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Calls {
    fn begin(file: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let (mut made, mut failed) = (0, 0);
            while !seen.load(Ordering::Relaxed) {
                let watched = sys::inotify().and_then(|one| sys::watch(&one, &file));
                made += 1;
                failed += u64::from(watched.is_err());
                // The machine has a single CPU.
                thread::sleep(Duration::from_millis(1));
            }
            (made, failed)
        });
        Self { stop, thread }
    }

    /// How many, and how many of them failed.
    fn end(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or((0, 1))
    }
}

/// Nanoseconds that one of `calls` calls takes, in the fastest of 50 runs: other programs use the machine, too.
fn time<T>(calls: usize, mut call: impl FnMut() -> io::Result<T>) -> io::Result<String> {
    let mut best = u128::MAX;
    for _ in 0..50 {
        let start = Instant::now();
        for _ in 0..calls {
            call()?;
        }
        best = best.min(start.elapsed().as_nanos() / calls as u128);
    }
    Ok(best.to_string())
}

pub fn run(files: &str) -> ExitCode {
    let serve = || {
        sys::raise_files(4096)?;
        let mut files: Vec<PathBuf> = fs::read_dir(files)?
            .map(|e| Ok(e?.path()))
            .collect::<io::Result<_>>()?;
        files.sort();
        let mut taken = Taken::default();
        answer("ready");
        for line in io::stdin().lock().lines() {
            answer(&taken.serve(&line?, &files)?);
        }
        Ok::<_, io::Error>(())
    };
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            answer(&format!("failed: {e}"));
            ExitCode::FAILURE
        }
    }
}

impl Taken {
    fn serve(&mut self, line: &str, files: &[PathBuf]) -> io::Result<String> {
        let mut words = line.split(' ');
        let what = words.next().unwrap_or_default();
        let number = |word: Option<&str>| word.and_then(|n| n.parse().ok()).unwrap_or(1);
        Ok(match what {
            "open" => outcome(self.open()),
            "add" => self.add(number(words.next()), files),
            "add-32" => outcome(sys::watch_as_32_bit(self.main()?, &files[self.next]).map(drop)),
            "change" => outcome(sys::watch(self.main()?, &files[0]).map(drop)),
            "remove" => {
                let watch = self.watches.pop().ok_or_else(|| io::Error::other("none"))?;
                outcome(sys::unwatch(self.main()?, watch))
            }
            "make" => self.make(number(words.next())),
            "takes-32-bit" => match sys::takes_32_bit(self.main()?)? {
                true => "yes".to_owned(),
                false => "no".to_owned(),
            },
            "make-32" => outcome(sys::inotify_as_32_bit().map(drop)),
            "make-old" => outcome(sys::old_inotify().map(drop)),
            "watch-in-each" => {
                let watch = |one| sys::watch(one, &files[0]).map(drop);
                outcome(self.instances.iter().try_for_each(watch))
            }
            "release" => {
                *self = Self::default();
                "ok".to_owned()
            }
            "namespace-of" => outcome(
                sys::become_user(number(words.next()) as u32)
                    .and_then(|()| sys::unshare(libc::CLONE_NEWUSER)),
            ),
            "race" => {
                let threads = number(words.next());
                let common = words.next() == Some("common");
                race(threads, common, files)?.to_string()
            }
            "begin" => {
                self.others = Some(Calls::begin(files[0].clone()));
                "ok".to_owned()
            }
            "end" => {
                let calls = self.others.take();
                let calls = calls.ok_or_else(|| io::Error::other("not begun"))?;
                let (made, failed) = calls.end();
                format!("{made} {failed} failed")
            }
            "time-change" => {
                let main = self.main()?;
                time(number(words.next()), || sys::watch(main, &files[0]))?
            }
            "time-make" => time(number(words.next()), sys::inotify)?,
            "time-open" => time(number(words.next()), || fs::File::open(&files[0]))?,
            "race-instances" => race_instances(number(words.next()))?.to_string(),
            other => format!("what is {other}?"),
        })
    }

    fn open(&mut self) -> io::Result<()> {
        self.main = Some(sys::inotify()?);
        Ok(())
    }

    fn main(&self) -> io::Result<&OwnedFd> {
        let main = self.main.as_ref();
        main.ok_or_else(|| io::Error::other("no instance"))
    }

    /// `most` watches, or as many as there are before an error; how many, and the error.
    fn add(&mut self, most: usize, files: &[PathBuf]) -> String {
        let mut added = 0;
        let error = loop {
            if added == most {
                break "ok".to_owned();
            }
            let one = self
                .main()
                .and_then(|one| sys::watch(one, &files[self.next]));
            match one {
                Ok(watch) => self.watches.push(watch),
                Err(e) => break name(&e),
            }
            self.next += 1;
            added += 1;
        };
        format!("{added} {error}")
    }

    fn make(&mut self, most: usize) -> String {
        let mut made = 0;
        let error = loop {
            if made == most {
                break "ok".to_owned();
            }
            match sys::inotify() {
                Ok(one) => self.instances.push(one),
                Err(e) => break name(&e),
            }
            made += 1;
        };
        format!("{made} {error}")
    }
}

fn outcome(result: io::Result<()>) -> String {
    result.map_or_else(|e| name(&e), |()| "ok".to_owned())
}

fn name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSPC) => "ENOSPC".to_owned(),
        Some(libc::EMFILE) => "EMFILE".to_owned(),
        _ => error.to_string(),
    }
}

/// Threads that add watches, all at once, until each is refused; how many they got.
fn race(threads: usize, common: bool, files: &[PathBuf]) -> io::Result<usize> {
    let shared = sys::inotify()?;
    let own: Vec<OwnedFd> = (0..threads)
        .map(|_| {
            if common {
                sys::duplicate(shared.as_raw_fd(), HIGH)
            } else {
                sys::inotify()
            }
        })
        .collect::<io::Result<_>>()?;
    let start = std::sync::Barrier::new(threads);
    let next = AtomicUsize::new(0);
    let added = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for instance in &own {
            scope.spawn(|| {
                start.wait();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match sys::watch(instance, Path::new(file)) {
                        Ok(_) => added.fetch_add(1, Ordering::Relaxed),
                        Err(_) => break,
                    };
                }
            });
        }
    });
    Ok(added.into_inner())
}

/// Threads that make instances, all at once, until each is refused; how many they got.
fn race_instances(threads: usize) -> io::Result<usize> {
    let start = std::sync::Barrier::new(threads);
    let made = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                while let Ok(one) = sys::inotify() {
                    made.lock()
                        .map(|mut made| made.push(one))
                        .unwrap_or_default();
                }
            });
        }
    });
    Ok(made.into_inner().map_or(0, |made| made.len()))
}
