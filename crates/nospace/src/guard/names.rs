//! Names of pods, from files of the node alone.

use std::collections::HashMap;
use std::time::Duration;

use nospace_core::model::Containers;
use nospace_core::runtimes::{Annotation, annotation};

use super::cgroups::KubeCgroups;
use super::lines::PodRef;
use crate::collect;
use crate::host::Host;

/// With a pod that has had no name for a while, files are read again no sooner than this.
const RARELY: Duration = Duration::from_secs(10);

/// Pods by uid.
#[derive(Debug, Default)]
pub struct Names {
    pods: HashMap<String, PodRef>,
    read: Option<Duration>,
}

impl Names {
    /// Those that `containers` has.
    #[must_use]
    pub fn of(containers: &Containers) -> Self {
        let logs = containers.pod_logs.iter().map(|log| PodRef {
            namespace: log.namespace.clone(),
            name: log.name.clone(),
            uid: log.uid.clone(),
        });
        let bundles = containers.bundles.iter().filter_map(|bundle| {
            let text = |what| annotation(bundle, what).map(str::to_owned);
            Some(PodRef {
                namespace: text(Annotation::PodNamespace)?,
                name: text(Annotation::PodName)?,
                uid: text(Annotation::PodUid)?,
            })
        });
        Self {
            pods: bundles
                .chain(logs)
                .map(|pod| (pod.uid.clone(), pod))
                .collect(),
            read: None,
        }
    }

    /// The pod with this uid.
    #[must_use]
    pub fn pod(&self, uid: &str) -> Option<&PodRef> {
        self.pods.get(uid)
    }

    /// Reads the files again: at once if there are `new` pods without a name, otherwise only now and then. What was known of pods that
    /// are in `cgroups` stays known. What could not be read.
    pub fn read(
        &mut self,
        host: &dyn Host,
        cgroups: &KubeCgroups,
        new: bool,
        now: Duration,
    ) -> Vec<String> {
        let is_early = |read: Duration| now.saturating_sub(read) < RARELY;
        if !new && self.read.is_some_and(is_early) {
            return Vec::new();
        }
        let (names, gaps) = match collect::containers(host) {
            Ok((containers, gaps)) => (Self::of(&containers).pods, gaps),
            Err(error) => (HashMap::new(), vec![format!("{error:#}")]),
        };
        let known = std::mem::replace(&mut self.pods, names);
        for pod in cgroups.pods.iter().filter_map(|pod| pod.uid.as_deref()) {
            if let Some(known) = known.get(pod).filter(|_| !self.pods.contains_key(pod)) {
                self.pods.insert(pod.to_owned(), known.clone());
            }
        }
        self.read = Some(now);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use nospace_core::model::PodLog;

    use super::*;

    #[test]
    fn a_pod_is_known_by_the_directory_of_its_logs() {
        let log = PodLog {
            namespace: "kube-system".to_owned(),
            name: "kube-proxy-x".to_owned(),
            uid: "1".to_owned(),
        };
        let names = Names::of(&Containers {
            pod_logs: vec![log],
            ..Containers::default()
        });
        assert_eq!(names.pod("1").unwrap().namespace, "kube-system");
        assert_eq!(names.pod("2"), None);
    }
}
