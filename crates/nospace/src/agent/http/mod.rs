//! The agent's HTTP server: axum's router on hyper's HTTP/1.1 connections.
//!
//! `axum::serve` has no timeouts and no limit of connections, so they are accepted here.

mod access;
mod negotiate;
mod recording;
mod routes;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use access::AccessReceiver;
use axum::Router;
use futures_util::future::join_all;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::observation::ShutdownReceiver;
use crate::ui::warn;
pub use access::{ASKS_FOR_TOKEN, Access, CLIENT_HEADER};
pub use routes::{AppState, STARTING};

/// Connections at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 512;
/// For the head of a request, and for the next one on an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// For a client to take some bytes of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CONNECTION_AGE: Duration = Duration::from_mins(10);
/// Of a request's head, in bytes; hyper takes no less.
const MAX_HEAD: usize = 8 * 1024;
/// How long to wait after a connection could not be taken because no descriptor was left, for example.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves until `stop`.
pub async fn serve(listeners: Vec<TcpListener>, state: Arc<AppState>, stop: ShutdownReceiver) {
    let server = Server {
        access: state.access.clone(),
        router: routes::router(state),
        connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
    };
    let servers = listeners
        .into_iter()
        .map(|l| server.listen(l, stop.clone()));
    join_all(servers).await;
}

struct Server {
    access: AccessReceiver,
    router: Router,
    connections: Arc<Semaphore>,
}

impl Server {
    async fn listen(&self, listener: TcpListener, mut stop: ShutdownReceiver) {
        let mut failed = false;
        loop {
            let accepted = async {
                let permit = Arc::clone(&self.connections).acquire_owned().await;
                (listener.accept().await, permit)
            };
            let (accepted, permit) = tokio::select! {
                accepted = accepted => accepted,
                _ = stop.wait_for(|stopped| *stopped) => return,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    if !failed {
                        warn(&format!("cannot take a connection: {}", refused(&error)));
                    }
                    failed = true;
                    sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            failed = false;
            let (router, tls) = (self.router.clone(), self.access.borrow().tls());
            tokio::spawn(async move {
                // Clients that hang up, stall or send garbage are not worth a message.
                let _ = timeout(MAX_CONNECTION_AGE, accept(stream, tls, router)).await;
                drop(permit);
            });
        }
    }
}

/// The error, and the limit behind it.
fn refused(error: &io::Error) -> String {
    let limit = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE) => "its own RLIMIT_NOFILE",
        Some(Errno::NFILE) => "fs.file-max",
        // From epoll_ctl(2).
        Some(Errno::NOSPC) => "the epoll watches of its user, fs.epoll.max_user_watches",
        _ => return error.to_string(),
    };
    format!("{error}: {limit}")
}

async fn accept(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    // With Nagle's algorithm the end of a response would wait up to 40 ms for a delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let stream = Box::pin(stream);
    let Some(tls) = tls else {
        return connection(stream, router).await;
    };
    if let Ok(Ok(stream)) = timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
        connection(stream, router).await;
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
}
