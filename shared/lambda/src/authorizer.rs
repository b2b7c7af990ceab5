//! The edge of the API's TOKEN authorizer.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use foundation::problem::{Fault, Kind};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::{Error, runtime::run};

/// Who may call the API, and what is passed on to the functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The principal, for API Gateway's logs.
    pub principal: String,
    /// Passed on as the request's authorizer context.
    pub context: BTreeMap<String, String>,
}

/// Serves tokens. A fault of kind `Unauthenticated` becomes a 401, any other a 500.
pub async fn serve<S, F, H>(shared: S, handler: H) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    H: Fn(Arc<S>, String) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Grant, Fault>> + Send + 'static,
{
    let shared = Arc::new(shared);
    run(Arc::new(move |event: Value| {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (token, arn) = (text("authorizationToken"), text("methodArn"));
        let work = handler(Arc::clone(&shared), token);
        Box::pin(async move {
            match work.await {
                Ok(grant) => Ok(policy(&grant, &arn)),
                Err(fault) if fault.kind() == Kind::Unauthenticated => {
                    tracing::info!(code = fault.code(), "token refused");
                    // API Gateway turns exactly this message into a 401.
                    Err(Diagnostic {
                        error_type: "Unauthorized".to_owned(),
                        error_message: "Unauthorized".to_owned(),
                    })
                }
                Err(fault) => {
                    tracing::error!(code = fault.code(), error = ?fault, "authorizer failed");
                    Err(Diagnostic {
                        error_type: "AuthorizerFailed".to_owned(),
                        error_message: fault.code().to_owned(),
                    })
                }
            }
        })
    }))
    .await
}

/// The policy covers the whole stage, because API Gateway caches it for the token and not for the path.
fn policy(grant: &Grant, method_arn: &str) -> Value {
    let stage = method_arn.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    json!({
        "principalId": grant.principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": format!("{stage}/*") }],
        },
        "context": grant.context,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_covers_the_stage_so_that_a_cached_one_fits_every_path() {
        let grant = Grant { principal: "u1".into(), context: BTreeMap::new() };
        let policy = policy(&grant, "arn:aws:execute-api:us-east-1:000000000000:api1/v1/GET/people/P1");
        assert_eq!(
            policy.pointer("/policyDocument/Statement/0/Resource").unwrap(),
            "arn:aws:execute-api:us-east-1:000000000000:api1/v1/*"
        );
    }
}
