use proptest::prelude::*;

use super::*;
use crate::model::InotifyResource;
use crate::model::Runtime;

fn question() -> impl Strategy<Value = Question> {
    let runtime = prop_oneof![
        Just(Runtime::Containerd),
        Just(Runtime::CriO),
        Just(Runtime::Docker)
    ];
    let version = any::<Option<(u16, u16)>>()
        .prop_map(|version| version.map(|(major, minor)| Version { major, minor }));
    let cgroup = prop_oneof![Just(Cgroup::V1), Just(Cgroup::V2)];
    let driver = prop_oneof![Just(CgroupDriver::Systemd), Just(CgroupDriver::Cgroupfs)];
    // From what a node has to what nobody has.
    let amount = || prop_oneof![0_u64..300, any::<u64>()];
    let figures = (
        amount(),
        amount(),
        amount(),
        amount(),
        amount(),
        amount(),
        amount(),
    );
    (
        figures,
        19_u16..50,
        (runtime, version),
        cgroup,
        driver,
        any::<u64>(),
        any::<Option<u64>>(),
    )
        .prop_map(
            |(
                (pods, containers, follows, instances, watches, nested, other),
                minor,
                (runtime, runtime_version),
                cgroup,
                driver,
                headroom,
                memory,
            )| Question {
                pods,
                containers_per_pod: containers,
                runtime,
                runtime_version,
                cgroup,
                cgroup_driver: driver,
                kubernetes: Version::new(1, minor),
                manager: None,
                log_follows: follows,
                extra: Pair::of(instances, watches),
                nested_cgroups: nested,
                other_cgroups: other,
                headroom_percent: headroom,
                memory_bytes: memory,
            },
        )
}

/// Each input, one larger.
fn larger(asked: &Question) -> Vec<Question> {
    let with = |change: &dyn Fn(&mut Question)| {
        let mut more = asked.clone();
        change(&mut more);
        more
    };
    vec![
        with(&|q| q.pods = q.pods.saturating_add(1)),
        with(&|q| q.containers_per_pod = q.containers_per_pod.saturating_add(1)),
        with(&|q| q.log_follows = q.log_follows.saturating_add(1)),
        with(&|q| q.extra.instances = q.extra.instances.saturating_add(1)),
        with(&|q| q.extra.watches = q.extra.watches.saturating_add(1)),
        with(&|q| q.nested_cgroups = q.nested_cgroups.saturating_add(1)),
        with(&|q| q.other_cgroups = q.other_cgroups.saturating_add(1)),
        with(&|q| q.headroom_percent = q.headroom_percent.saturating_add(1)),
    ]
}

proptest! {
    #[test]
    fn terms_sum_to_the_totals_and_nothing_overflows(asked in question()) {
        let plan = plan(&asked, &[]).unwrap();
        let sum = |of: &dyn Fn(&Term) -> u64| plan.terms.iter().map(of).fold(0, u64::saturating_add);
        prop_assert_eq!(plan.needed.instances, sum(&|t| t.instances.value));
        prop_assert_eq!(plan.needed.watches, sum(&|t| t.watches.value));
        prop_assert!(plan.proposal.max_user_instances >= plan.with_headroom.instances.min(memory::MOST));
        prop_assert!(plan.proposal.max_user_watches >= plan.with_headroom.watches.min(memory::MOST));
    }

    #[test]
    fn more_of_anything_never_needs_less(asked in question()) {
        let less = plan(&asked, &[]).unwrap();
        for more in larger(&asked) {
            let more = plan(&more, &[]).unwrap();
            prop_assert!(more.needed.instances >= less.needed.instances);
            prop_assert!(more.needed.watches >= less.needed.watches);
            prop_assert!(more.proposal.max_user_instances >= less.proposal.max_user_instances);
            prop_assert!(more.proposal.max_user_watches >= less.proposal.max_user_watches);
        }
    }

    /// What a formula says in words is what it comes to.
    #[test]
    fn formulas_come_to_their_values(pods in 0_u64..1_000, containers in 0_u64..20, v1: bool, crio: bool, minor in 19_u16..40) {
        let asked = Question {
            pods,
            containers_per_pod: containers,
            cgroup: if v1 { Cgroup::V1 } else { Cgroup::V2 },
            runtime: if crio { Runtime::CriO } else { Runtime::Containerd },
            kubernetes: Version::new(1, minor),
            ..Question::default()
        };
        for term in terms::terms(&asked) {
            for formula in [&term.instances, &term.watches] {
                prop_assert_eq!(evaluate(&formula.formula), formula.value, "{}", formula.formula);
            }
        }
    }
}

