//! How the API server is reached: by what a kubeconfig says beside an address and a token.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::server::Server;
use crate::{fleet, fleet_of, nospace, says, stderr};

/// Changes what the kubeconfig of `server` says of its user or its cluster.
fn configure(server: &Server, change: impl FnOnce(&mut Value)) {
    let config = std::fs::read(&server.kubeconfig).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    change(&mut config);
    std::fs::write(&server.kubeconfig, config.to_string()).unwrap();
}

/// A credential plugin with this script, as those of clouds are configured.
fn plugin(server: &Server, script: &str) -> PathBuf {
    let path = server.kubeconfig.with_file_name("cloud-auth");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let command = path.clone();
    configure(server, |config| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": command, "args": ["token", "--cluster", "blue"],
            "env": [{"name": "CLOUD_PROFILE", "value": "ops"}],
            "interactiveMode": "Never", "installHint": "Get cloud-auth from https://cloud.example/cli",
        }});
    });
    path
}

fn heads(server: &Server) -> Vec<String> {
    server.came.heads.lock().unwrap().clone()
}

#[test]
fn a_plugin_gives_the_token() {
    let server = fleet_of([("a", says("a")), ("b", says("b"))]);
    plugin(
        &server,
        r#"echo "$CLOUD_PROFILE $*" >>"$0.calls"
        echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
               "status": {"token": "from-the-plugin", "expirationTimestamp": "2099-01-01T00:00:00Z"}}'"#,
    );
    let (said, code) = fleet(&server, &[]);
    assert_eq!((said.counts.answered, code), (2, Some(0)), "{said:?}");
    let heads = heads(&server);
    assert_eq!(heads.len(), 2);
    for head in heads {
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("authorization: bearer from-the-plugin"),
            "{head}"
        );
    }
    let calls = server.kubeconfig.with_file_name("cloud-auth.calls");
    let calls = std::fs::read_to_string(calls).unwrap();
    let expected = "ops token --cluster blue";
    assert!(calls.lines().all(|call| call == expected), "{calls}");
}

#[test]
fn a_plugin_that_fails_is_named_with_what_it_says() {
    let server = fleet_of([("a", says("a"))]);
    let path = plugin(
        &server,
        "printf 'session expired:\n  log in again\n' >&2; exit 7",
    );
    let output = nospace(&server, &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("cloud-auth failed (exit status: 7)"),
        "{said}"
    );
    assert!(said.contains("session expired: log in again"), "{said}");

    std::fs::remove_file(&path).unwrap();
    let output = nospace(&server, &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let failed = format!(
        "cannot start the kubeconfig's credential plugin {}",
        path.display()
    );
    assert!(said.contains(&failed), "{said}");
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
    assert!(said.contains("Get cloud-auth from"), "{said}");
}

/// A proxy that takes CONNECT, and counts what it was asked for.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let count = Arc::clone(&count);
            thread::spawn(move || pass_on(stream, &count));
        }
    });
    (address, asked)
}

fn pass_on(client: TcpStream, count: &AtomicUsize) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let Some(target) = head.strip_prefix("CONNECT ") else {
        return;
    };
    count.fetch_add(1, Ordering::SeqCst);
    let server = TcpStream::connect(target.split(' ').next().unwrap()).unwrap();
    let mut client = client;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut from, mut to) = (server.try_clone().unwrap(), client);
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let mut server = server;
    let _ = std::io::copy(&mut reader, &mut server);
}

#[test]
fn a_proxy_of_the_kubeconfig_or_the_environment_is_used() {
    let server = fleet_of([("a", says("a"))]);
    let (address, asked) = proxy();
    configure(&server, |config| {
        config["clusters"][0]["cluster"]["proxy-url"] = json!(address);
    });
    let (said, code) = fleet(&server, &[]);
    assert_eq!((said.counts.answered, code), (1, Some(0)), "{said:?}");
    assert!(asked.load(Ordering::SeqCst) > 0);

    configure(&server, |config| {
        config["clusters"][0]["cluster"]["proxy-url"] = json!("http://127.0.0.1:1");
    });
    let output = nospace(&server, &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("refused"), "{said}");
}

#[test]
fn another_user_is_impersonated() {
    let server = fleet_of([("a", says("a"))]);
    let groups = ["--as", "jane", "--as-group", "sre", "--as-group", "dev"];
    let (said, _) = fleet(&server, &groups);
    assert_eq!(said.counts.answered, 1, "{said:?}");
    let head = heads(&server).remove(0).to_ascii_lowercase();
    for line in ["user: jane", "group: sre", "group: dev"] {
        assert!(head.contains(&format!("impersonate-{line}")), "{head}");
    }
}

#[test]
fn a_kubeconfig_that_cannot_be_used_is_named() {
    let server = fleet_of([("a", says("a"))]);
    let with = |context: &str| -> Output {
        Command::new(env!("CARGO_BIN_EXE_nospace"))
            .args(["cluster", "--context", context])
            .env("KUBECONFIG", &server.kubeconfig)
            .output()
            .unwrap()
    };
    let output = with("elsewhere");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("elsewhere"), "{said}");

    std::fs::write(&server.kubeconfig, "clusters: [").unwrap();
    let output = with("played");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let path = server.kubeconfig.display().to_string();
    assert!(said.contains(&path), "{said}");
}
