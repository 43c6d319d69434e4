use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::culprit::{Culprit, PodRef};

/// A culprit holds at least one part in this many of a budget.
const LEAST_PART: u64 = 4;

/// Who a budget went to. Nobody is accused who holds less than a quarter of it: [`Blame::of`] decides, all output follows.
///
/// In JSON these are the fields `culprits`, `culpritPods` and `groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Fields", into = "Fields")]
pub enum Blame {
    /// Those that hold a quarter or more, the largest first.
    Culprits(Culprits),
    /// No single culprit: the groups that make up the use, the largest first.
    Groups(Vec<Group>),
    /// No holder is known.
    #[default]
    Unknown,
}

/// At least one culprit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprits {
    all: Vec<Culprit>,
    pods: Vec<PodRef>,
}

/// A holder of a budget.
#[derive(Clone, Debug)]
pub struct Share {
    /// What it holds, in the unit of the budget.
    pub held: u64,
    /// It, should it be a culprit.
    pub culprit: Culprit,
    /// The pod that it is.
    pub pod: Option<PodRef>,
}

/// Holders that have something in common: a program, a workload, a unit, an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// What they have in common, and how many they are: `containerd shims of 36 pods`.
    pub name: String,
    /// Processes.
    pub processes: u64,
    /// What they hold together.
    pub used: u64,
    /// What is counted: `instances`, `watches`, `files`.
    pub unit: String,
    /// `used` of the limit, in percent rounded down.
    pub percent: u64,
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            used,
            unit,
            percent,
            ..
        } = self;
        write!(f, "{name}: {used} {unit} ({percent} %)")
    }
}

impl Blame {
    /// Of a budget of this size, whose holders are `holders`, the largest first, and `groups` where none of them is a culprit.
    #[must_use]
    pub fn of(budget: u64, holders: Vec<Share>, groups: impl FnOnce() -> Vec<Group>) -> Self {
        let guilty = |share: &Share| is_culprit(share.held, budget);
        let (all, pods): (Vec<_>, Vec<_>) = holders
            .into_iter()
            .filter(guilty)
            .map(|share| (share.culprit, share.pod))
            .unzip();
        if !all.is_empty() {
            let pods = pods.into_iter().flatten().collect();
            return Self::Culprits(Culprits { all, pods });
        }
        let groups = groups();
        let seen = groups.iter().map(|group| group.used).sum();
        // What hardly anything is seen of is not explained by what is.
        if is_culprit(seen, budget) {
            Self::Groups(groups)
        } else {
            Self::Unknown
        }
    }

    /// The only one that a budget belongs to, or that sets what is wrong.
    #[must_use]
    pub fn only(culprit: Culprit, pod: Option<PodRef>) -> Self {
        Self::Culprits(Culprits {
            all: vec![culprit],
            pods: pod.into_iter().collect(),
        })
    }

    /// Those that are accused; none where there is no single culprit.
    #[must_use]
    pub fn culprits(&self) -> &[Culprit] {
        match self {
            Self::Culprits(culprits) => &culprits.all,
            Self::Groups(_) | Self::Unknown => &[],
        }
    }

    /// Those of them that are pods, in the same order.
    #[must_use]
    pub fn pods(&self) -> &[PodRef] {
        match self {
            Self::Culprits(culprits) => &culprits.pods,
            Self::Groups(_) | Self::Unknown => &[],
        }
    }

    /// The groups that make up the use, where there is no single culprit.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        match self {
            Self::Groups(groups) => groups,
            Self::Culprits(_) | Self::Unknown => &[],
        }
    }

    /// Each of those that it names, in words; that there is no culprit comes first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Culprits(culprits) => culprits.all.iter().map(Culprit::to_string).collect(),
            Self::Groups(groups) => std::iter::once(NO_CULPRIT.to_owned())
                .chain(groups.iter().map(Group::to_string))
                .collect(),
            Self::Unknown => Vec::new(),
        }
    }

    /// `culprit` and `pod default/web: 90 instances`, or `no single culprit:` and `containerd shims of 36 pods: 108 instances (84 %)`;
    /// `None` where nobody is known.
    #[must_use]
    pub fn first(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Culprits(culprits) => Some(("culprit", culprits.all.first()?.short())),
            Self::Groups(groups) => Some(("no single culprit:", groups.first()?.to_string())),
            Self::Unknown => None,
        }
    }
}

