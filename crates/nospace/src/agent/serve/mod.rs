//! HTTP: the newest look, as whoever asks wants it.
//!
//! ```text
//! accept ─ at most so many ─▶ connection (hyper, with its patience) ─▶ answer ─ Rendered ─▶ body
//! ```

mod answer;
mod patience;
mod rendered;
mod wants;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Stop;
pub use answer::Site;
use patience::Patient;

/// Connections at a time; whoever comes beyond that waits in the kernel's queue.
const CONNECTIONS: usize = 512;
/// A request must have come whole in this time, the first of a connection and the next ones.
const REQUEST: Duration = Duration::from_secs(10);
/// A reader must take something of an answer in this time.
const READER: Duration = Duration::from_secs(10);
/// No connection lasts longer.
const CONNECTION: Duration = Duration::from_mins(10);
/// Of a request's head; hyper takes no less.
const HEAD: usize = 8 * 1024;
/// Without a descriptor left, wait for one.
const NO_DESCRIPTOR: Duration = Duration::from_millis(100);

/// Serves until `stop`.
pub async fn serve(listener: TcpListener, site: Arc<Site>, mut stop: Stop) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(NO_DESCRIPTOR).await;
            continue;
        };
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            // Whoever hangs up, stalls or sends nonsense is no fault of ours.
            let _ = tokio::time::timeout(CONNECTION, connection(stream, site)).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, site: Arc<Site>) -> hyper::Result<()> {
    // The end of an answer would wait for the reader to acknowledge its beginning, up to 40 ms.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let site = Arc::clone(&site);
        async move { Ok::<Response<_>, Infallible>(site.answer(&request)) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(Patient::new(stream, READER)), service)
        .await
}
