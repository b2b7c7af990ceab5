//! One set of clients for a process, each made at its first use.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::tls;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use crate::config::Env;

static ROUND_TRIPS: AtomicU64 = AtomicU64::new(0);

/// How many DynamoDB requests this process has sent. The REST edge reports the difference over a request, and tests hold limits to it.
pub fn round_trips() -> u64 {
    ROUND_TRIPS.load(Ordering::Relaxed)
}

pub(crate) fn count_round_trip() {
    ROUND_TRIPS.fetch_add(1, Ordering::Relaxed);
}

/// Access to AWS, or to an emulator at `AWS_ENDPOINT_URL`.
#[derive(Clone)]
pub struct Aws(Arc<Clients>);

struct Clients {
    region: String,
    endpoint: Option<String>,
    credentials: Option<Credentials>,
    shared: OnceLock<SdkConfig>,
    dynamo: OnceLock<aws_sdk_dynamodb::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    sfn: OnceLock<aws_sdk_sfn::Client>,
    ses: OnceLock<aws_sdk_ses::Client>,
    events: OnceLock<aws_sdk_eventbridge::Client>,
}

impl Aws {
    /// Access with what Lambda puts into the environment: region, credentials, and the endpoint where an emulator runs the function.
    pub fn new(env: &mut Env) -> Self {
        let credentials = match (env.optional("AWS_ACCESS_KEY_ID"), env.optional("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => {
                Some(Credentials::new(id, secret, env.optional("AWS_SESSION_TOKEN"), None, "environment"))
            }
            _ => None,
        };
        Self(Arc::new(Clients {
            region: env.required("AWS_REGION"),
            endpoint: env.optional("AWS_ENDPOINT_URL"),
            credentials,
            shared: OnceLock::new(),
            dynamo: OnceLock::new(),
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            sfn: OnceLock::new(),
            ses: OnceLock::new(),
            events: OnceLock::new(),
        }))
    }

    fn shared(&self) -> &SdkConfig {
        self.0.shared.get_or_init(|| {
            let https = aws_smithy_http_client::Builder::new()
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
                .build_https();
            // A function that hangs on a dead connection costs its whole timeout; the retry costs milliseconds.
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(Duration::from_mins(1))
                .build();
            let mut config = SdkConfig::builder()
                .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
                .region(Region::new(self.0.region.clone()))
                .http_client(https)
                .retry_config(RetryConfig::standard().with_max_attempts(5))
                .timeout_config(timeouts);
            if let Some(credentials) = &self.0.credentials {
                config = config.credentials_provider(SharedCredentialsProvider::new(credentials.clone()));
            }
            if let Some(endpoint) = &self.0.endpoint {
                config = config.endpoint_url(endpoint);
            }
            config.build()
        })
    }

    pub(crate) fn dynamo(&self) -> &aws_sdk_dynamodb::Client {
        self.0.dynamo.get_or_init(|| aws_sdk_dynamodb::Client::new(self.shared()))
    }

    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        self.0.s3.get_or_init(|| {
            let config = aws_sdk_s3::config::Builder::from(self.shared())
                // An emulator has no DNS name for each bucket.
                .force_path_style(self.0.endpoint.is_some())
                .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired)
                .build();
            aws_sdk_s3::Client::from_conf(config)
        })
    }

    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(self.shared()))
    }

    pub(crate) fn sfn(&self) -> &aws_sdk_sfn::Client {
        self.0.sfn.get_or_init(|| aws_sdk_sfn::Client::new(self.shared()))
    }

    pub(crate) fn ses(&self) -> &aws_sdk_ses::Client {
        self.0.ses.get_or_init(|| aws_sdk_ses::Client::new(self.shared()))
    }

    pub(crate) fn events(&self) -> &aws_sdk_eventbridge::Client {
        self.0.events.get_or_init(|| aws_sdk_eventbridge::Client::new(self.shared()))
    }
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").field("region", &self.0.region).finish_non_exhaustive()
    }
}
