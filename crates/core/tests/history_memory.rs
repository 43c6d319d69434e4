//! What six hours of a large node take in memory, as the allocator counts it.

#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::disallowed_macros, reason = "a test prints the figure")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use nospace_core::cause::Cause;
use nospace_core::history::{BudgetKey, Reading, Recent, Sample};
use nospace_core::model::Provenance;
use nospace_core::report::Status;
use nospace_core::workload::{Workload, WorkloadKind};

static IN_USE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is System's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is System's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is System's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Collections at 15 s, pods, and budgets of a node that has more of both than are followed.
const COLLECTIONS: i64 = 6 * 3600 / 15;
const PODS: u64 = 250;
const BUDGETS: u64 = 300;
/// What the history may take.
const BOUND: usize = 1 << 20;

fn sample(number: i64) -> Sample {
    let turn = number.unsigned_abs();
    let budget = |n: u64| Reading {
        key: BudgetKey {
            cause: Cause::Pids,
            subject: format!(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{n:032}.slice"
            )
            .parse()
            .unwrap_or_default(),
            unit: "pids".to_owned(),
        },
        figures: [(n * 7 + turn) % 1000, 1000],
        provenance: Provenance::Exact,
        rank: (n * 7 + turn) % 1000 / 10,
    };
    let workload = |n: u64| Reading {
        key: Workload {
            kind: WorkloadKind::Deployment,
            namespace: format!("team-with-a-long-name-{}", n % 20),
            name: format!("service-with-a-rather-long-name-{n}"),
        },
        figures: [(n * 13 + turn) % 5000, 4],
        provenance: Provenance::Exact,
        rank: (n * 13 + turn) % 5000 / 5,
    };
    Sample {
        at: number * 15_000,
        every: 15_000,
        status: Status::Warning,
        refusals: Some(
            (0..20)
                .map(|n| (format!("inotify-watches or cause {n}"), 1))
                .collect::<BTreeMap<_, _>>(),
        ),
        budgets: (0..BUDGETS).map(budget).collect(),
        workloads: Some((0..PODS).map(workload).collect()),
    }
}

#[test]
fn six_hours_of_250_pods_take_less_than_a_mebibyte() {
    let before = IN_USE.load(Ordering::Relaxed);
    let mut recent = Recent::new(6 * 3_600_000);
    let mut most = 0;
    for number in 0..COLLECTIONS * 2 {
        recent.add(sample(number));
        most = most.max(IN_USE.load(Ordering::Relaxed) - before);
    }
    println!(
        "the history of 6 h at 15 s, {PODS} pods and {BUDGETS} budgets: {} KiB, points alone {} KiB",
        most >> 10,
        recent.bytes() >> 10
    );
    assert!(most < BOUND, "{most} bytes");
    assert!(most > 100 << 10, "nothing was kept: {most} bytes");
}
