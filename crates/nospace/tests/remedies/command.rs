//! What a command to paste would do to a node.

use nospace_core::limits;
use nospace_core::model::{Environment, Program, Snapshot, may_write};
use nospace_core::report::{Owner, Subject};

/// Whether the node can run it, the kernel takes it, and nothing becomes less.
pub fn check(command: &str, node: &Snapshot) -> Result<(), String> {
    if command.is_empty() {
        return Err("empty".to_owned());
    }
    let on_host = command.starts_with("# on the host: ");
    let environment = node.environment.clone().unwrap_or_default();
    if !on_host {
        programs(command, node, &environment)?;
        guest(command, node)?;
        if command.contains("/var/lib/cni/networks") && !environment.host_local {
            return Err("host-local is not used here".to_owned());
        }
    }
    values(command, node)
}

/// The first word of each simple command.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split(['|', ';', '&', '(', '`']).filter_map(|part| {
        part.split_whitespace()
            .find(|word| !["[", "do", "then"].contains(word))
    })
}

fn programs(command: &str, node: &Snapshot, environment: &Environment) -> Result<(), String> {
    for word in commands(command) {
        let optional = Program::ALL.iter().find(|program| program.name() == word);
        let Some(program) = optional else { continue };
        let unknown = *program == Program::Sysctl && node.environment.is_none();
        if !environment.programs.contains(program) && !unknown {
            return Err(format!("{word} is not installed"));
        }
    }
    for service in command.split("systemctl restart ").skip(1) {
        let service = service.split_whitespace().next().unwrap_or_default();
        let view = nospace_core::view(node);
        let runs = view.owners.values().any(|owner| {
            matches!(owner, Owner::Unit { name } if name.strip_suffix(".service") == Some(service))
        });
        let inside = command.contains(" exec ");
        if !runs && !inside && !environment.services.contains(service) {
            return Err(format!("there is no {service}.service"));
        }
    }
    Ok(())
}

/// What only the host's root may do.
fn guest(command: &str, node: &Snapshot) -> Result<(), String> {
    let may_write = |key: &str| may_write(node.environment.as_ref(), &node.vantage, key);
    for word in ["/etc/sysctl.d/", "/proc/sys/vm/drop_caches"] {
        if command.contains(word) && !may_write("vm.x") && !command.contains("user.max_") {
            return Err("only the host's root may".to_owned());
        }
    }
    match assignment(command) {
        Some((key, _)) if !command.starts_with("nsenter") && !may_write(&key) => {
            Err(format!("{key} is the host's"))
        }
        _ => Ok(()),
    }
}

/// `KEY=VALUE` of `sysctl -w`, of `nospace tune --set`, or of a drop-in.
fn assignment(command: &str) -> Option<(String, String)> {
    let after = |mark: &str| command.split_once(mark).map(|(_, rest)| rest);
    let setting = after("sysctl -w ").or_else(|| after("--set "));
    let text = setting.or_else(|| after("printf '").filter(|_| command.contains("/etc/sysctl.d/")));
    // The guarded form: `[ "$(cat FILE)" -ge N ] || echo N > FILE`.
    if let Some((_, set)) = command.split_once("] || echo ") {
        let (value, file) = set.trim_end_matches('\'').split_once(" > /proc/sys/")?;
        return Some((file.replace('/', "."), value.to_owned()));
    }
    let text = text.or_else(|| command.contains("sed -i").then(|| after("c "))?)?;
    let (key, value) = text.split_once('=')?;
    let value = value.trim().split(['\'', '\\']).next()?.to_owned();
    let key = key.trim_matches(['\'', ' ']).to_owned();
    Some((key, value.trim().to_owned()))
}

fn numbers(text: &str) -> Vec<u64> {
    let words = text.split_whitespace();
    words.map(|word| word.parse().unwrap_or(u64::MAX)).collect()
}

