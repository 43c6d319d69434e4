//! Huge pages of each size: those in the pool, and those that the kernel may add.

use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse;

use super::read;
use super::run::{CollectResult, Measurement, unanswered};
use crate::host::{Host, ReadError, sys};

const SIZES: &str = "kernel/mm/hugepages";
/// No architecture has more sizes.
const MAX_SIZES: usize = 64;

/// Reads the pools; one without pages, that may not grow either, is none.
///
/// A page that is promised to a mapping and not touched yet is free in the kernel's words, and nobody else's
/// (Documentation/admin-guide/mm/hugetlbpage.rst).
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let names = match read::names(host, sys(SIZES), MAX_SIZES) {
        Ok((names, _)) => names,
        // A kernel without CONFIG_HUGETLBFS.
        Err(ReadError::Gone) => return Ok(Measurement::exact(Vec::new())),
        Err(error) => return Err(unanswered(sys(SIZES), &error)),
    };
    let mut resources = Vec::new();
    for name in names {
        let kib = name
            .strip_prefix("hugepages-")
            .and_then(|name| name.strip_suffix("kB"));
        let Some(kib) = kib.and_then(|kib| kib.parse().ok()) else {
            continue;
        };
        let number = |what: &'static str| {
            let path = format!("{SIZES}/{name}/{what}");
            read::parsed(host, sys(&path), |bytes| parse::number(what, bytes))
        };
        let pages = number("nr_hugepages")?;
        let may_be_added = number("nr_overcommit_hugepages")?;
        if pages == 0 && may_be_added == 0 {
            continue;
        }
        let (free, promised) = (number("free_hugepages")?, number("resv_hugepages")?);
        let added = number("surplus_hugepages")?;
        let limit = pages
            .saturating_sub(added)
            .saturating_add(may_be_added.max(added));
        let used = pages.saturating_sub(free).saturating_add(promised);
        resources.push(Resource {
            note: (may_be_added > 0)
                .then(|| format!("{may_be_added} of these only if memory is not fragmented")),
            ..Resource::exact(
                Cause::Hugepages,
                Subject::Hugepages(kib),
                used,
                limit,
                "pages",
            )
        });
    }
    Ok(Measurement::exact(resources))
}
