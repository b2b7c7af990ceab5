//! `messages-recipients`: starts campaigns whose time has come, looks for their recipients and queues their letters.
mod handler;

use handler::Register;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let people = network::People::new(&aws, &mut env);
    let messages = messages::Messages::new(&aws, &mut env);
    let letters = aws::Queue::from_env(&aws, &mut env, "CAMPAIGN_MAIL_QUEUE");
    let workers = env.required("CAMPAIGN_WORKERS");
    env.complete()?;
    let workers = workers.parse()?;
    lambda::queue::serve_each(Register { people, messages, letters, workers }, handler::handle).await
}
