use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _};
use hyper::Method;
use nospace_core::fleet::{Failure, FailureKind};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::failure::Left;
use super::manifest::{CONTAINER, Manifest, PREFIX, selector};
use super::pod::{Pod, State, left_over};
use super::signals::Signals;
use super::{Debug, Stopped};
use crate::cluster::client::{Payload, escaped};
use crate::cluster::{Asked, NodeInfo, Progress, Request, RequestError, Right};

/// Pods at a time: few enough not to burden the API server, the registry, or controllers that watch pods.
const AT_ONCE: usize = 32;
/// Between two lists of all pods of ours.
const POLL: Duration = Duration::from_secs(1);
/// A request for one pod.
const REQUEST: Duration = Duration::from_secs(10);
/// The kubelet of a node that is not ready has to pick up the pod within that time.
const NOT_READY: Duration = Duration::from_secs(10);
/// How long after the timeout a pod ends by itself.
const DEADLINE_AFTER: Duration = Duration::from_secs(10);
/// Bytes of an answer about one pod.
const POD_BYTES: usize = 1 << 20;
/// How often what is left of a run is listed and deleted before it says so.
const REMOVALS: u32 = 5;

/// What a pod has said.
#[derive(Clone, Debug)]
pub struct Log {
    /// Its standard output and standard error.
    pub text: Vec<u8>,
    /// Exit code of `check`.
    pub exit: i64,
    /// The check is no older.
    pub age: Duration,
}

/// Pods by name; `None` before the first list.
type Pods = Option<Arc<BTreeMap<String, Pod>>>;

/// One run over some nodes.
pub struct Run<'d> {
    source: &'d Debug<'d>,
    /// Its id: the name of each pod begins with it.
    id: String,
    format: &'static str,
    /// Most bytes of a log.
    most: usize,
    /// How long a pod may take.
    timeout: Duration,
    /// Names of pods that may exist.
    own: Mutex<BTreeSet<String>>,
}

impl<'d> Run<'d> {
    pub fn new(source: &'d Debug<'d>, asked: &Asked, format: &'static str, most: usize) -> Self {
        Self {
            source,
            id: format!("{:016x}", RandomState::new().build_hasher().finish()),
            format,
            most,
            timeout: asked.timeout,
            own: Mutex::default(),
        }
    }

    /// Checks these nodes; `each` makes something of what came of one. With what else is to be known.
    ///
    /// # Errors
    ///
    /// A right is missing, the first pod was refused, or a signal came. The pods are removed then, too.
    pub async fn on<T>(
        &self,
        nodes: Vec<(String, NodeInfo)>,
        progress: &Progress,
        each: impl Fn((String, NodeInfo), Result<Log, Failure>) -> T,
    ) -> anyhow::Result<(Vec<T>, Vec<String>)> {
        self.preflight().await?;
        let mut signals = Signals::hold().context("cannot handle signals")?;
        let (sender, receiver) = watch::channel(Pods::None);
        let outcome = tokio::select! {
            outcome = self.all(nodes, progress, &receiver, each) => outcome,
            never = self.list_on(&sender) => match never {},
            () = signals.next() => Err(Stopped.into()),
        };
        progress.say("removing pods");
        let left = tokio::select! {
            left = self.remove_all(outcome.is_err()) => left,
            () = signals.next() => self.left(false),
        };
        let note = left.note(&self.source.options.namespace);
        match (outcome, note) {
            (Ok(rows), note) => Ok((rows, note.into_iter().collect())),
            (Err(error), None) => Err(error),
            (Err(error), Some(note)) => Err(error.context(note)),
        }
    }

    /// Without the right to delete pods, or to read their logs, none is made.
    async fn preflight(&self) -> anyhow::Result<()> {
        let absent = format!("{PREFIX}{}-none", self.id);
        let log = format!("{}/log", self.path(&absent));
        for (right, method, path) in [
            (Right::DELETE_PODS, Method::DELETE, self.path(&absent)),
            (Right::GET_LOG, Method::GET, log),
        ] {
            match self
                .send(method, &path, &Payload::default(), POD_BYTES)
                .await
            {
                Ok(_) | Err(RequestError::Status { code: 404, .. }) => {}
                Err(error) => anyhow::bail!(
                    "cannot check nodes by pods in namespace {}: {}",
                    self.source.options.namespace,
                    error.explain(right)
                ),
            }
        }
        let listed = self.list().await;
        listed.map(drop).map_err(|error| {
            anyhow::anyhow!("cannot list pods: {}", error.explain(Right::LIST_PODS))
        })
    }

