//! The numbers of `nospace plan`.

use serde::Deserialize;
use serde::de::Error as _;

use super::{Sysctl, SysctlRequest, sysctl};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    proposal: Numbers,
    #[serde(default)]
    other_limits: Vec<OtherLimit>,
}

#[derive(Deserialize)]
struct OtherLimit {
    sysctl: String,
    value: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    max_user_instances: u64,
    max_user_watches: u64,
}

/// What the document of `nospace plan -o json` proposes.
///
/// # Errors
///
/// When it is no such document; the message says where.
pub fn requests_of_plan(json: &[u8]) -> Result<Vec<SysctlRequest>, serde_json::Error> {
    let plan: Plan = serde_json::from_slice(json)?;
    let Plan { proposal, .. } = plan;
    let request = |sysctl, value| SysctlRequest {
        sysctl,
        value,
        reason: "from the plan".to_owned(),
        firm: true,
    };
    let mut all = vec![
        request(Sysctl::INSTANCES, proposal.max_user_instances),
        request(Sysctl::WATCHES, proposal.max_user_watches),
    ];
    for OtherLimit { sysctl: key, value } in plan.other_limits {
        let Some(value) = value else { continue };
        let known = sysctl(&key).ok_or_else(|| {
            serde_json::Error::custom(format!("otherLimits: {key} is no sysctl that nospace sets"))
        })?;
        // It was estimated: as much of it as the memory bears will do.
        all.push(SysctlRequest {
            firm: false,
            ..request(known, value)
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_and_anything_else_is_not() {
        let plan = br#"{"schemaVersion":1,"proposal":{"maxUserInstances":1024,"maxUserWatches":65536,"more":[]},"terms":[]}"#;
        let values: Vec<_> = requests_of_plan(plan)
            .unwrap()
            .iter()
            .map(|w| w.value)
            .collect();
        assert_eq!(values, [1024, 65536]);
        let more = br#"{"proposal":{"maxUserInstances":1,"maxUserWatches":2},"otherLimits":[{"sysctl":"kernel.pid_max","value":65536},{"sysctl":"kernel.sem","value":null}]}"#;
        let more = requests_of_plan(more).unwrap();
        let last = more.last().unwrap();
        assert_eq!(
            (more.len(), last.sysctl.key, last.value, last.firm),
            (3, "kernel.pid_max", 65_536, false)
        );
        let other = br#"{"proposal":{"maxUserInstances":1,"maxUserWatches":2},"otherLimits":[{"sysctl":"kernel.core_pattern","value":1}]}"#;
        let error = requests_of_plan(other).unwrap_err();
        assert!(error.to_string().contains("kernel.core_pattern"), "{error}");
        let error = requests_of_plan(br#"{"proposal":{"maxUserWatches":1}}"#).unwrap_err();
        assert!(error.to_string().contains("maxUserInstances"), "{error}");
    }
}