/// `5 hierarchies x (2 x 330 containers + 3)`
fn evaluate(text: &str) -> u64 {
    let numbers = |part: &str| -> u64 {
        let words = part.split_whitespace();
        words
            .filter_map(|word| word.trim_matches(['(', ')']).parse::<u64>().ok())
            .product()
    };
    match text.split_once(" x (") {
        Some((times, sum)) => numbers(times) * evaluate(sum),
        None => text.split(" + ").map(numbers).sum(),
    }
}

fn named<'p>(plan: &'p Plan, who: &str) -> &'p Term {
    plan.terms.iter().find(|t| t.who.contains(who)).unwrap()
}

#[test]
fn a_hundred_and_ten_pods_on_a_kernels_default() {
    let kernel = crate::platforms::find("kernel").unwrap();
    let kernel = CandidateLimits::platform(kernel, kernel.limits.as_ref().unwrap(), None);
    let plan = plan(&Question::default(), &[kernel]).unwrap();
    assert_eq!(named(&plan, "shims").amounts(), Pair::of(330, 660));
    assert_eq!(
        named(&plan, "cAdvisor").watches.formula,
        "110 pods + 330 containers + 50 other cgroups"
    );
    assert_eq!(
        plan.needed,
        Pair::of(365, 490 + 6 + 10 + 3 + 660 + 882 + 32)
    );
    assert_eq!(plan.proposal, Proposal::COMMON_PRACTICE);
    let [proposal, kernel] = plan.limits.as_slice() else {
        panic!("{:?}", plan.limits)
    };
    assert_eq!(
        (kernel.verdict, kernel.pods, kernel.binds),
        (Verdict::Fails, Some(31), Some(InotifyResource::Instances))
    );
    assert_eq!(proposal.verdict, Verdict::Holds);
}

/// What a manager says of its nodes: its own process, no systemd on Talos, and a bound where more runs beside the kubelet.
#[test]
fn a_manager_changes_what_is_known_of_it() {
    let plan_by = |name: Option<&str>| {
        let asked = Question {
            manager: name.map(str::to_owned),
            ..Question::default()
        };
        plan(&asked, &[]).unwrap()
    };
    let terms = |name| -> Vec<String> {
        let terms = plan_by(name).terms.into_iter();
        terms.map(|term| term.who).collect()
    };
    let usual = terms(None);
    assert_eq!(terms(Some("kubeadm")), usual);
    assert!(terms(Some("k0s")).contains(&"k0s".to_owned()));
    assert!(usual.iter().any(|who| who.starts_with("systemd")));
    assert!(
        !terms(Some("talos"))
            .iter()
            .any(|who| who.starts_with("systemd"))
    );
    let bound = |name| {
        plan_by(name)
            .notes
            .iter()
            .any(|note| note.contains("a lower bound"))
    };
    assert!(bound(Some("k3s")) && bound(Some("microk8s")) && !bound(Some("rke2")) && !bound(None));
}