/// What output says in place of a name.
pub const NO_CULPRIT: &str = "no single culprit";

/// Whether who holds `held` of a budget is to blame for its use.
#[must_use]
pub fn is_culprit(held: u64, budget: u64) -> bool {
    held > 0 && held.saturating_mul(LEAST_PART) >= budget
}

/// [`Blame`] as JSON has it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Fields {
    /// Who holds a quarter or more of the budget, the largest first.
    #[schemars(with = "Vec<String>")]
    culprits: Vec<Culprit>,
    /// Those of the culprits that are pods, in the same order.
    #[serde(default)]
    culprit_pods: Vec<PodRef>,
    /// Where there is no single culprit, the groups of holders that make up the use, the largest first.
    #[serde(default)]
    groups: Vec<Group>,
}

impl From<Fields> for Blame {
    fn from(fields: Fields) -> Self {
        if !fields.culprits.is_empty() {
            Self::Culprits(Culprits {
                all: fields.culprits,
                pods: fields.culprit_pods,
            })
        } else if !fields.groups.is_empty() {
            Self::Groups(fields.groups)
        } else {
            Self::Unknown
        }
    }
}

impl From<Blame> for Fields {
    fn from(blame: Blame) -> Self {
        let mut fields = Self {
            culprits: Vec::new(),
            culprit_pods: Vec::new(),
            groups: Vec::new(),
        };
        match blame {
            Blame::Culprits(Culprits { all, pods }) => {
                (fields.culprits, fields.culprit_pods) = (all, pods);
            }
            Blame::Groups(groups) => fields.groups = groups,
            Blame::Unknown => {}
        }
        fields
    }
}

impl JsonSchema for Blame {
    fn schema_name() -> Cow<'static, str> {
        "Blame".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Fields::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(name: &str, held: u64) -> Share {
        Share {
            held,
            culprit: Culprit::with_amount(name, format!("{held} instances")),
            pod: None,
        }
    }

    fn group() -> Vec<Group> {
        vec![Group {
            name: "workers".to_owned(),
            processes: 9,
            used: 90,
            unit: "instances".to_owned(),
            percent: 90,
        }]
    }

    #[test]
    fn a_quarter_makes_a_culprit_and_less_does_not() {
        let blame = Blame::of(100, vec![share("a", 25), share("b", 24)], group);
        assert_eq!(blame.culprits(), [share("a", 25).culprit]);
        assert_eq!(blame.groups(), []);
        let blame = Blame::of(100, vec![share("a", 24), share("b", 24)], group);
        assert_eq!((blame.culprits().len(), blame.groups().len()), (0, 1));
        assert_eq!(blame.names()[0], NO_CULPRIT);
        assert_eq!(Blame::of(1_000, Vec::new(), group), Blame::Unknown);
        assert_eq!(Blame::of(0, vec![share("a", 0)], Vec::new), Blame::Unknown);
    }

    #[test]
    fn it_is_read_back() {
        let pod = PodRef {
            namespace: "default".to_owned(),
            name: "a".to_owned(),
            uid: "u".to_owned(),
        };
        let one = Blame::only(share("pod default/a", 7).culprit, Some(pod));
        for blame in [one, Blame::of(100, Vec::new(), group), Blame::Unknown] {
            let text = serde_json::to_string(&blame).unwrap();
            assert_eq!(
                serde_json::from_str::<Blame>(&text).unwrap(),
                blame,
                "{text}"
            );
        }
    }
}
