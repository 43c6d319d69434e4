use nospace_core::model::Runtime;
use nospace_core::report::{Owner, PodPart};

/// Characters of a container id that tell it apart, as `docker ps` shows it.
const SHORT_ID: usize = 12;

/// The owner, in a few words.
pub fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Host => "not in a container".to_owned(),
        Owner::Unit { name } => name.clone(),
        Owner::Container {
            runtime,
            id,
            name,
            inner_unit,
        } => {
            let container = container(*runtime, id, name.as_deref());
            match inner_unit {
                Some(unit) => format!("{container} {unit} inside"),
                None => container,
            }
        }
        Owner::Pod {
            namespace,
            name,
            uid,
            container,
            part,
        } => {
            let part = match (part, container) {
                (PodPart::Sandbox, _) => " (sandbox)".to_owned(),
                (PodPart::Shim, _) => " (shim)".to_owned(),
                (PodPart::Container, Some(c)) => format!(" {}", named(&c.name, &c.id)),
                (PodPart::Container, None) => String::new(),
            };
            format!("{}{part}", pod(namespace, name, uid))
        }
    }
}

/// `namespace/name`, or the uid where the disk gave no name.
pub fn pod(namespace: &str, name: &str, uid: &str) -> String {
    if name.is_empty() {
        format!("pod {uid}")
    } else {
        format!("{namespace}/{name}")
    }
}

/// Its name, or the beginning of its id, and who runs it.
pub fn container(runtime: Runtime, id: &str, name: Option<&str>) -> String {
    let name = named(name.unwrap_or_default(), id);
    let by = match runtime {
        Runtime::Unknown => runtime.noun(),
        _ => runtime.title(),
    };
    format!("{name} ({by})")
}

/// A container's name, or the beginning of its id.
pub fn named(name: &str, id: &str) -> String {
    if name.is_empty() {
        id.chars().take(SHORT_ID).collect()
    } else {
        name.to_owned()
    }
}
