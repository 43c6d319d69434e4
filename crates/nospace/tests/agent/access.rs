//! Who gets an answer.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rcgen::{CertificateParams, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::agent::{Agent, command};
use crate::http;
use crate::support::NOSPACE;

const PATHS: [&str; 8] = [
    "/",
    "/metrics",
    "/api/v1/report",
    "/api/v1/summary",
    "/api/v1/history",
    "/api/v1/recording",
    "/healthz",
    "/nowhere",
];

/// DNS rebinding: a page's own name leads to the agent.
pub fn host_names() -> anyhow::Result<()> {
    let agent = Agent::start(&["--node-name=node-1", "--allowed-hosts=metrics.example"])?;
    let status = |path, host: &str| {
        let host = format!("Host: {host}");
        Ok::<_, anyhow::Error>(http::get(agent.address, path, &[&host])?.status)
    };
    for path in PATHS {
        // Without a state directory there is no recording.
        let known = match path {
            "/nowhere" | "/api/v1/recording" => 404,
            _ => 200,
        };
        for host in [
            "127.0.0.1",
            "10.1.2.3:9409",
            "[::1]:9409",
            "localhost",
            "Node-1:9409",
            "metrics.example",
        ] {
            ensure!(status(path, host)? == known, "{path} {host}");
        }
        for host in [
            "evil.example",
            "evil.example:9409",
            "node-1.evil.example",
            "127.0.0.1.evil.example",
        ] {
            ensure!(status(path, host)? == 421, "{path} {host}");
        }
        // Through the API server's proxy, under its name: no page can send such a header.
        let proxied = ["Host: api.example:6443", "Sec-Nospace-Client: cluster"];
        ensure!(
            http::get(agent.address, path, &proxied)?.status == known,
            "{path}"
        );
    }
    // Two names are one too many, and the name in the request line is the one that counts.
    let mut stream = http::connect(agent.address)?;
    let request =
        "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes())?;
    ensure!(http::hear(stream)?.status == 421);
    Ok(())
}

fn status(agent: &Agent, path: &str, token: Option<&str>) -> anyhow::Result<u16> {
    let line = token.map(|token| format!("Authorization: Bearer {token}"));
    let lines: Vec<_> = line.iter().map(String::as_str).collect();
    Ok(http::get(agent.address, path, &lines)?.status)
}

pub fn token() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("token");
    fs::write(&file, "first\n")?;
    let agent = Agent::start(&[&format!("--token-file={}", file.display())])?;
    for path in ["/", "/metrics", "/api/v1/report"] {
        for wrong in [None, Some("firs"), Some("firstt"), Some("")] {
            ensure!(status(&agent, path, wrong)? == 401, "{path} {wrong:?}");
        }
        ensure!(status(&agent, path, Some("first"))? == 200, "{path}");
    }
    ensure!(status(&agent, "/healthz", None)? == 200 && status(&agent, "/readyz", None)? == 200);
    fs::write(&file, "second\n")?;
    agent.reload("settings reloaded")?;
    ensure!(status(&agent, "/metrics", Some("first"))? == 401);
    ensure!(status(&agent, "/metrics", Some("second"))? == 200);
    // Half of a rotation: the old token stays in force.
    fs::write(&file, "")?;
    agent.reload("token-file")?;
    ensure!(status(&agent, "/metrics", None)? == 401);
    ensure!(status(&agent, "/metrics", Some("second"))? == 200);
    // No token, no start.
    let file = format!("--token-file={}", file.display());
    let output = command(&[NOSPACE, "agent", "--kube=off", "--listen=0", &file]).output()?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    Ok(())
}

/// An API server to which `good` is a user who may read /metrics.
fn api_server() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || while answer(&stream).is_some() {});
        }
    });
    Ok(address)
}

fn answer(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut body: Value = serde_json::from_slice(&body).ok()?;
    let spec = &body["spec"];
    let status = if head.contains("/tokenreviews") {
        let known = ["good", "stranger"]
            .map(Value::from)
            .contains(&spec["token"]);
        json!({"authenticated": known, "user": {"username": spec["token"]}})
    } else {
        let path = &spec["nonResourceAttributes"]["path"];
        json!({"allowed": spec["user"] == "good" && path == "/metrics"})
    };
    body["status"] = status;
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (&mut &*stream)
        .write_all(format!("{head}{body}").as_bytes())
        .ok()
}

pub fn token_review() -> anyhow::Result<()> {
    let server = api_server()?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("kubeconfig");
    let kubeconfig = |server: SocketAddr| {
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{server}")}}],
            "users": [{"name": "c", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        fs::write(&file, text.to_string())
    };
    kubeconfig(server)?;
    let run = |options: &[&str]| {
        let mut all = vec![
            NOSPACE,
            "agent",
            "--kube=off",
            "--listen=0",
            "--interval=1h",
        ];
        all.extend(options);
        let mut command = command(&all);
        command
            .env("KUBECONFIG", &file)
            .env_remove("KUBERNETES_SERVICE_HOST");
        command
    };
    let agent = Agent::run(run(&["--token-review"]))?;
    ensure!(status(&agent, "/metrics", None)? == 401);
    ensure!(status(&agent, "/metrics", Some("good"))? == 200);
    ensure!(status(&agent, "/", Some("good"))? == 403);
    ensure!(status(&agent, "/metrics", Some("stranger"))? == 403);
    ensure!(status(&agent, "/metrics", Some("forged"))? == 403);
    // A client that cannot be asked about is not let in; an answer that is known still holds.
    kubeconfig("127.0.0.1:1".parse()?)?;
    ensure!(status(&agent, "/metrics", Some("good"))? == 200);
    ensure!(status(&agent, "/metrics", Some("another"))? == 503);
    // Without a cluster nobody could be asked.
    let output = run(&["--token-review"]).env_remove("KUBECONFIG").output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && said.contains("token-review"),
        "{said}"
    );
    Ok(())
}

/// A certificate for localhost by an authority of its own, in the two files; returns the authority's.
pub fn certify(cert: &Path, key: &Path) -> anyhow::Result<String> {
    let authority = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority)?;
    let issuer = Issuer::new(params, authority);
    let own = KeyPair::generate()?;
    let signed = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&own, &issuer)?;
    fs::write(cert, signed.pem())?;
    fs::write(key, own.serialize_pem())?;
    Ok(root.pem())
}

fn get_tls(agent: &Agent, root: &str) -> anyhow::Result<http::Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into()?)?;
    let mut stream = StreamOwned::new(client, http::connect(agent.address)?);
    http::ask(&mut stream, "/metrics", &[])?;
    http::hear(stream)
}

pub fn tls() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (cert, key) = (directory.path().join("crt"), directory.path().join("key"));
    let first = certify(&cert, &key)?;
    let agent = Agent::start(&[
        &format!("--tls-cert={}", cert.display()),
        &format!("--tls-key={}", key.display()),
    ])?;
    let answer = get_tls(&agent, &first).context("the first certificate")?;
    ensure!(answer.status == 200, "{answer:?}");
    // Plain HTTP gets no answer.
    ensure!(agent.get("/healthz").is_err());
    let second = certify(&cert, &key)?;
    agent.reload("settings reloaded")?;
    ensure!(get_tls(&agent, &first).is_err());
    ensure!(get_tls(&agent, &second)?.status == 200);
    fs::write(&cert, "nonsense")?;
    agent.reload("tls-cert")?;
    ensure!(get_tls(&agent, &second)?.status == 200);
    Ok(())
}
