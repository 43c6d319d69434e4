//! `nospace report --agent`: the node of a running agent.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hyper::Uri;
use nospace_core::amount::{count, duration};

use super::moment;
use crate::cli::agent_access::agent_address;
use crate::cli::args::LOOK;
use crate::cli::from::FromArgs;
use crate::cluster::{AgentAnswer, ask, runtime};
use crate::incident::{Incident, history};

/// No attempt of a request takes longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A report that is older, in seconds, may not be what the node is like now.
const OLD: u64 = 60;

/// Which agent, and how it is asked.
#[derive(Args, Debug)]
pub struct AgentArgs {
    /// Report the node of this running agent, with the hours that it remembers: http://HOST[:9409]
    #[arg(long, value_name = "URL", value_parser = agent_address, group = "a_node", help_heading = LOOK)]
    agent: Option<Uri>,
}

impl AgentArgs {
    /// What the agent answers; `None` where none is asked for.
    ///
    /// # Errors
    ///
    /// The agent has no report for this client; the error says why.
    pub fn incident(&self, from: &FromArgs) -> anyhow::Result<Option<Incident>> {
        let Some(url) = &self.agent else {
            return Ok(None);
        };
        let server = from.access.server(url);
        let answer = runtime()?.block_on(ask(&server, TIMEOUT))?;
        incident(answer).map(Some)
    }
}

fn incident(answer: AgentAnswer) -> anyhow::Result<Incident> {
    let taken_at = answer.report.taken_at.clone();
    let mut gaps = Vec::new();
    if let Some(age) = answer.age.filter(|age| *age >= OLD) {
        let ago = duration(Duration::from_secs(age));
        gaps.push(format!("the agent's last collection ended {ago} ago"));
    }
    let mut incident = match answer.history {
        Ok(past) => {
            let step = duration(Duration::from_secs_f64(past.step_seconds.clamp(1.0, 1e9)));
            gaps.push(format!(
                "the agent keeps a figure for each {step}, the highest; which findings, pods and units came and went is not in its history"
            ));
            let omitted = [
                (past.budgets_omitted, "budget", "budgets"),
                (past.workloads_omitted, "workload", "workloads"),
            ];
            for (n, one, many) in omitted.into_iter().filter(|(n, ..)| *n > 0) {
                let others = count(n, one, many);
                gaps.push(format!("the agent does not keep the history of {others}"));
            }
            history::incident(&past, answer.report).context("the agent's history has no times")?
        }
        Err(why) => {
            gaps.push(format!(
                "what happened before {taken_at} is not known, as the agent's history cannot be read: {why}"
            ));
            let alone = moment(answer.report)?.finish();
            alone.context("the report has no sample")?
        }
    };
    incident.gaps.extend(gaps);
    Ok(incident)
}
