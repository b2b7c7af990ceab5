//! `access-authorize`: who calls the API, and what the caller's roles allow.
mod handler;

use handler::Gate;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let mut env = aws::Env::of_process();
    let aws = aws::Aws::new(&mut env);
    let configuration = access::Configuration::new(&aws, &mut env);
    let issuer = access::Issuer::new(&mut env);
    env.complete()?;
    lambda::authorizer::serve(Gate { issuer, configuration }, handler::admit).await
}
