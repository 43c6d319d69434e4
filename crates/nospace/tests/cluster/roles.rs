//! Each source by a user with the documented role and no other right.

use std::sync::Arc;

use crate::server::Also;

/// A rule of a role.
struct Rule {
    resources: Vec<String>,
    verbs: Vec<String>,
}

/// Those in the section of docs/cluster.md with this heading.
fn documented(heading: &str) -> Vec<Rule> {
    let page = include_str!("../../../../docs/cluster.md");
    let section = page.split("\n## ").find(|part| part.starts_with(heading));
    let words = |line: &str, key: &str| {
        let list = line.split_once(&format!("{key}: [")).unwrap().1;
        let list = list.split(']').next().unwrap();
        list.split(", ").map(str::to_owned).collect()
    };
    let lines = section.unwrap().lines();
    lines
        .filter(|line| line.contains("apiGroups: [\"\"]"))
        .map(|line| Rule {
            resources: words(line, "resources"),
            verbs: words(line, "verbs"),
        })
        .collect()
}

/// The resource and the verb of a request, as the API server has them.
fn attributes(method: &str, target: &str) -> (String, &'static str) {
    let path = target.split('?').next().unwrap();
    let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
    let (resource, is_named) = match parts[..] {
        ["namespaces", _, resource] => (resource.to_owned(), false),
        ["namespaces", _, resource, _] => (resource.to_owned(), true),
        ["namespaces", _, resource, _, sub, ..] => (format!("{resource}/{sub}"), true),
        [resource] => (resource.to_owned(), false),
        [resource, ..] => (resource.to_owned(), true),
        [] => (String::new(), false),
    };
    let verb = match (method, is_named) {
        ("GET", false) => "list",
        ("GET", true) => "get",
        ("POST", _) => "create",
        ("DELETE", _) => "delete",
        _ => "?",
    };
    (resource, verb)
}

/// Forbids what the section of docs/cluster.md with this heading does not allow, and leaves the rest to `then`.
pub fn only(heading: &str, then: Option<Also>) -> Also {
    let rules = documented(heading);
    assert!(!rules.is_empty(), "no rules in {heading}");
    Arc::new(move |method, target, body| {
        let (resource, verb) = attributes(method, target);
        let allows = |rule: &Rule| {
            rule.resources.contains(&resource) && rule.verbs.iter().any(|one| one == verb)
        };
        if rules.iter().any(allows) {
            return then.as_ref().and_then(|then| then(method, target, body));
        }
        let message =
            format!("User \"me\" cannot {verb} resource \"{resource}\" in API group \"\"");
        let status = serde_json::json!({"kind": "Status", "message": message, "code": 403});
        Some((403, status.to_string().into_bytes()))
    })
}

#[test]
fn requests_have_the_attributes_of_the_api_server() {
    for (method, target, resource, verb) in [
        ("GET", "/api/v1/nodes?limit=250", "nodes", "list"),
        ("GET", "/api/v1/nodes/a", "nodes", "get"),
        ("POST", "/api/v1/namespaces/default/pods", "pods", "create"),
        (
            "DELETE",
            "/api/v1/namespaces/default/pods/a",
            "pods",
            "delete",
        ),
        (
            "GET",
            "/api/v1/namespaces/n/pods/a:9409/proxy/api/v1/summary",
            "pods/proxy",
            "get",
        ),
        (
            "GET",
            "/api/v1/namespaces/n/pods/a/log?x=y",
            "pods/log",
            "get",
        ),
    ] {
        assert_eq!(attributes(method, target), (resource.to_owned(), verb));
    }
}
