//! No remedy lowers a limit, asks for a value that the kernel refuses, or names a program, service or path that the node does
//! not have; in a guest none writes what only the host may. Over recorded nodes and random snapshots, for `check` and `explain`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod command;
mod random;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use nospace::collect::collect;
use nospace::host::recorded::Recorded;
use nospace_core::explain::{Classifier, Explanation, Scanner, Summary};
use nospace_core::limits::{LIMITS, Raise};
use nospace_core::model::{Environment, INITIAL_USER_NAMESPACE, Program, Snapshot};
use nospace_core::report::{Remedy, Report};
use nospace_core::signatures::Table;
use proptest::prelude::*;

/// A line of every signature, so of every cause that a log can name.
static EVERYTHING_SAID: LazyLock<Summary> = LazyLock::new(|| {
    let table = Table::builtin().unwrap();
    let log: Vec<&str> = table
        .signatures()
        .iter()
        .map(|s| s.example.as_str())
        .collect();
    let log = log.join("\n");
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let mut summary = Summary::default();
    let mut scanner = Scanner::new(&classifier);
    let mut hits = Vec::new();
    scanner.push(log.as_bytes(), &mut |hit| hits.push(hit));
    scanner.finish(&mut |hit| hits.push(hit));
    for hit in &hits {
        summary.add("x.log", hit, classifier.table());
    }
    summary
});

fn explained(report: Option<&Report>) -> Vec<Remedy> {
    let mut explanation = Explanation {
        causes: EVERYTHING_SAID.causes(),
        ..Explanation::default()
    };
    assert!(
        explanation.causes.len() > 15,
        "{}",
        explanation.causes.len()
    );
    // As if the log were this node's: advice for another one names what may be there.
    let report = report.cloned().map(|mut report| {
        report.log_context.has_kubelet = Some(true);
        report
    });
    for cause in &mut explanation.causes {
        cause.hosts.clear();
        cause.last = None;
    }
    explanation.ask(report.as_ref());
    let findings = explanation.findings.into_iter();
    findings.flat_map(|finding| finding.remedies).collect()
}

/// All that nospace advises for a node.
fn remedies(snapshot: &Snapshot) -> Vec<Remedy> {
    let report = nospace_core::conclude(snapshot);
    let of_check = report.findings.iter().flat_map(|f| f.remedies.clone());
    let of_check: Vec<Remedy> = of_check.collect();
    of_check
        .into_iter()
        .chain(explained(Some(&report)))
        .collect()
}

fn recorded() -> Vec<(PathBuf, Snapshot)> {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nodes");
    let entries = std::fs::read_dir(nodes).unwrap().map(|e| e.unwrap().path());
    let archives = entries.filter(|path| path.is_dir()).map(|case| {
        let archive = case.join("node.tar.zst");
        if archive.exists() {
            archive
        } else {
            case.join("node")
        }
    });
    archives
        .map(|path| (path.clone(), collect(&Recorded::open(&path).unwrap())))
        .collect()
}

#[test]
fn recorded_nodes() {
    let nodes = recorded();
    assert!(nodes.len() > 6);
    let mut checked = 0;
    for (path, snapshot) in nodes {
        let namespaces = [INITIAL_USER_NAMESPACE, 4_026_532_001];
        for (environment, namespace) in environments()
            .into_iter()
            .flat_map(|e| namespaces.map(|n| (e.clone(), n)))
        {
            let mut snapshot = snapshot.clone();
            snapshot.environment = environment;
            snapshot.vantage.user_namespace = Some(namespace);
            for remedy in remedies(&snapshot) {
                if let Err(why) = command::check(&remedy.command, &snapshot) {
                    panic!("{}: {remedy:?}: {why}", path.display());
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 1_000, "{checked}");
}

/// Nothing known, nothing there, everything there, guests, and the systems that keep no file.
fn environments() -> Vec<Option<Environment>> {
    let everything = Environment {
        programs: Program::ALL.into(),
        services: nospace_core::managers::services()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        host_local: true,
        ..Environment::default()
    };
    let container = Environment {
        sysctls_read_only: true,
        ..everything.clone()
    };
    let on = |os: &str| Environment {
        os: vec![os.to_owned()],
        ..everything.clone()
    };
    let talos = Environment {
        programs: [].into(),
        services: [].into(),
        ..on("talos")
    };
    let all = [Environment::default(), everything.clone(), container, talos];
    let systems = ["bottlerocket", "rhcos", "cos", "flatcar"].map(on);
    std::iter::once(None)
        .chain(all.into_iter().chain(systems).map(Some))
        .collect()
}

/// Without a look at the node every raise is guarded by what the node has.
#[test]
fn no_node() {
    for remedy in explained(None) {
        assert!(!remedy.command.contains("sysctl -w"), "{remedy:?}");
        if remedy.command.contains("> /proc/sys/fs") {
            assert!(
                remedy.command.starts_with("[ \"$(cat /proc/sys/"),
                "{remedy:?}"
            );
        }
    }
    let raises: Vec<Raise> = LIMITS.iter().filter_map(|limit| limit.raise).collect();
    assert!(raises.len() >= 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn random_nodes(snapshot in random::snapshot()) {
            for remedy in remedies(&snapshot) {
            if let Err(why) = command::check(&remedy.command, &snapshot) {
                prop_assert!(false, "{remedy:?}: {why}\n{:?}", snapshot.environment);
            }
        }
    }
}
