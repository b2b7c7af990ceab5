//! `messages-send`: hands letters to the mail service: notices as facts come, campaigns at their pace.
mod campaign;
mod handler;
mod notice;

use handler::Post;
use messages::{Messages, Sender, template::Templates, unsubscribe::LinkKey};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let messages = Messages::new(&aws, &mut env);
    let mailbox = aws::Mailbox::from_env(&aws, &mut env, "MAIL_SENDER");
    let link_key = LinkKey::from_env(&mut env);
    let base = env.required("PUBLIC_BASE_URL");
    let workers = env.required("CAMPAIGN_WORKERS");
    env.complete()?;
    let sender = Sender::new(messages.clone(), mailbox);
    let (templates, workers) = (Templates::new()?, workers.parse()?);
    let post = Post { people, messages, sender, link_key, templates, base, workers };
    lambda::queue::serve_each(post, handler::handle).await
}
