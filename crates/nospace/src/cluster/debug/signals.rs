use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{Signal, SignalKind, signal};

const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Signals that end the program, held back while there is something to remove. Before and after that they do what they always do.
pub struct Signals {
    signals: Vec<Signal>,
    idle: &'static AtomicBool,
}

impl Signals {
    /// From now on they are for [`Signals::next`].
    pub fn hold() -> io::Result<Self> {
        static IDLE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let idle: &'static AtomicBool = match IDLE.get() {
            Some(idle) => idle,
            None => {
                let idle = Arc::new(AtomicBool::new(true));
                for signal in ENDING {
                    flag::register_conditional_default(signal, Arc::clone(&idle))?;
                }
                IDLE.get_or_init(|| idle)
            }
        };
        let kinds = ENDING.map(SignalKind::from_raw).into_iter();
        let signals = kinds.map(signal).collect::<io::Result<_>>()?;
        idle.store(false, Ordering::SeqCst);
        Ok(Self { signals, idle })
    }

    /// Waits for one.
    pub async fn next(&mut self) {
        let all = self
            .signals
            .iter_mut()
            .map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(all).await;
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.idle.store(true, Ordering::SeqCst);
    }
}
