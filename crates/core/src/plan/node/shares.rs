use super::super::term::share;
use super::super::{Basis, Formula, PerPod, Question, Term, terms, total};
use crate::model::{Pair, Provenance};

/// What pods take together, and what the rest of the node does.
pub(super) struct Shares {
    /// Pods that it is shared by.
    pub pods: u64,
    /// Held by pods themselves and their shims.
    pub own: Pair<u64>,
    /// cAdvisor's watches on their cgroups.
    pub cadvisor: u64,
    /// PID 1's watches on their units.
    pub systemd: u64,
    /// Whatever else root uses.
    pub rest: Pair<u64>,
    /// What a kubelet would take beside its share of pods, where none runs.
    pub kubelet: Pair<u64>,
}

impl Shares {
    pub fn per_pod(&self) -> Option<PerPod> {
        let watches = self
            .own
            .watches
            .saturating_add(self.cadvisor)
            .saturating_add(self.systemd);
        (self.pods > 0).then(|| PerPod {
            instances: tenths(self.own.instances, self.pods),
            watches: tenths(watches, self.pods),
            // The kubelet's and systemd's parts are calculated.
            provenance: Provenance::Estimated,
        })
    }

    pub fn terms(&self, pods: u64, asked: &Question) -> Vec<Term> {
        let mut found = if self.pods == 0 {
            vec![by_formula(pods, asked)]
        } else {
            self.by_pods(pods)
        };
        found.push(fixed(
            "rest of the node",
            "its use now, without pods",
            self.rest,
            Basis::Measured,
            "uid 0's use less the shares of pods",
        ));
        if self.kubelet != Pair::default() {
            found.push(fixed(
                "kubelet, not running",
                "what it would take",
                self.kubelet,
                Basis::Measured,
                "the forecast of nospace check",
            ));
        }
        found.extend(terms::extra(asked));
        found
    }

    fn by_pods(&self, pods: u64) -> Vec<Term> {
        let share = |who: &str, why: &str, sum: Pair<u64>, basis: Basis, source: &str| Term {
            who: who.to_owned(),
            why: why.to_owned(),
            instances: scaled(sum.instances, self.pods, pods),
            watches: scaled(sum.watches, self.pods, pods),
            basis,
            source: source.to_owned(),
        };
        vec![
            share(
                "pods: workloads, shims",
                "as measured here",
                self.own,
                Basis::Measured,
                "what their processes hold, charged to uid 0",
            ),
            share(
                "pods: kubelet's share",
                "cAdvisor, one watch per cgroup",
                Pair::of(0, self.cadvisor),
                Basis::Read,
                "cgroups of pods and containers, in each hierarchy that cAdvisor watches",
            ),
            share(
                "pods: systemd's share",
                "slices and scopes",
                Pair::of(0, self.systemd),
                Basis::Read,
                "units of pods and containers, as PID 1 watches them",
            ),
        ]
    }
}

fn fixed(who: &str, why: &str, amounts: Pair<u64>, basis: Basis, source: &str) -> Term {
    Term {
        who: who.to_owned(),
        why: why.to_owned(),
        instances: Formula::fixed(amounts.instances),
        watches: Formula::fixed(amounts.watches),
        basis,
        source: source.to_owned(),
    }
}

/// What the formula says of pods alone.
fn by_formula(pods: u64, asked: &Question) -> Term {
    let of = |pods| {
        total(&terms::terms(&Question {
            pods,
            extra: Pair::default(),
            ..asked.clone()
        }))
    };
    fixed(
        "pods, by the formula",
        "none run here to measure",
        of(pods).minus(of(0)),
        Basis::Read,
        "the formula of nospace plan",
    )
}

fn scaled(sum: u64, of: u64, pods: u64) -> Formula {
    let value = share(sum, pods, of);
    Formula {
        formula: format!("{sum} / {of} pods x {pods}"),
        value,
    }
}

/// With one decimal, rounded up: of a figure that is used up, the larger is the safer.
fn tenths(sum: u64, of: u64) -> f64 {
    let tenths = share(sum, 10, of);
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    let tenths = tenths as f64;
    tenths / 10.0
}
