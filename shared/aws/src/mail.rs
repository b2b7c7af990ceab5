//! SES: letters whose text was rendered in our own code.

use aws_sdk_ses::types::{Body, Content, Destination, Message};

use crate::{Boxed, Env, clients::Aws, error::AwsError};

const SERVICE: &str = "SES";

/// Where letters leave from.
#[derive(Clone, Debug)]
pub struct Mailbox {
    aws: Aws,
    sender: String,
}

/// A letter to one person.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The address it goes to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text as HTML.
    pub html: String,
    /// Its text, plain.
    pub text: String,
}

impl Mailbox {
    /// The mailbox whose address stands in the environment under `variable`.
    pub fn from_env(aws: &Aws, env: &mut Env, variable: &str) -> Self {
        Self { aws: aws.clone(), sender: env.required(variable) }
    }

    /// Sends `letter`; gives the service's message id, which bounces and complaints refer to.
    pub fn send(&self, letter: Letter) -> Boxed<'_, Result<String, AwsError>> {
        Box::pin(async move {
            let content = |text: String| {
                Content::builder().data(text).charset("UTF-8").build().map_err(|error| AwsError::Failed {
                    service: SERVICE,
                    code: "InvalidLetter".to_owned(),
                    source: Box::new(error),
                })
            };
            let body = Body::builder().html(content(letter.html)?).text(content(letter.text)?).build();
            let message = Message::builder().subject(content(letter.subject)?).body(body).build();
            let request = self.aws.ses().send_email().source(&self.sender).message(message);
            let sent =
                request.destination(Destination::builder().to_addresses(letter.to).build()).send().await;
            sent.map(|sent| sent.message_id).map_err(|error| AwsError::of(SERVICE, error))
        })
    }
}