/// Whom a user namespace is charged to depends on the runtime's version (`tests/node/run.sh host host-users`).
#[test]
fn pods_in_user_namespaces_are_left_out_where_root_is_charged_for_them() {
    let left_out = |runtime, version: Option<(u16, u16)>| {
        let asked = Question {
            runtime,
            runtime_version: version.map(|(major, minor)| Version::new(major, minor)),
            ..Question::default()
        };
        let notes = plan(&asked, &[]).unwrap().notes;
        let note = notes.iter().find(|note| note.starts_with("Not included"));
        let words = note.unwrap().split(';').next().unwrap();
        let (_, words) = words.split_once("as root").unwrap();
        words.to_owned()
    };
    let any = " or with hostUsers: false";
    assert_eq!(left_out(Runtime::Containerd, Some((2, 2))), any);
    assert_eq!(left_out(Runtime::Containerd, Some((2, 3))), "");
    assert_eq!(
        left_out(Runtime::Containerd, None),
        ", or with hostUsers: false before containerd 2.3"
    );
    assert_eq!(left_out(Runtime::CriO, Some((1, 35))), any);
}

/// Measured on real nodes: kubelet 1.20 on cgroup v1 takes 21 watches more for each one-container pod, in 7
/// hierarchies; here it is 8, since a machine may have hugetlb too. From 1.29 it takes 5.
#[test]
fn hierarchies_follow_the_version() {
    let per_pod = |minor| {
        let at = |pods| {
            let asked = Question {
                pods,
                containers_per_pod: 1,
                cgroup: Cgroup::V1,
                kubernetes: Version::new(1, minor),
                ..Question::default()
            };
            named(&plan(&asked, &[]).unwrap(), "cAdvisor").watches.value
        };
        at(11) - at(10)
    };
    assert_eq!(
        (per_pod(20), per_pod(28), per_pod(29), per_pod(33)),
        (24, 24, 15, 15)
    );
}

#[test]
fn nothing_waits_for_a_container_on_cgroup_v1() {
    let asked = Question {
        cgroup: Cgroup::V1,
        ..Question::default()
    };
    let plan = plan(&asked, &[]).unwrap();
    assert!(plan.terms.iter().all(|t| !t.who.contains("shim")));
    assert_eq!(plan.needed.instances, 35);
}

/// 1.6.20 and 1.7.24 of Debian hold one of each, 2.1 has room for CDI's directories; so has who does not say.
#[test]
fn a_runtime_counts_by_its_version() {
    let daemon = |runtime, version: Option<&str>| {
        let asked = Question {
            runtime,
            runtime_version: version.map(|version| version.parse().unwrap()),
            ..Question::default()
        };
        let who = match runtime {
            Runtime::Docker => "dockerd",
            _ => "containerd",
        };
        named(&plan(&asked, &[]).unwrap(), who).amounts()
    };
    let (less, all) = (Pair::of(1, 1), Pair::of(2, 3));
    for (runtime, version, amounts) in [
        (Runtime::Containerd, None, all),
        (Runtime::Containerd, Some("1.6.20~ds1"), less),
        (Runtime::Containerd, Some("v1.7.24"), less),
        (Runtime::Containerd, Some("2.0"), all),
        (Runtime::Docker, Some("20.10.24+dfsg1"), less),
        (Runtime::Docker, Some("28.5.1"), all),
    ] {
        assert_eq!(daemon(runtime, version), amounts, "{runtime:?} {version:?}");
    }
}

/// As counted on a real one (docs/real-node.md).
#[test]
fn crio_starts_no_pause_containers_and_gives_each_conmon_a_cgroup() {
    for cgroup_driver in [CgroupDriver::Cgroupfs, CgroupDriver::Systemd] {
        let asked = Question {
            pods: 10,
            containers_per_pod: 2,
            runtime: Runtime::CriO,
            cgroup: Cgroup::V2,
            cgroup_driver,
            other_cgroups: 4,
            ..Question::default()
        };
        let terms = terms::terms(&asked);
        let of = |who: &str| terms.iter().find(|t| t.who == who).map(Term::amounts);
        assert_eq!(of("kubelet: cAdvisor"), Some(Pair::of(2, 64)));
        assert_eq!(of("conmon"), Some(Pair::of(20, 20)));
        assert_eq!(of("CRI-O"), Some(Pair::of(4, 6)));
    }
}