    async fn all<T>(
        &self,
        nodes: Vec<(String, NodeInfo)>,
        progress: &Progress,
        pods: &watch::Receiver<Pods>,
        each: impl Fn((String, NodeInfo), Result<Log, Failure>) -> T,
    ) -> anyhow::Result<Vec<T>> {
        let Some((name, _)) = nodes.first() else {
            return Ok(Vec::new());
        };
        // What refuses the first pod because of what it is, or who asks, refuses all of them, and is said once.
        let mut first = Some(match self.create(0, name).await {
            Err(error) if is_of_all(&error) => {
                anyhow::bail!("{}", self.source.options.refused(&self.name(0), &error).why);
            }
            created => created,
        });
        let mut rows = Vec::new();
        let answers = stream::iter(nodes.into_iter().enumerate()).map(|(at, (name, info))| {
            let (pods, first) = (pods.clone(), first.take());
            async move {
                let created = match first {
                    Some(created) => created,
                    None => self.create(at, &name).await,
                };
                let answer = match created {
                    Ok(pod) => self.answer(&pod, &info, pods).await,
                    Err(error) => Err(self.source.options.refused(&self.name(at), &error)),
                };
                progress.advance();
                ((name, info), answer)
            }
        });
        let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE));
        while let Some((node, answer)) = answers.next().await {
            rows.push(each(node, answer));
        }
        Ok(rows)
    }

    /// Makes the pod of a node, and returns its name.
    async fn create(&self, at: usize, node: &str) -> Result<String, RequestError> {
        let name = self.name(at);
        let manifest = Manifest {
            options: &self.source.options,
            run: &self.id,
            name: &name,
            node,
            format: self.format,
            deadline: (self.timeout + DEADLINE_AFTER).as_secs().max(1),
        };
        let payload = Payload::json(&manifest.pod());
        // Before it is sent: a pod may exist even where the answer is lost or nobody waits for it.
        self.own().insert(name.clone());
        let pods = self.pods_path();
        match self.send(Method::POST, &pods, &payload, POD_BYTES).await {
            // An earlier attempt made it, and its answer was lost: nobody else knows the name.
            Ok(_) | Err(RequestError::Status { code: 409, .. }) => Ok(name),
            // An attempt before the one that was refused may have made it: the name stays among those to remove.
            Err(error) => Err(error),
        }
    }

    /// The name of the pod of a node.
    fn name(&self, at: usize) -> String {
        format!("{PREFIX}{}-{at}", self.id)
    }

    /// Waits for the pod's end, reads its log, and deletes it.
    async fn answer(
        &self,
        name: &str,
        node: &NodeInfo,
        pods: watch::Receiver<Pods>,
    ) -> Result<Log, Failure> {
        let began = Instant::now();
        let answer = match self.end(name, node, pods).await {
            Ok(exit) => {
                let path = format!(
                    "{}/log?container={CONTAINER}&limitBytes={}",
                    self.path(name),
                    self.most
                );
                let none = Payload::default();
                let log = self.send(Method::GET, &path, &none, self.most);
                match log.await {
                    Ok(log) => Ok(Log {
                        text: log.body,
                        exit,
                        age: began.elapsed(),
                    }),
                    Err(error) => {
                        let kind = match error.is_forbidden() {
                            true => FailureKind::Forbidden,
                            false => FailureKind::Unreachable,
                        };
                        let why = error.explain(Right::GET_LOG).replace(name, "POD");
                        let why = format!("cannot read its pod's log: {why}");
                        Err(Failure::new(kind, why))
                    }
                }
            }
            Err(failure) => Err(failure),
        };
        self.delete(name, None).await;
        answer
    }

    /// The exit code.
    async fn end(
        &self,
        name: &str,
        node: &NodeInfo,
        mut pods: watch::Receiver<Pods>,
    ) -> Result<i64, Failure> {
        let began = Instant::now();
        loop {
            let state = {
                let pods = pods.borrow_and_update();
                pods.as_ref()
                    .and_then(|pods| pods.get(name).map(Pod::state))
            };
            match &state {
                Some(State::Ended(exit)) => return Ok(*exit),
                Some(State::Failed(why)) => return Err(self.source.options.failed(why)),
                Some(State::Unseen)
                    if node.ready == Some(false) && began.elapsed() >= NOT_READY =>
                {
                    let why = "its kubelet does not start the pod";
                    return Err(Failure::new(FailureKind::NotReady, why));
                }
                _ => {}
            }
            let left = self.timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(self.source.options.late(self.timeout, state));
            }
            // Each list is news; without one the time runs out as well.
            let _ = timeout(left.min(NOT_READY), pods.changed()).await;
        }
    }

    /// Lists all pods of ours each second, and deletes those that a run which was killed has left.
    async fn list_on(&self, pods: &watch::Sender<Pods>) -> std::convert::Infallible {
        loop {
            // One that fails is followed by another; who waits for it says what it knew last.
            if let Ok(listed) = self.list().await {
                let listed = Arc::new(listed);
                pods.send_replace(Some(Arc::clone(&listed)));
                stream::iter(left_over(listed.values(), &self.id))
                    .for_each_concurrent(AT_ONCE, |pod| {
                        self.delete(&pod.metadata.name, Some(&pod.metadata.uid))
                    })
                    .await;
            }
            sleep(POLL).await;
        }
    }

    /// Deletes what may be left.
    async fn remove_all(&self, broken_off: bool) -> Left {
        let mut is_listed = false;
        for _ in 0..REMOVALS {
            let names: Vec<String> = self.own().iter().cloned().collect();
            stream::iter(&names)
                .for_each_concurrent(AT_ONCE, |name| self.delete(name, None))
                .await;
            // A request to create one that was not waited for may have come after the request to delete it.
            if broken_off {
                sleep(POLL / 2).await;
            }
            // Only a list shows that there are none: a name whose pod did not exist yet is no longer among those to remove.
            let listed = self.list().await;
            is_listed = listed.is_ok();
            if let Ok(pods) = listed {
                let own = pods.into_iter().filter(|(_, pod)| pod.is_of(&self.id));
                self.own().extend(own.map(|(name, _)| name));
                if self.own().is_empty() {
                    return Left::None;
                }
            }
        }
        self.left(is_listed)
    }

    fn left(&self, is_listed: bool) -> Left {
        match self.own().len() {
            0 if is_listed => Left::None,
            0 => Left::Unknown,
            pods => Left::Pods(pods),
        }
    }

    /// Deletes a pod at once. Where that fails, it stays among those that may exist.
    async fn delete(&self, name: &str, uid: Option<&str>) {
        let mut options = json!({"gracePeriodSeconds": 0});
        if let Some(uid) = uid {
            options["preconditions"] = json!({"uid": uid});
        }
        let path = self.path(name);
        let payload = Payload::json(&options);
        let deleted = self.send(Method::DELETE, &path, &payload, POD_BYTES).await;
        if matches!(deleted, Ok(_) | Err(RequestError::Status { code: 404, .. })) {
            self.own().remove(name);
        }
    }

    async fn list(&self) -> Result<BTreeMap<String, Pod>, RequestError> {
        let selector = selector();
        let query = [("labelSelector", selector.as_str())];
        let keep = |pod: Pod| Some((pod.metadata.name.clone(), pod));
        let path = self.pods_path();
        self.source.cluster.list(&path, &query, keep, |_| ()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        payload: &Payload,
        most: usize,
    ) -> Result<crate::cluster::Answer, RequestError> {
        let request = Request {
            path,
            headers: &[],
            timeout: REQUEST,
            most,
        };
        self.source.cluster.send(method, request, payload).await
    }

    fn pods_path(&self) -> String {
        let namespace = escaped(&self.source.options.namespace);
        format!("/api/v1/namespaces/{namespace}/pods")
    }

    fn path(&self, pod: &str) -> String {
        format!("{}/{}", self.pods_path(), escaped(pod))
    }

    fn own(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is refused for what all pods of a run are alike in.
fn is_of_all(error: &RequestError) -> bool {
    match error {
        RequestError::Status { code, message, .. } => {
            matches!(code, 401 | 404)
                || message.contains("cannot create resource")
                || message.contains("violates PodSecurity")
        }
        _ => false,
    }
}
