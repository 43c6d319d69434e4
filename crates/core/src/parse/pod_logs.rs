//! Names that the kubelet gives to directories below /var/log/pods and links below
//! /var/log/containers (pkg/kubelet/kuberuntime/{helpers,legacy}.go).

use super::cgroup_path::is_id;
use crate::model::{ContainerLog, PodLog};

/// `NAMESPACE_NAME_UID`; `None` for any other name. Kubelets before 1.14 named it by uid alone.
#[must_use]
pub fn pod_log(directory: &str) -> Option<PodLog> {
    let [namespace, name, uid] = three(directory)?;
    Some(PodLog {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
    })
}

/// `POD_NAMESPACE_CONTAINER-ID.log`; `None` for any other name.
#[must_use]
pub fn container_log(link: &str) -> Option<ContainerLog> {
    let (names, id) = link.strip_suffix(".log")?.rsplit_once('-')?;
    let [pod, namespace, container] = three(names)?;
    is_id(id).then(|| ContainerLog {
        pod: pod.to_owned(),
        namespace: namespace.to_owned(),
        container: container.to_owned(),
        id: id.to_owned(),
    })
}

/// Three names with `_` between, which none of them may contain.
fn three(text: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = text.split('_').collect();
    let three: [&str; 3] = parts.try_into().ok()?;
    three.iter().all(|part| !part.is_empty()).then_some(three)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pod_directory() {
        let log = pod_log("default_p1_5721c88f-ca83-4ee4-ab1f-0b553119c397").expect("a pod's");
        assert_eq!(
            (log.namespace.as_str(), log.name.as_str()),
            ("default", "p1")
        );
        assert_eq!(log.uid, "5721c88f-ca83-4ee4-ab1f-0b553119c397");
    }

    #[test]
    fn other_directories() {
        for name in [
            "",
            "lost+found",
            "a_b",
            "a__c",
            "a_b_c_d",
            "5721c88f-ca83-4ee4-ab1f-0b553119c397",
        ] {
            assert_eq!(pod_log(name), None, "{name}");
        }
    }

    #[test]
    fn other_links() {
        for name in ["", ".log", "a_b_c-12.log", "a_b-c.log", "readme.txt"] {
            assert_eq!(container_log(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(name in any::<String>()) {
            let _ = (pod_log(&name), container_log(&name));
        }

        #[test]
        fn a_made_name_gives_back_its_parts(
            pod in "[a-z0-9][a-z0-9.-]{0,30}", namespace in "[a-z][a-z0-9-]{0,30}",
            container in "[a-z][a-z0-9-]{0,30}", id in "[0-9a-f]{64}", uid in "[0-9a-f-]{1,36}",
        ) {
            let link = container_log(&format!("{pod}_{namespace}_{container}-{id}.log"));
            prop_assert_eq!(link, Some(ContainerLog { pod: pod.clone(), namespace: namespace.clone(), container, id }));
            let directory = pod_log(&format!("{namespace}_{pod}_{uid}"));
            prop_assert_eq!(directory, Some(PodLog { namespace, name: pod, uid }));
        }
    }
}
