//! `messages-feedback`: what the mail service tells of letters afterwards: bounces and complaints.
mod handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let messages = messages::Messages::new(&aws, &mut env);
    env.complete()?;
    lambda::queue::serve_each(messages, handler::handle).await
}
