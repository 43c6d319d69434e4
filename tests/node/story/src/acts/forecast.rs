//! With the least room that the forecast takes for enough the kubelet starts; with one less it does not.

use anyhow::ensure;

use super::limits::Limit;
use crate::Stage;
use crate::node::{minor, wait};

/// How often it is measured before the forecast counts as wrong.
const ATTEMPTS: u32 = 3;

/// What is short.
enum Short {
    Watches,
    Instances,
}

/// Watches.
pub fn watches(stage: &mut Stage) -> anyhow::Result<()> {
    hold(stage, &Short::Watches, "")
}

/// Instances.
pub fn instances(stage: &mut Stage) -> anyhow::Result<()> {
    hold(stage, &Short::Instances, "")
}

/// Settings with which the kubelet needs fewer of both, as start.sh names them.
pub fn settings(stage: &mut Stage) -> anyhow::Result<()> {
    for (name, what) in [
        ("plain", ", with neither static pods nor a client CA"),
        (
            "bootstrap",
            ", with a serving certificate from the API server",
        ),
    ] {
        set(stage, name)?;
        both(stage, what)?;
    }
    // An older kubectl does not write a part of an object.
    if minor()? >= 24 {
        stage.node.control("grant_certificate", "kubelet")?;
        both(stage, ", with that certificate granted")?;
    }
    set(stage, "usual")
}

fn both(stage: &mut Stage, settings: &str) -> anyhow::Result<()> {
    hold(stage, &Short::Watches, settings)?;
    hold(stage, &Short::Instances, settings)
}

/// Restarts the kubelet with other settings.
fn set(stage: &Stage, name: &str) -> anyhow::Result<()> {
    stage.node.control("kubelet_settings", name)?;
    stage.node.control("stop", "kubelet")?;
    ensure!(
        stage.node.kubelet_starts()?,
        "the kubelet does not start with the settings {name}"
    );
    Ok(())
}

fn hold(stage: &mut Stage, short: &Short, settings: &str) -> anyhow::Result<()> {
    // Before 1.23 it did not watch the client CA, which nospace cannot tell from a kubelet that was refused one.
    let (less, spare) = if minor()? < 23 {
        (2, "with one or two fewer it may start")
    } else {
        (1, "without the last one, the plugin registry's, it starts")
    };
    let mut found = measure(stage, short)?;
    // Something else on the machine may take one meanwhile; a wrong forecast stays wrong.
    for _ in 1..ATTEMPTS {
        if found.least + less == found.needed {
            break;
        }
        found = measure(stage, short)?;
    }
    let Measured {
        word,
        least,
        needed,
    } = found;
    stage.table.row(
        &format!("fewest free {word}{settings}"),
        &format!("the kubelet starts with {least} or more"),
        &format!("forecast: needs {needed}; {spare}"),
        least + less == needed,
    );
    Ok(())
}

/// What the kubelet started with, and what nospace said.
struct Measured {
    word: &'static str,
    least: u64,
    needed: u64,
}

fn measure(stage: &Stage, short: &Short) -> anyhow::Result<Measured> {
    // Of one in its first minute nospace does not know whether it will watch its certificate, as from 1.31 on.
    if minor()? < 31 {
        wait(90, "the kubelet's first minute", || {
            Ok(!stage.nospace.check()?.forecast()?.starting)
        })?;
    }
    let look = stage.nospace.check()?;
    let forecast = look.forecast()?;
    let (instances, watches) = look.root()?;
    let (word, used, given_back, needed) = match short {
        Short::Watches => (
            "watches",
            watches,
            forecast.watches_given_back,
            forecast.watches_needed,
        ),
        Short::Instances => (
            "instances",
            instances,
            forecast.instances_given_back,
            forecast.instances_needed,
        ),
    };
    let others = used - given_back;
    let limit = Limit::of(&format!("max_user_{word}"))?;
    let least = least_room(stage, needed, |room| limit.set(others + room))?;
    drop(limit);
    ensure!(
        stage.node.kubelet_starts()?,
        "the kubelet does not start with the old limit"
    );
    Ok(Measured {
        word,
        least,
        needed,
    })
}

/// The least room with which the kubelet starts, looked for downwards from what it is said to need.
fn least_room(
    stage: &Stage,
    needed: u64,
    leave: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    for room in (0..=needed).rev() {
        stage.node.control("stop", "kubelet")?;
        leave(room)?;
        if !stage.node.kubelet_starts()? {
            return Ok(room + 1);
        }
    }
    Ok(0)
}
