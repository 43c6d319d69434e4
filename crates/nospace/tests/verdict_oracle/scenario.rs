//! Who holds what in which user namespace, and who asks.

use std::process::Command;

use anyhow::ensure;
use nospace_holder::Holder;

use crate::choices::Choices;
use crate::support::NOSPACE;

/// The first of the users of the initial namespace that nobody is; every scenario has one of its own.
const FIRST_USER: u64 = 1_900_000_000;
/// `fs.inotify.max_user_instances`, which no test changes.
const INITIAL_LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";
/// How instances can be shared; each counts once, however many processes have it.
const SHARES: [&str; 5] = ["plain", "forked", "duplicated", "passed", CHANGED];
/// By one process that has become another user since.
const CHANGED: &str = "changed";
/// Whom it became.
const OTHER_USER: u32 = 1_899_999_999;

/// With which rights, and from where, nospace looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// Root, with the kernel's own accounting.
    Ebpf,
    /// Root, with /proc alone.
    NoEbpf,
    /// Any user of the initial namespace.
    Nobody,
    /// The user that is charged.
    Charged,
    /// Root of the holder's user namespace.
    Inside,
    /// The same, with a pid namespace and a /proc of its own.
    Container,
    /// Root of another user namespace below.
    Deeper,
}

const RIGHTS: [Rights; 10] = [
    Rights::Ebpf,
    Rights::Ebpf,
    Rights::Ebpf,
    Rights::NoEbpf,
    Rights::NoEbpf,
    Rights::Nobody,
    Rights::Charged,
    Rights::Inside,
    Rights::Container,
    Rights::Deeper,
];

/// A user namespace, with its limits where it has any of its own.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    instances: Option<u64>,
    watches: Option<u64>,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub rights: Rights,
    user: u64,
    /// From the initial one down.
    levels: Vec<Level>,
    /// What the holder takes.
    instances: u64,
    watches: u64,
    /// Instances of a program of the same user outside, and how it has them.
    beside: Option<(u64, &'static str)>,
    /// The holder is a kubelet.
    pub kubelet: bool,
}

impl Scenario {
    pub fn choose(choices: &mut Choices, number: u64) -> Self {
        let limit = std::fs::read_to_string(INITIAL_LIMIT).ok();
        let limit = limit
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(128);
        // Up to the limit of the initial namespace, as far as descriptors last.
        let fills = choices.percent(35) && limit <= 400;
        let total = match fills {
            true => limit - choices.below(4),
            false => 1 + choices.below(20),
        };
        let beside = if choices.percent(50) {
            choices.below(total.min(64))
        } else {
            0
        };
        let instances = total - beside;
        let watches = choices.below(60);
        let (rights, kubelet) = (choices.of(&RIGHTS), choices.percent(40));
        let is_inside = matches!(rights, Rights::Inside | Rights::Container | Rights::Deeper);
        let depth = choices.below(4).max(u64::from(is_inside));
        let mut limit_of = |held: u64| {
            let slack = choices.of(&[0, 0, 1, 2, 10, 100]);
            choices.percent(35).then_some(held + slack)
        };
        let levels = (0..depth).map(|_| Level {
            instances: limit_of(instances),
            watches: limit_of(watches),
        });
        Self {
            levels: levels.collect(),
            rights,
            user: FIRST_USER + number,
            instances,
            watches,
            beside: (beside > 0).then(|| (beside, choices.of(&SHARES))),
            kubelet,
        }
    }

    /// Makes it: who takes more, and what lives beside it.
    pub fn hold(&self) -> anyhow::Result<(Holder, Option<Holder>)> {
        let user = format!("--uid={}", self.user);
        let beside = self
            .beside
            .map(|(instances, share)| -> anyhow::Result<Holder> {
                let how = match share {
                    CHANGED => "plain",
                    share => share,
                };
                let how = format!("--share={how}");
                let mut beside =
                    Holder::start(&[&user, &format!("--instances={instances}"), &how])?;
                if share == CHANGED {
                    beside.tell(&format!("become {OTHER_USER}"))?;
                }
                Ok(beside)
            });
        let mut arguments = vec![user, "--instances=0".to_owned()];
        arguments.extend(self.kubelet.then(|| "--comm=kubelet".to_owned()));
        let mut holder = Holder::start(&arguments)?;
        for level in &self.levels {
            holder.tell("nest")?;
            for (what, limit) in [("instances", level.instances), ("watches", level.watches)] {
                if let Some(limit) = limit {
                    holder.tell(&format!("limit {what} {limit}"))?;
                }
            }
        }
        let taken = holder.tell(&format!("open {}", self.instances))?;
        ensure!(taken.done > 0, "not a single instance: {taken:?}");
        holder.tell(&format!("add {}", self.watches))?;
        Ok((holder, beside.transpose()?))
    }

    /// nospace with `arguments`, with these rights.
    pub fn nospace(&self, holder: &Holder, arguments: &str) -> anyhow::Result<Command> {
        let inside = format!("nsenter --user --target {}", holder.pid());
        let user = self.user;
        let enter = match self.rights {
            Rights::Ebpf | Rights::NoEbpf => String::new(),
            Rights::Nobody => "setpriv --reuid=65534 --regid=65534 --clear-groups".to_owned(),
            Rights::Charged => format!("setpriv --reuid={user} --regid={user} --clear-groups"),
            Rights::Inside => inside,
            Rights::Container => format!("{inside} unshare --fork --pid --kill-child --mount-proc"),
            Rights::Deeper => format!("{inside} unshare --user --map-root-user"),
        };
        let only_proc = match self.rights {
            Rights::NoEbpf => "--no-ebpf",
            _ => "",
        };
        ensure!(NOSPACE.starts_with('/'));
        // Through a descriptor, because the user there may not be allowed to walk to the program.
        let script = format!("exec 8<\"$0\"; exec {enter} /proc/self/fd/8 {arguments} {only_proc}");
        let mut command = Command::new("sh");
        command.args(["-c", &script, NOSPACE]);
        Ok(command)
    }
}
