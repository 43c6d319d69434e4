use anyhow::ensure;
use nospace_holder::Holder;

use crate::agent::{Agent, Samples};
use crate::pods::Pod;

const FEW: u64 = 40;
const MANY: u64 = 20_000;

/// Refused calls of this pod.
fn told(samples: &Samples, pod: &Pod, call: &str, errno: &str) -> f64 {
    let labels = [
        &pod.uid,
        &format!("call=\"{call}\""),
        &format!("errno=\"{errno}\""),
    ];
    let labels = labels.map(String::as_str);
    let rows = samples.with("nospace_inotify_refusals_total", &labels);
    rows.iter().map(|(_, calls)| calls).sum()
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
    let watches = MANY - holder.tell(&format!("press {MANY}"))?.done;
    holder.tell("limit instances 1")?;
    let instances = FEW - holder.tell(&format!("press-open {FEW}"))?.done;
    ensure!(
        (watches, instances) == (MANY, FEW),
        "the kernel refused {watches}, {instances}"
    );
    let add = ("inotify_add_watch", "ENOSPC");
    let init = ("inotify_init1", "EMFILE");
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    let wanted = [watches as f64, instances as f64];
    let now = || {
        let samples = agent.metrics()?;
        let counted = [add, init].map(|(call, errno)| told(&samples, &pod, call, errno));
        anyhow::Ok((counted, samples.one("nospace_trace_lost_calls_total")?))
    };
    agent.until("counted", || Ok((now()?.0 >= wanted).then_some(())))?;
    // Long enough for what was counted twice to come in, too.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (counted, lost) = now()?;
    ensure!(
        counted == wanted && lost == 0.0,
        "{counted:?} of {wanted:?}, {lost} lost"
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
