//! Who the agent believes to be the API server, and who it says that it is.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::server::Came;
use super::*;

/// An authority: its certificate, and what signs with it.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), Issuer::new(params, key))
}

/// A server with a certificate of `issuer` for `name`, valid until the end of `year`.
fn tls_server(issuer: &Issuer<'static, KeyPair>, name: &str, year: i32) -> Server {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    let certificate = params.signed_by(&key, issuer).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    Server::start_tls(config)
}

fn agent(server: &Server, authority: &str, directory: &tempfile::TempDir) -> Agent {
    let ca = directory.path().join("ca.crt");
    std::fs::write(&ca, authority).unwrap();
    let url = format!("https://{}", server.address);
    let cluster = json!({"server": url, "certificate-authority": ca});
    Agent::with(cluster, json!({"token": "secret"}), timing())
}

#[test]
fn a_server_is_believed_by_its_certificate_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (trusted, issuer) = authority();
    let (_, stranger) = authority();
    let good = tls_server(&issuer, "127.0.0.1", 2999);
    let mut right = agent(&good, &trusted, &directory);
    right.look_until(&healthy(), "applied", || is(&good, "False"));
    right.end();
    for (what, server) in [
        (
            "another authority",
            tls_server(&stranger, "127.0.0.1", 2999),
        ),
        ("expired", tls_server(&issuer, "127.0.0.1", 2001)),
        (
            "another name",
            tls_server(&issuer, "api.evil.example", 2999),
        ),
    ] {
        let mut wrong = agent(&server, &trusted, &directory);
        wrong.look_until(&healthy(), what, || wrong.counted("error") >= 2);
        wrong.end();
        // Not one request, so no token, reached it.
        assert!(server.came().is_empty(), "{what}: {:?}", server.came());
    }
}

/// Tokens of a service account are replaced every hour.
#[test]
fn a_new_token_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "first").unwrap();
    let server = Server::start();
    let url = format!("http://{}", server.address);
    let user = json!({"tokenFile": token});
    let mut agent = Agent::with(json!({"server": url}), user, timing());
    agent.look_until(&healthy(), "applied", || is(&server, "False"));
    std::fs::write(&token, "second").unwrap();
    // The old one is refused from now on.
    server.script([Reply::Code(401, "")]);
    let came_anew = |came: &Came| {
        came.authorization == "Bearer second" && came.status(CONDITION).as_deref() == Some("True")
    };
    agent.look_until(&full(), "applied anew", || {
        server.came().iter().any(came_anew)
    });
    agent.end();
    assert_eq!(server.came()[0].authorization, "Bearer first");
}
