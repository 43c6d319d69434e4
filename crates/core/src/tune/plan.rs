//! The numbers of `nospace plan`.

use serde::Deserialize;

use super::{Sysctl, SysctlRequest};

#[derive(Deserialize)]
struct Plan {
    proposal: Numbers,
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
    let Plan { proposal } = serde_json::from_slice(json)?;
    let request = |sysctl, value| SysctlRequest {
        sysctl,
        value,
        reason: "from the plan".to_owned(),
        firm: true,
    };
    Ok(vec![
        request(Sysctl::INSTANCES, proposal.max_user_instances),
        request(Sysctl::WATCHES, proposal.max_user_watches),
    ])
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
        let error = requests_of_plan(br#"{"proposal":{"maxUserWatches":1}}"#).unwrap_err();
        assert!(error.to_string().contains("maxUserInstances"), "{error}");
    }
}