fn values(command: &str, node: &Snapshot) -> Result<(), String> {
    if let Some((key, value)) = assignment(command) {
        if !limits::sysctl(&key).is_some_and(|sysctl| sysctl.takes(&value)) {
            return Err(format!("the kernel does not take {key} = {value}"));
        }
        let own = command.starts_with("nsenter") || command.starts_with("[ ");
        for live in live(node, &key).into_iter().filter(|_| !own) {
            let lower = numbers(&live)
                .iter()
                .zip(numbers(&value))
                .any(|(live, value)| value < *live);
            if lower {
                return Err(format!("{key} is {live} now"));
            }
        }
    }
    if let Some((_, limits)) = command.split_once("--nofile=") {
        let pid = command.split_whitespace().nth(2).unwrap_or_default();
        return descriptors(node, pid, limits);
    }
    cgroup(command, node)
}

/// Every value of a sysctl that the snapshot has.
fn live(node: &Snapshot, key: &str) -> Vec<String> {
    let inotify = node.limits.iter().filter_map(|l| match key {
        "fs.inotify.max_user_instances" => Some(l.max_user_instances.to_string()),
        "fs.inotify.max_user_watches" => Some(l.max_user_watches.to_string()),
        _ => None,
    });
    let settings = node.limits.iter().flat_map(|l| &l.settings);
    let settings = settings
        .filter(|s| s.key == key)
        .filter_map(|s| s.live.clone());
    let resources = limits::usage(node);
    let resources = resources
        .iter()
        .filter(|r| limits::sysctl_of(r).is_some_and(|s| s.key == key));
    inotify
        .chain(settings)
        .chain(resources.map(|r| r.limit.to_string()))
        .collect()
}

/// `SOFT:` or `SOFT:HARD`.
fn descriptors(node: &Snapshot, pid: &str, limits: &str) -> Result<(), String> {
    let process = node.processes.iter().find(|p| p.pid.to_string() == pid);
    let process = process.ok_or("no such process")?;
    let (soft, hard) = limits.split_once(':').ok_or("both limits")?;
    let soft: u64 = soft.parse().map_err(|_| "no number")?;
    let now = process
        .descriptor_hard_limit
        .ok_or("the hard limit is not known")?;
    let hard = hard.parse().unwrap_or(now);
    let open = live(node, "fs.nr_open")
        .first()
        .map_or(1 << 20, |n| numbers(n)[0]);
    let lowers = process.descriptor_limit.is_some_and(|limit| soft < limit) || hard < now;
    if lowers || soft > hard || soft > open || hard > open.max(now) {
        return Err(format!(
            "from {:?}:{now}, fs.nr_open {open}",
            process.descriptor_limit
        ));
    }
    Ok(())
}

/// `TasksMax=N`, `echo N > …/pids.max`.
fn cgroup(command: &str, node: &Snapshot) -> Result<(), String> {
    let limited = node.pids.iter().flat_map(|p| &p.cgroups);
    for one in limited {
        let name = one.path.rsplit('/').next().unwrap_or_default();
        let of_unit = command.contains(&format!("set-property {name} TasksMax="));
        let of_file = command.contains(&format!("{}/pids.max", one.path));
        let value = command
            .split_once("TasksMax=")
            .map(|(_, value)| value)
            .or_else(|| command.strip_prefix("echo ")?.split(' ').next());
        let value: u64 = value
            .and_then(|value| value.parse().ok())
            .unwrap_or(u64::MAX);
        if (of_unit || of_file) && (value <= one.max || value > 4_194_304) {
            return Err(format!("pids.max of {} is {}", one.path, one.max));
        }
    }
    for mount in limits::usage(node) {
        let (Subject::Mount(place), Some((_, rest))) =
            (&mount.subject, command.split_once("remount,"))
        else {
            continue;
        };
        let (option, path) = rest.split_once(' ').unwrap_or_default();
        let value: u64 = option
            .split('=')
            .nth(1)
            .and_then(|v| v.parse().ok())
            .unwrap_or(0);
        let same = path == place && (mount.unit == "bytes") == option.starts_with("size");
        if same && value <= mount.limit {
            return Err(format!("{place} has {}", mount.limit));
        }
    }
    Ok(())
}
