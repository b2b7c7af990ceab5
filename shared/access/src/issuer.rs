//! The issuer of tokens: its keys, fetched and remembered.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws::Env;
use foundation::problem::{Fault, Kind, Problem};
use jiff::Timestamp;
use ureq::Agent;

use crate::token::{Claims, Expectations, KeySet, NoKeySet, TokenError};

/// How long keys are taken as they were fetched.
const FRESH: Duration = Duration::from_mins(5);
/// How long they still serve when the issuer cannot be reached.
const USABLE: Duration = Duration::from_hours(1);
/// A key nobody knows makes us ask again, but not more often than this, so that forged tokens do not become requests to the issuer.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
const FETCH_TIMEOUT: Duration = Duration::from_secs(4);
/// A key set may have so many bytes.
const SET_BYTES_MAX: u64 = 256 * 1024;

/// The issuer whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct Issuer {
    expected: Expectations,
    url: String,
    is_sound: bool,
    agent: Agent,
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Clone, Debug)]
struct Known {
    keys: Arc<KeySet>,
    since: Instant,
}

/// Why an issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
enum IssuerError {
    #[error("keys are fetched by https; by http only from this machine or from the emulator")]
    Insecure,
    #[error("the issuer's keys cannot be fetched")]
    Unreachable(#[source] Box<ureq::Error>),
    #[error("the issuer's keys cannot be read")]
    Unreadable(#[from] NoKeySet),
    #[error("fetching the issuer's keys was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Problem for IssuerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Insecure => Kind::Internal,
            _ => Kind::Unavailable,
        }
    }
    fn code(&self) -> &'static str {
        "access.issuer"
    }
}

impl Issuer {
    /// The issuer that `OIDC_ISSUER`, `OIDC_AUDIENCE` and `OIDC_JWKS_URL` name; `OIDC_ROLES_CLAIM` and `OIDC_PERSON_CLAIM` say where
    /// its tokens have roles and person.
    pub fn new(env: &mut Env) -> Self {
        let expected = Expectations {
            issuer: env.required("OIDC_ISSUER"),
            audience: env.required("OIDC_AUDIENCE"),
            roles_claim: env.optional("OIDC_ROLES_CLAIM").unwrap_or_else(|| "ceiba:roles".to_owned()),
            person_claim: env.optional("OIDC_PERSON_CLAIM").unwrap_or_else(|| "ceiba:person".to_owned()),
        };
        let url = env.required("OIDC_JWKS_URL");
        let emulator = env.optional("AWS_ENDPOINT_URL");
        let config = Agent::config_builder()
            // Where a redirect leads was not configured by anybody.
            .max_redirects(0)
            .timeout_global(Some(FETCH_TIMEOUT))
            .build();
        Self {
            is_sound: is_sound(&url, emulator.as_deref()),
            expected,
            url,
            agent: config.new_agent(),
            known: Arc::default(),
        }
    }

    /// Checks `token` at `now`. An unknown key is asked for once more.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, Fault> {
        let keys = self.keys(FRESH).await?;
        match keys.verify(token, &self.expected, now) {
            Err(TokenError::UnknownKey(_)) => {
                let keys = self.keys(ASK_AGAIN_AFTER).await?;
                Ok(keys.verify(token, &self.expected, now)?)
            }
            checked => Ok(checked?),
        }
    }

    /// Keys that are at most `age` old; older ones if the issuer cannot be reached.
    async fn keys(&self, age: Duration) -> Result<Arc<KeySet>, Fault> {
        let known = self.known.lock().ok().and_then(|known| known.clone());
        if let Some(known) = known.as_ref().filter(|known| known.since.elapsed() < age) {
            return Ok(Arc::clone(&known.keys));
        }
        match self.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                if let Ok(mut known) = self.known.lock() {
                    *known = Some(Known { keys: Arc::clone(&keys), since: Instant::now() });
                }
                Ok(keys)
            }
            Err(error) => {
                let usable = known.filter(|known| known.since.elapsed() < USABLE);
                let Some(known) = usable else { return Err(error.into()) };
                tracing::warn!(error = ?Fault::from(error), "the issuer's keys are old");
                Ok(known.keys)
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, IssuerError> {
        if !self.is_sound {
            return Err(IssuerError::Insecure);
        }
        let (agent, url) = (self.agent.clone(), self.url.clone());
        let fetched = tokio::task::spawn_blocking(move || {
            let mut answer = agent.get(&url).call()?;
            answer.body_mut().with_config().limit(SET_BYTES_MAX).read_to_vec()
        });
        let bytes = fetched.await?.map_err(|error| IssuerError::Unreachable(Box::new(error)))?;
        Ok(KeySet::read(&bytes)?)
    }
}

/// Whether nobody on the way can change what comes from `url`.
fn is_sound(url: &str, emulator: Option<&str>) -> bool {
    if url.starts_with("https://") {
        return true;
    }
    let host = |url: &str| -> Option<String> {
        let authority = url.strip_prefix("http://")?.split(['/', '?', '#']).next()?;
        // A name before an `@` is no host.
        if authority.contains('@') {
            return None;
        }
        let host = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next()?,
            None => authority.split(':').next()?,
        };
        Some(host.to_owned())
    };
    let Some(found) = host(url) else { return false };
    matches!(found.as_str(), "127.0.0.1" | "localhost" | "::1") || emulator.and_then(host) == Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_the_emulator_only() {
        let cases = [
            ("https://issuer.example/keys", true),
            ("http://127.0.0.1:4566/keys/jwks.json", true),
            ("http://localhost/jwks.json", true),
            ("http://[::1]:80/jwks.json", true),
            ("http://emulator:4566/jwks.json", true),
            ("http://issuer.example/jwks.json", false),
            ("http://127.0.0.1@issuer.example/", false),
            ("http://localhost.issuer.example/", false),
            ("file:///etc/passwd", false),
        ];
        for (url, sound) in cases {
            assert_eq!(is_sound(url, Some("http://emulator:4566")), sound, "{url}");
        }
    }
}
