//! Ports of each bridge of the network namespace that sysfs shows.

use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};

use super::read;
use super::run::{CollectResult, Measurement, unanswered};
use crate::host::{Host, ReadError, sys};

/// Port numbers have ten bits, and 0 is none (`find_portno` and `BR_MAX_PORTS`, net/bridge/br_if.c).
const MAX_PORTS: u64 = 1023;
/// More interfaces than this are not asked.
const MAX_INTERFACES: usize = 20_000;

/// Asks every interface for its ports: only a bridge answers.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let (names, more) = match read::names(host, sys("class/net"), MAX_INTERFACES) {
        Ok(answer) => answer,
        Err(ReadError::Gone) => return Ok(Measurement::exact(Vec::new())),
        Err(error) => return Err(unanswered(sys("class/net"), &error)),
    };
    let mut gaps = Vec::new();
    if more {
        gaps.push(format!(
            "more than {MAX_INTERFACES} network interfaces: only the first were asked whether they are bridges"
        ));
    }
    let mut resources = Vec::new();
    for name in names {
        let path = format!("class/net/{name}/brif");
        match host.list(sys(&path), 2 * MAX_PORTS as usize) {
            Ok(ports) => resources.push(Resource::exact(
                Cause::BridgePorts,
                Subject::Interface(name),
                ports.len() as u64,
                MAX_PORTS,
                "ports",
            )),
            Err(ReadError::Gone) => {}
            Err(error) => gaps.push(format!("{}: {error}", sys(&path))),
        }
    }
    Ok(Measurement::exact(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}
