use super::*;
use crate::managers::MANAGERS;
use crate::tune::{Action, Change, FileStep, StepState, Tuning};

fn change(key: &str, current: u64, proposed: u64) -> Change {
    Change {
        key: key.to_owned(),
        current: Some(current),
        proposed: Some(proposed),
        reason: "so".to_owned(),
        memory_bytes: None,
        each: "each user".to_owned(),
        live: StepState::Planned.into(),
        persistent: StepState::Planned.into(),
        at_boot: None,
        next_boot: None,
        setters: Vec::new(),
    }
}

fn tuning(changes: Vec<Change>) -> Tuning {
    Tuning {
        schema_version: 1,
        taken_at: String::new(),
        node: "n1\nkey = 1".to_owned(),
        memory_bytes: None,
        action: Action::Show,
        reader: crate::parse::sysctl::Reader::Systemd,
        platform: None,
        changes,
        file: FileStep {
            path: String::new(),
            existed: false,
            remains: false,
            step: StepState::Unneeded.into(),
        },
        notes: Vec::new(),
        namespaces: Vec::new(),
    }
}

fn usual() -> Tuning {
    tuning(vec![
        change("fs.inotify.max_user_instances", 128, 8_192),
        change("fs.inotify.max_user_watches", 8_192, 524_288),
    ])
}

fn document(tuning: &Tuning, name: &str) -> Result<PlatformDocument, NoneAccepted> {
    PlatformDocument::of(tuning, format(name).expect(name), None)
}

#[test]
fn every_format_sets_every_key_that_it_takes() {
    for format in FORMATS {
        let document = document(&usual(), format.name).unwrap();
        assert!(document.document.ends_with('\n'), "{}", format.name);
        for setting in &document.settings {
            let value = setting.value.to_string();
            assert!(document.document.contains(&value), "{}", format.name);
        }
        assert_eq!(
            document.settings.len() + document.omitted.len(),
            2,
            "{}",
            format.name
        );
        // Sentences, and a host name cannot leave the comment.
        assert!(
            format.place.ends_with('.') && format.undo.ends_with('.'),
            "{}",
            format.name
        );
        let (text, elsewhere) = document.text(format.comments);
        assert!(!text.contains("\nkey = 1"), "{}", format.name);
        assert_eq!(elsewhere.is_empty(), format.comments != Comments::None);
        let commented = text.contains("# Undo: ");
        assert_eq!(commented, elsewhere.is_empty(), "{}", format.name);
    }
}

#[test]
fn aks_gets_no_key_and_no_value_that_it_refuses() {
    let mut tuning = usual();
    tuning
        .changes
        .push(change("kernel.threads-max", 100_000, 600_000));
    let document = document(&tuning, "aks").unwrap();
    insta::assert_snapshot!(document.document, @r#"
    {
      "sysctls": {
        "fsInotifyMaxUserWatches": 1048576
      }
    }
    "#);
    let omitted: Vec<&str> = document
        .omitted
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert_eq!(
        omitted,
        ["fs.inotify.max_user_instances", "kernel.threads-max"]
    );
    let said = document.comments().join("\n");
    assert!(said.contains("takes at most 513,785"), "{said}");
    assert!(
        said.contains("1,048,576 is what its nodes have by default"),
        "{said}"
    );
    let error = super::document::PlatformDocument::of(
        &super::tests::tuning(vec![change("fs.inotify.max_user_instances", 128, 8_192)]),
        format("aks").unwrap(),
        None,
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("fs.inotify.max_user_instances"), "{error}");
}

#[test]
fn aks_keeps_a_default_that_it_does_not_take_as_a_value() {
    let error = document(&tuning(vec![change("fs.file-max", 1, 2_000_000)]), "aks").unwrap_err();
    let said = error.to_string();
    assert!(said.contains("its nodes have up to 9,223"), "{said}");
}

#[test]
fn limits_of_the_network_are_raised_in_the_nodes_own_namespace() {
    let of = |key: &str| {
        let document = document(&tuning(vec![change(key, 1, 2)]), "kubernetes").unwrap();
        document.document.contains("      hostNetwork: true\n")
    };
    assert!(of("net.netfilter.nf_conntrack_max"));
    assert!(!of("fs.file-max"));
}

#[test]
fn what_a_node_has_already_is_said_to_be_there() {
    let kept = tuning(vec![change("fs.file-max", 10, 10)]);
    let said = document(&kept, "talos").unwrap().comments().join("\n");
    assert!(
        said.contains("fs.file-max: this node has it already."),
        "{said}"
    );
}

#[test]
fn a_document_says_what_it_does_to_nodes_that_have_more() {
    let said = |name: &str| document(&usual(), name).unwrap().comments().join("\n");
    for format in FORMATS {
        let kept = said(format.name).contains("one that has more already keeps it");
        assert_eq!(kept, format.never_lowers, "{}", format.name);
    }
    let ansible = document(&usual(), "ansible").unwrap().document;
    assert!(
        ansible.contains("max_user_watches = {{ [524288, now.stdout_lines[1] | int] | max }}\n"),
        "{ansible}"
    );
}

#[test]
fn gke_gets_at_least_what_it_takes() {
    let tuning = tuning(vec![
        change("fs.inotify.max_user_instances", 128, 1_024),
        change("kernel.pid_max", 32_768, 65_536),
    ]);
    let document = document(&tuning, "gke").unwrap();
    assert_eq!(
        document.document,
        "linuxConfig:\n  sysctl:\n    fs.inotify.max_user_instances: '8192'\n"
    );
    assert_eq!(document.omitted[0].key, "kernel.pid_max");
}

#[test]
fn the_format_follows_from_the_system_and_the_kubelet() {
    let of = |systems: &[&str], manager: &str| {
        let systems: Vec<String> = systems.iter().map(|&id| id.to_owned()).collect();
        let manager = MANAGERS.into_iter().find(|one| one.title == manager);
        of_node(&systems, manager).unwrap().0.name
    };
    assert_eq!(of(&["talos"], ""), "talos");
    assert_eq!(of(&["rhcos"], ""), "openshift");
    assert_eq!(of(&["fedora", "coreos"], ""), "butane");
    assert_eq!(of(&["debian"], ""), "systemd");
    assert_eq!(of(&[], ""), "systemd");
    assert_eq!(of(&["amzn"], ""), "systemd");
    assert_eq!(of(&["amzn"], "kubeadm"), "eks");
    assert_eq!(of(&["debian"], "K3s"), "k3s");
    assert_eq!(of(&["debian"], "kind"), "kind");
}

#[test]
fn data_urls_are_escaped() {
    assert_eq!(
        crate::documents::files::data_url("a = 1\n"),
        "data:,a%20%3D%201%0A"
    );
}
