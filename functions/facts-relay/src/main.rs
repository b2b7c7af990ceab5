//! `facts-relay`: facts from the outboxes of all areas onto the bus, in the order of each shard.
mod handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let bus = aws::Bus::from_env(&aws, &mut env, "FACTS_BUS");
    env.complete()?;
    lambda::stream::serve(bus, handler::handle).await
}
