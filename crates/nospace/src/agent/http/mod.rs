//! The agent's HTTP server: axum's router on hyper's HTTP/1.1 connections.
//!
//! `axum::serve` has no timeouts and no limit of connections, so they are accepted here.

mod negotiate;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use super::observation::ShutdownReceiver;
pub use routes::AppState;

/// Connections at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 512;
/// For the head of a request, and for the next one on an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// For a client to take some bytes of a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_CONNECTION_AGE: Duration = Duration::from_mins(10);
/// Of a request's head, in bytes; hyper takes no less.
const MAX_HEAD: usize = 8 * 1024;
/// How long to wait after accept(2) has failed because no descriptor was left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves until `stop`.
pub async fn serve(listener: TcpListener, state: Arc<AppState>, mut stop: ShutdownReceiver) {
    let router = routes::router(state);
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            accepted = accepted => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_RETRY).await;
            continue;
        };
        let router = router.clone();
        tokio::spawn(async move {
            // Clients that hang up, stall or send garbage are not worth a message.
            let _ = timeout(MAX_CONNECTION_AGE, connection(stream, router)).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, router: Router) -> hyper::Result<()> {
    // With Nagle's algorithm the end of a response would wait up to 40 ms for a delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        )
        .await
}
