//! `/api/v1/recording`: a timeline of the last hours, as the reading commands take it.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};

use crate::agent::recording::{Answer, Recordings};

/// Its type.
pub const CONTENT: &str = "application/zstd";
/// Each has a thread, and up to a chunk in memory.
static DOWNLOADS: Semaphore = Semaphore::const_new(2);
/// Pieces that wait for a client.
const QUEUE: usize = 2;

/// Streams what was recorded, or says why there is nothing.
pub fn answer(recordings: &Arc<Recordings>) -> Response {
    let reader = match recordings.read() {
        Ok(Answer::Timeline(reader)) => reader,
        Ok(Answer::Off) => {
            let off = "this agent records nothing: it needs --state-dir (if that is set, the log says why it cannot be used), and no --recording=off\n";
            return (StatusCode::NOT_FOUND, off).into_response();
        }
        Ok(Answer::Nothing) => {
            let later = "nothing is recorded yet: the first sample comes with the first check\n";
            return wait(later);
        }
        Ok(Answer::Failed(why)) => {
            let cannot = format!("the node cannot be recorded: {why}\n");
            return (StatusCode::INTERNAL_SERVER_ERROR, cannot).into_response();
        }
        Err(error) => {
            let cannot = format!("the recording cannot be read: {error}\n");
            return (StatusCode::INTERNAL_SERVER_ERROR, cannot).into_response();
        }
    };
    let Ok(permit) = DOWNLOADS.try_acquire() else {
        return wait("two clients are reading the recording: try again in a few seconds\n");
    };
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(QUEUE);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let read =
            reader.each_piece(&mut |piece| sender.blocking_send(Ok(Bytes::from(piece))).is_ok());
        if let Err(error) = read {
            // The client sees that the answer is cut.
            let _ = sender.blocking_send(Err(io::Error::other(format!("{error:#}"))));
        }
    });
    let body = stream::unfold(receiver, async |mut receiver| {
        Some((receiver.recv().await?, receiver))
    });
    let headers = [
        (CONTENT_TYPE, CONTENT),
        (CONTENT_DISPOSITION, "attachment; filename=\"node.tar.zst\""),
    ];
    (headers, Body::from_stream(body)).into_response()
}

fn wait(why: &'static str) -> Response {
    let headers = [(RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, why).into_response()
}
