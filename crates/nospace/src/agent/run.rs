use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::http::{AppState, serve};
use super::looker::Looker;
use super::refusals::Refusals;
use super::tuner::Tuner;
use super::{Config, Kube, News, Requests, Stop, Trace, kube};
use crate::collect::node_name;
use crate::host::live::{Live, Roots};
use crate::ui::warn;

/// By so much a look is less urgent than the rest of the agent (nice(2)).
const BEHIND: i32 = 5;
/// The last word to the API server, and the look at hand, may take so long.
const FAREWELL: Duration = Duration::from_millis(600);

/// Runs the agent until SIGTERM or SIGINT.
///
/// # Errors
///
/// When the host cannot be opened, or its address not be listened at.
pub fn run(config: Config, roots: &Roots, ebpf: bool) -> anyhow::Result<()> {
    let host = Live::open(roots, ebpf)?;
    let config = Arc::new(Config {
        node_name: Some(config.node_name.clone().unwrap_or_else(|| node_name(&host))),
        ..config
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen at {} (--listen)", config.listen))?;
        let ends = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ];
        warn(&format!(
            "Listening on http://{}/ (Ctrl-C stops)",
            listener.local_addr()?
        ));
        let (tell, news) = watch::channel(None);
        let refusals = Arc::<Refusals>::default();
        let counter = (ebpf && config.trace == Trace::Auto)
            .then(|| count(&refusals, roots))
            .transpose()?;
        let state = AppState {
            config: Arc::clone(&config),
            news,
            refusals: Arc::clone(&refusals),
            requests: Arc::default(),
            started: jiff::Timestamp::now(),
        };
        let looker = Looker {
            host,
            config: Arc::clone(&config),
            news: tell,
            refusals,
            tuner: config
                .tune
                .then(|| Tuner::new(roots.proc.clone(), config.tune_ceiling)),
        };
        let (quit, looks) = mpsc::channel();
        let looker = spawn("looker", move || {
            // Whoever asks has not to wait for a look; its threads inherit this.
            let _ = rustix::process::nice(BEHIND);
            looker.run(&looks);
        })?;
        attend(listener, state, ends).await;
        drop((quit, counter));
        // A look that hangs is left to the end of the process.
        let waited = tokio::time::timeout(FAREWELL, async {
            while !looker.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let _ = waited.await;
        Ok(())
    })
}

/// Counts refusals until the sender is dropped.
fn count(refusals: &Arc<Refusals>, roots: &Roots) -> anyhow::Result<mpsc::Sender<()>> {
    // A host of its own, whose programs are those of the trace.
    let host = Live::open(roots, false)?;
    let refusals = Arc::clone(refusals);
    refusals.begin();
    let (quit, stop) = mpsc::channel();
    spawn("refusals", move || refusals.count(&host, &stop))?;
    Ok(quit)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).context("cannot start a thread")
}

/// Serves and tells until a signal comes.
async fn attend(listener: TcpListener, state: AppState, ends: [Signal; 2]) {
    let (stop, stopped) = watch::channel(false);
    let (news, requests) = (state.news.clone(), Arc::clone(&state.requests));
    let told = tokio::spawn(tell_cluster(&state.config, news, requests, stopped.clone()));
    let served = tokio::spawn(serve(listener, Arc::new(state), stopped));
    let [mut terminate, mut interrupt] = ends;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.send_replace(true);
    let both = async { tokio::join!(told, served) };
    let _ = tokio::time::timeout(FAREWELL, both).await;
}

fn tell_cluster(
    config: &Config,
    news: News,
    requests: Arc<Requests>,
    stop: Stop,
) -> impl Future<Output = ()> + use<> {
    let wanted = (config.kube == Kube::Auto).then(|| config.node_name.clone());
    async move {
        if let Some(node) = wanted.flatten() {
            kube::start(news, node, requests, stop).await;
        }
    }
}
