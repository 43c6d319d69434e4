use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::collect_loop::CollectLoop;
use super::config::{Config, Kube, Trace};
use super::http::{AppState, serve};
use super::kube;
use super::observation::{ObservationReceiver, ShutdownReceiver};
use super::refusals::Refusals;
use super::request_counter::RequestCounter;
use super::tuner::Tuner;
use crate::collect::node_name;
use crate::host::live::{Live, Roots};
use crate::ui::warn;

/// nice(2) of the collect loop: scrapes come first.
const NICENESS: i32 = 5;
/// For the last requests to the API server, and then for the collection in progress.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(600);

/// Runs the agent until SIGTERM or SIGINT.
///
/// # Errors
///
/// The host cannot be opened, or the address cannot be bound.
pub fn run(config: Config, roots: &Roots, ebpf: bool) -> anyhow::Result<()> {
    let host = Live::open(roots, ebpf)?;
    let config = Arc::new(Config {
        node_name: Some(config.node_name.clone().unwrap_or_else(|| node_name(&host))),
        ..config
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {} (--listen)", config.listen))?;
        let signals = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ];
        warn(&format!(
            "Listening on http://{}/ (Ctrl-C stops)",
            listener.local_addr()?
        ));
        let (publish, observations) = watch::channel(None);
        let refusals = Arc::<Refusals>::default();
        let counter = (ebpf && config.trace == Trace::Auto)
            .then(|| start_trace(&refusals, roots))
            .transpose()?;
        let state = AppState {
            config: Arc::clone(&config),
            observations,
            refusals: Arc::clone(&refusals),
            requests: Arc::default(),
            started: jiff::Timestamp::now(),
        };
        let collect_loop = CollectLoop {
            host,
            config: Arc::clone(&config),
            publish,
            refusals,
            tuner: config
                .tune
                .then(|| Tuner::new(roots.proc.clone(), config.tune_ceiling)),
        };
        let (quit, stop) = mpsc::channel();
        let collect_loop = spawn("collect", move || {
            // The threads that it starts inherit this.
            let _ = rustix::process::nice(NICENESS);
            collect_loop.run(&stop);
        })?;
        serve_until_signal(listener, state, signals).await;
        drop((quit, counter));
        // A collection that hangs ends with the process.
        let waited = tokio::time::timeout(SHUTDOWN_TIMEOUT, async {
            while !collect_loop.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let _ = waited.await;
        Ok(())
    })
}

/// Counts refusals until the returned sender is dropped.
fn start_trace(refusals: &Arc<Refusals>, roots: &Roots) -> anyhow::Result<mpsc::Sender<()>> {
    // Only names owners: the eBPF programs are those of the trace.
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

/// Serves HTTP and publishes to Kubernetes until a signal comes.
async fn serve_until_signal(listener: TcpListener, state: AppState, signals: [Signal; 2]) {
    let (stop, stopped) = watch::channel(false);
    let (observations, requests) = (state.observations.clone(), Arc::clone(&state.requests));
    let publisher = tokio::spawn(publish_to_cluster(
        &state.config,
        observations,
        requests,
        stopped.clone(),
    ));
    let server = tokio::spawn(serve(listener, Arc::new(state), stopped));
    let [mut terminate, mut interrupt] = signals;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.send_replace(true);
    let both = async { tokio::join!(publisher, server) };
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, both).await;
}

fn publish_to_cluster(
    config: &Config,
    observations: ObservationReceiver,
    requests: Arc<RequestCounter>,
    stop: ShutdownReceiver,
) -> impl Future<Output = ()> + use<> {
    let node = (config.kube == Kube::Auto).then(|| config.node_name.clone());
    async move {
        if let Some(node) = node.flatten() {
            kube::start(observations, node, requests, stop).await;
        }
    }
}
