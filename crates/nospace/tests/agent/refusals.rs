use std::time::Duration;

use anyhow::ensure;
use nospace_holder::Holder;

use crate::agent::{Agent, Samples};
use crate::pods::Pod;

const FEW: u64 = 40;
/// No faster than any machine reads them.
const PACED: u64 = 3_000;
/// As fast as the holder can.
const MANY: u64 = 50_000;

/// Refused calls of this pod.
fn refused(samples: &Samples, pod: &Pod, call: &str, errno: &str) -> f64 {
    let labels = [
        &pod.uid,
        &format!("call=\"{call}\""),
        &format!("errno=\"{errno}\""),
    ];
    let labels = labels.map(String::as_str);
    let rows = samples.with("nospace_inotify_refusals_total", &labels);
    rows.iter().map(|(_, calls)| calls).sum()
}

#[expect(clippy::cast_precision_loss, reason = "they are few")]
fn float(number: u64) -> f64 {
    number as f64
}

pub fn exact() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=1h"])?;
    if agent.metrics()?.one("nospace_trace_active")? == 0.0 {
        ensure!(std::env::var_os("NOSPACE_NEEDS_EBPF").is_none());
        return Ok(());
    }
    let pod = Pod::make(700)?;
    let mut holder = Holder::start(&["--user-namespace=830000", "--instances=1", "--watches=5"])?;
    pod.take(&holder)?;
    holder.tell("limit watches 5")?;
    let paced = PACED - holder.tell(&format!("pace {PACED} 2000"))?.done;
    holder.tell("limit instances 1")?;
    let instances = FEW - holder.tell(&format!("press-open {FEW}"))?.done;
    ensure!(
        (paced, instances) == (PACED, FEW),
        "the kernel refused {paced}, {instances}"
    );
    let add = ("inotify_add_watch", "ENOSPC");
    let init = ("inotify_init1", "EMFILE");
    let now = || {
        // Losses are asked for once a second.
        std::thread::sleep(Duration::from_secs(2));
        let samples = agent.metrics()?;
        let counted = [add, init].map(|(call, errno)| refused(&samples, &pod, call, errno));
        anyhow::Ok((counted, samples.one("nospace_trace_lost_calls_total")?))
    };
    let wanted = [PACED, FEW].map(float);
    let (counted, lost) = now()?;
    ensure!(
        counted == wanted && lost == 0.0,
        "{counted:?} of {wanted:?}, {lost} lost"
    );
    let burst = MANY - holder.tell(&format!("press {MANY}"))?.done;
    ensure!(burst == MANY, "the kernel refused {burst}");
    let (counted, lost) = now()?;
    // Those of other tests may be among the lost; none is counted twice, and none is lost unseen.
    let whole = float(PACED + MANY);
    ensure!(
        counted[0] <= whole && counted[0] + lost >= whole,
        "{counted:?} of {whole}, {lost} lost"
    );
    let causes = agent.metrics()?;
    let of = |cause: &str| causes.one(&format!("nospace_refusals_total{{cause=\"{cause}\"}}"));
    ensure!(of("inotify-watches")? >= wanted[0] && of("inotify-instances")? >= wanted[1]);
    ensure!(
        of("keys")? >= 0.0,
        "a counter that begins at 1 has not grown"
    );
    Ok(())
}

pub fn without_ebpf() -> anyhow::Result<()> {
    for option in ["--no-ebpf", "--trace=off"] {
        let agent = Agent::start(&[option])?;
        let samples = agent.metrics()?;
        ensure!(samples.one("nospace_trace_active")? == 0.0);
        ensure!(samples.with("nospace_refusals_total", &[]).is_empty());
        ensure!(agent.get("/readyz")?.status == 200);
    }
    Ok(())
}
