//! Whether the API server lets a token read a path of the agent: TokenReview, then SubjectAccessReview, as kube-rbac-proxy does.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::{TokenReview as Review, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Access;

/// How long an answer holds: a token that was revoked works no longer than this.
const VALID: Duration = Duration::from_secs(60);
/// Answers that are kept.
const MAX_ANSWERS: usize = 128;
/// Requests to the API server at a time: a flood of wrong tokens must not become its problem.
const MAX_REQUESTS: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the API server about tokens.
pub struct TokenReview {
    access: Access,
    answers: Mutex<BTreeMap<(String, String), (bool, Instant)>>,
    requests: Semaphore,
}

impl TokenReview {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self {
            access,
            answers: Mutex::default(),
            requests: Semaphore::new(MAX_REQUESTS),
        }
    }

    /// Whether the user of `token` may `get` this path.
    ///
    /// # Errors
    ///
    /// Why the API server could not be asked.
    pub async fn allows(&self, token: &str, path: &str) -> Result<bool, String> {
        let key = (token.to_owned(), path.to_owned());
        if let Some(answer) = self.known(&key) {
            return Ok(answer);
        }
        let ask = async {
            let _permit = self.requests.acquire().await?;
            self.ask(token, path).await
        };
        let answer = timeout(TIMEOUT, ask)
            .await
            .map_err(|_| format!("no answer from the API server in {} s", TIMEOUT.as_secs()))?
            .map_err(|error| format!("{error:#}"))?;
        self.keep(key, answer);
        Ok(answer)
    }

    fn known(&self, key: &(String, String)) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, at) = answers.get(key)?;
        (at.elapsed() < VALID).then_some(*answer)
    }

    fn keep(&self, key: (String, String), answer: bool) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, (_, at)| at.elapsed() < VALID);
        if answers.len() >= MAX_ANSWERS {
            // Those that let nobody in are the ones that a flood leaves.
            answers.retain(|_, (allowed, _)| *allowed);
        }
        if answers.len() < MAX_ANSWERS {
            answers.insert(key, (answer, Instant::now()));
        }
    }

    async fn ask(&self, token: &str, path: &str) -> anyhow::Result<bool> {
        // Read each time, since certificates and the agent's own token are rotated.
        let client = Client::try_from(self.access.config().await?)?;
        let Some(user) = user(&client, token).await? else {
            return Ok(false);
        };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                non_resource_attributes: Some(NonResourceAttributes {
                    path: Some(path.to_owned()),
                    verb: Some("get".to_owned()),
                }),
                user: user.username,
                groups: user.groups,
                uid: user.uid,
                extra: user.extra,
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let reviews = Api::<SubjectAccessReview>::all(client);
        let answer = reviews.create(&PostParams::default(), &review).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

/// Who the token belongs to; `None` where it is not valid.
async fn user(client: &Client, token: &str) -> kube::Result<Option<UserInfo>> {
    let review = Review {
        spec: TokenReviewSpec {
            token: Some(token.to_owned()),
            audiences: None,
        },
        ..Review::default()
    };
    let reviews = Api::<Review>::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await?;
    let status = answer.status.unwrap_or_default();
    Ok((status.authenticated == Some(true))
        .then_some(status.user)
        .flatten())
}
