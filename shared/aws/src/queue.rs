//! SQS: sending. Receiving is Lambda's work.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use crate::{Boxed, Env, clients::Aws, error::AwsError};

const SERVICE: &str = "SQS";
/// Messages a batch takes.
const BATCH: usize = 10;

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    aws: Aws,
    url: String,
}

impl Queue {
    /// The queue whose URL stands in the environment under `variable`.
    pub fn from_env(aws: &Aws, env: &mut Env, variable: &str) -> Self {
        Self { aws: aws.clone(), url: env.required(variable) }
    }

    /// Sends one message.
    pub fn send(&self, body: String) -> Boxed<'_, Result<(), AwsError>> {
        Box::pin(async move {
            let request = self.aws.sqs().send_message().queue_url(&self.url).message_body(body);
            request.send().await.map(drop).map_err(|error| AwsError::of(SERVICE, error))
        })
    }

    /// Sends all messages, ten in a call. If it fails some may have been sent: consumers apply a message once.
    pub fn send_many(&self, bodies: Vec<String>) -> Boxed<'_, Result<(), AwsError>> {
        Box::pin(async move {
            for chunk in bodies.chunks(BATCH) {
                let mut entries = Vec::with_capacity(chunk.len());
                for (position, body) in chunk.iter().enumerate() {
                    let entry =
                        SendMessageBatchRequestEntry::builder().id(position.to_string()).message_body(body);
                    entries.push(entry.build().map_err(|error| AwsError::Failed {
                        service: SERVICE,
                        code: "InvalidBatch".to_owned(),
                        source: Box::new(error),
                    })?);
                }
                let request = self.aws.sqs().send_message_batch().queue_url(&self.url);
                let sent = request.set_entries(Some(entries)).send().await;
                let sent = sent.map_err(|error| AwsError::of(SERVICE, error))?;
                if let Some(refused) = sent.failed.first() {
                    return Err(AwsError::Busy {
                        service: SERVICE,
                        code: refused.code.clone(),
                        source: "a message of a batch was not taken".into(),
                    });
                }
            }
            Ok(())
        })
    }
}
