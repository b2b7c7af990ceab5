//! Token in, caller out.

use std::{collections::BTreeMap, sync::Arc};

use access::{Configuration, Issuer};
use foundation::problem::Fault;
use lambda::authorizer::Grant;

/// What a token is held against.
pub(crate) struct Gate {
    pub(crate) issuer: Issuer,
    pub(crate) configuration: Configuration,
}

pub(crate) async fn admit(gate: Arc<Gate>, token: String) -> Result<Grant, Fault> {
    let claims = gate.issuer.verify(&token, lambda::now()).await?;
    let roles = gate.configuration.remembered_roles().await?;
    let permissions = access::allowed(&claims.roles, &roles);
    let permissions: Vec<_> = permissions.into_iter().map(foundation::permission::Permission::name).collect();
    let context = [
        ("subject", claims.subject.clone()),
        ("person", claims.person.map(String::from).unwrap_or_default()),
        ("roles", claims.roles.join(" ")),
        ("permissions", permissions.join(" ")),
    ];
    let context: BTreeMap<_, _> = context.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Grant { principal: claims.subject, context })
}
