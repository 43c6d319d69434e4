//! Where on this node the kubelet's cgroups are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::budgets::Processes;
use super::cgroups::{self, Hierarchy, KubeCgroups};

/// How often the kubelet's cgroups are looked for while there are none, and in case it has been given others.
const SEARCH: Duration = Duration::from_secs(10);

/// Finds the cgroups of pods.
#[derive(Debug)]
pub struct Place {
    sysfs: PathBuf,
    found: Option<Found>,
    searched: Option<Duration>,
}

#[derive(Debug)]
struct Found {
    hierarchy: Hierarchy,
    roots: Vec<PathBuf>,
}

impl Place {
    /// Of the node with this sysfs; nothing is searched yet.
    #[must_use]
    pub fn new(sysfs: &Path) -> Self {
        Self {
            sysfs: sysfs.to_owned(),
            found: None,
            searched: None,
        }
    }

    /// Looks for the kubelet's cgroups, unless that was done a moment ago; answers whether it was done.
    ///
    /// # Errors
    ///
    /// A directory cannot be read.
    pub fn search(&mut self, now: Duration) -> anyhow::Result<bool> {
        let is_early = |at: Duration| now.saturating_sub(at) < SEARCH;
        if self.searched.is_some_and(is_early) {
            return Ok(false);
        }
        self.searched = Some(now);
        self.found = first(&self.sysfs)?;
        Ok(true)
    }

    /// Whether they are in cgroup v1.
    #[must_use]
    pub fn is_v1(&self) -> bool {
        let found = self.found.as_ref();
        found.is_some_and(|found| found.hierarchy.is_v1)
    }

    /// Reads the cgroups of pods; none where the kubelet has none.
    ///
    /// # Errors
    ///
    /// A directory cannot be read.
    pub fn cgroups(&self) -> anyhow::Result<KubeCgroups> {
        match &self.found {
            Some(found) => cgroups::read(&found.hierarchy.top, &found.roots),
            None => Ok(KubeCgroups::default()),
        }
    }

    /// Ids of these cgroups, as far as they are there.
    ///
    /// # Errors
    ///
    /// One cannot be asked.
    pub fn ids(&self, paths: &[PathBuf]) -> anyhow::Result<BTreeSet<u64>> {
        let Some(found) = &self.found else {
            return Ok(BTreeSet::new());
        };
        let mut ids = BTreeSet::new();
        for path in paths {
            ids.extend(cgroups::id(&found.hierarchy.top.join(path))?);
        }
        Ok(ids)
    }

    /// The processes of the pods with these cgroups, by id and path, but not of cgroups in `left_out`. Pods that have gone are left out, too.
    #[must_use]
    pub fn processes<'a>(
        &self,
        pods: impl Iterator<Item = (u64, &'a str)>,
        left_out: &BTreeSet<u64>,
    ) -> Processes {
        let Some(found) = &self.found else {
            return Processes::new();
        };
        let of = |(id, path): (u64, &str)| {
            let path = found.hierarchy.top.join(path.trim_start_matches('/'));
            let processes = cgroups::processes(&path, left_out);
            let processes = processes.map_err(|error| format!("{error:#}"));
            Some((id, processes.transpose()?))
        };
        pods.filter_map(of).collect()
    }
}

/// The first hierarchy that has the kubelet's cgroups.
fn first(sysfs: &Path) -> anyhow::Result<Option<Found>> {
    for hierarchy in cgroups::hierarchies(sysfs) {
        let roots = cgroups::find(&hierarchy.top)?;
        if !roots.is_empty() {
            return Ok(Some(Found { hierarchy, roots }));
        }
    }
    Ok(None)
}
