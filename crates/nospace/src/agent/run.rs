use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use super::collect_loop::CollectLoop;
use super::config::{Config, Kube, SettingsSource, Trace};
use super::guard::{GuardState, GuardThread};
use super::history::{History, Keeper};
use super::http::{AppState, serve};
use super::kube;
use super::observation::{ObservationReceiver, ShutdownReceiver};
use super::recording::{Recorder, Recordings};
use super::refusals::Refusals;
use super::reload::Reload;
use super::request_counter::RequestCounter;
use super::webhook::{self, Webhook};
use crate::collect::node_name;
use crate::host::live::{Live, Roots};
use crate::sampling::Sampler;
use crate::ui::warn;

/// nice(2) of the collect loop: scrapes come first.
const NICENESS: i32 = 5;
/// Tokens and certificates are rotated, by cert-manager for example, and nobody sends a signal then.
const FILES_INTERVAL: Duration = Duration::from_secs(60);
/// For the last requests to the API server, and then for the collection in progress.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(600);

/// Runs the agent until SIGTERM or SIGINT; on SIGHUP it takes the settings of `source` anew.
///
/// # Errors
///
/// The host cannot be opened, the address cannot be bound, or a file that the settings name cannot be used.
pub fn run(
    config: Config,
    source: SettingsSource,
    roots: &Roots,
    ebpf: bool,
) -> anyhow::Result<()> {
    nospace_bpf::memory::keep_little();
    let host = Live::open(roots, ebpf)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(async {
        let signals = Signals::new()?;
        let mut reload = Reload::new(config, source, node_name(&host))?;
        let config = Arc::clone(&reload.config.borrow());
        let listeners = listen(&config).await?;
        let (publish, observations) = watch::channel(None);
        let refusals = Arc::<Refusals>::default();
        let counter = (ebpf && config.trace == Trace::Auto)
            .then(|| start_trace(&refusals, roots))
            .transpose()?;
        let guard = Arc::<GuardState>::default();
        let guarding = start_guard(&guard, &reload, roots, ebpf)?;
        let history = Arc::new(History::new(config.history));
        let keeper = Keeper::open(Arc::clone(&history), config.state_dir.as_deref());
        let recordings = Arc::<Recordings>::default();
        let directory = config
            .state_dir
            .as_deref()
            .filter(|_| keeper.has_directory());
        let recorder = directory.zip(config.recording).map(|(directory, every)| {
            Recorder::open(Arc::clone(&recordings), directory, every, config.history)
        });
        let state = AppState {
            recordings,
            config: reload.config.subscribe(),
            access: reload.access.subscribe(),
            observations,
            refusals: Arc::clone(&refusals),
            guard: Arc::clone(&guard),
            history,
            requests: Arc::default(),
            webhook_requests: Arc::default(),
            started: jiff::Timestamp::now(),
        };
        let collect_loop = CollectLoop {
            sampler: Sampler::new(host, Duration::ZERO),
            config: reload.config.subscribe(),
            publish,
            refusals,
            guard,
            procfs: roots.proc.clone(),
            tuner: None,
            keeper,
            recorder,
            asked: Arc::default(),
        };
        let (renew, renewed) = mpsc::channel();
        let collect_loop = spawn("collect", move || {
            // The threads that it starts inherit this.
            let _ = rustix::process::nice(NICENESS);
            collect_loop.run(&renewed);
        })?;
        serve_until_signal(listeners, state, signals, &mut reload, &[&renew, &guarding]).await;
        drop((renew, counter, guarding));
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

/// Listens, says where, and warns if anybody could read.
async fn listen(config: &Config) -> anyhow::Result<Vec<TcpListener>> {
    let tls = config.access.tls.is_some();
    let scheme = if tls { "https" } else { "http" };
    let asks_for_token = config.access.token_file.is_some() || config.access.token_review;
    let mut listeners = Vec::new();
    for &address in &config.listen {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} (--listen)"))?;
        let bound = listener.local_addr()?;
        warn(&format!("Listening on {scheme}://{bound}/ (Ctrl-C stops)"));
        if address.ip().is_unspecified() && !asks_for_token {
            warn(
                "Anyone who reaches an address of this node can read which programs and pods run here: \
                 set --listen to one address, or --token-file",
            );
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The signals that the agent acts on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let new = |kind| signal(kind).context("cannot handle signals");
        Ok(Self {
            terminate: new(SignalKind::terminate())?,
            interrupt: new(SignalKind::interrupt())?,
            hangup: new(SignalKind::hangup())?,
        })
    }
}

/// Counts refusals until the returned sender is dropped.
fn start_trace(refusals: &Arc<Refusals>, roots: &Roots) -> anyhow::Result<mpsc::Sender<()>> {
    // Names owners, and knows guards by the kernel's accounting; that is loaded where a call was refused below its limit.
    let host = Live::open(roots, true)?;
    let refusals = Arc::clone(refusals);
    refusals.begin();
    let (quit, stop) = mpsc::channel();
    spawn("refusals", move || refusals.count(&host, &stop))?;
    Ok(quit)
}

/// Guards the node, where the settings ask for it, until the returned sender is dropped; what is sent says that they are others.
fn start_guard(
    state: &Arc<GuardState>,
    reload: &Reload,
    roots: &Roots,
    ebpf: bool,
) -> anyhow::Result<mpsc::Sender<()>> {
    let thread = GuardThread {
        config: reload.config.subscribe(),
        state: Arc::clone(state),
        roots: roots.clone(),
        ebpf,
    };
    let (quit, stop) = mpsc::channel();
    spawn("guard", move || thread.run(&stop))?;
    Ok(quit)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).context("cannot start a thread")
}

/// Serves HTTP and publishes to Kubernetes until a signal to stop comes.
async fn serve_until_signal(
    listeners: Vec<TcpListener>,
    state: AppState,
    mut signals: Signals,
    reload: &mut Reload,
    renew: &[&mpsc::Sender<()>],
) {
    let (stop, stopped) = watch::channel(false);
    let (observations, requests) = (state.observations.clone(), Arc::clone(&state.requests));
    let config = Arc::clone(&state.config.borrow());
    let publisher = tokio::spawn(publish_to_cluster(
        &config,
        observations,
        requests,
        stopped.clone(),
    ));
    let requests = Arc::clone(&state.webhook_requests);
    let webhook = Webhook::of(&config, webhook::Timing::default(), requests);
    let webhook = tokio::spawn(notify(webhook, state.observations.clone(), stopped.clone()));
    let server = tokio::spawn(serve(listeners, Arc::new(state), stopped));
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.hangup.recv() => {
                reload.settings();
                for renew in renew {
                    let _ = renew.send(());
                }
            }
            () = sleep(FILES_INTERVAL) => reload.files(),
        }
    }
    stop.send_replace(true);
    let all = async { tokio::join!(publisher, webhook, server) };
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, all).await;
}

async fn notify(
    webhook: Option<Webhook>,
    observations: ObservationReceiver,
    stop: ShutdownReceiver,
) {
    if let Some(mut webhook) = webhook {
        webhook.run(observations, stop).await;
    }
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
