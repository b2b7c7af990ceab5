//! The development issuer of a stack, and tokens signed by it.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use testkit::{
    issuer::{Issuer, TokenRequest},
    stack::{IssuerFiles, Stack},
};

use crate::{Token, run, workspace::Workspace};

/// The bucket of the emulator that publishes the key set.
pub(crate) const BUCKET: &str = "ceiba-issuer";
const AUDIENCE: &str = "ceiba";

/// The issuer of a stack; its key is made once and kept, so that tokens outlive a restart.
/// `seen_by_functions` is the emulator's address as the deployed functions reach it.
pub(crate) fn ensure(workspace: &Workspace, stack: &str, seen_by_functions: &str) -> Result<IssuerFiles> {
    let folder = workspace.stack_folder(stack)?.join("issuer");
    std::fs::create_dir_all(&folder)?;
    let files = IssuerFiles {
        url: format!("https://issuer.{stack}.ceiba.invalid"),
        audience: AUDIENCE.to_owned(),
        private_key: folder.join("key.pem"),
        jwks_url: format!("{seen_by_functions}/{BUCKET}/jwks.json"),
    };
    Issuer::ensure_key(&files.private_key)?;
    std::fs::write(folder.join("jwks.json"), Issuer::read(&files)?.key_set().to_string())?;
    Ok(files)
}

/// A token of the stack's development issuer. `roles` are separated by commas.
pub(crate) fn token(
    stack: &Stack,
    roles: &str,
    person: Option<&str>,
    valid: SignedDuration,
) -> Result<String> {
    let files = stack.issuer.as_ref().with_context(|| {
        format!("stack {} has no development issuer: ask its OpenID Connect issuer for a token", stack.name)
    })?;
    let roles: Vec<&str> = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).collect();
    let subject = person.map_or_else(|| format!("dev-{}", roles.join("-")), |person| format!("dev-{person}"));
    Ok(Issuer::read(files)?.token(&TokenRequest {
        subject: &subject,
        roles: &roles,
        person,
        now: now(),
        valid,
    }))
}

#[expect(clippy::disallowed_methods, reason = "the task runner is an edge: tokens are issued now")]
fn now() -> Timestamp {
    Timestamp::now()
}

pub(crate) fn print_token(workspace: &Workspace, options: &Token) -> Result<()> {
    let stack = crate::stack::known(workspace, &options.stack.name)?;
    let valid = SignedDuration::from_hours(options.hours);
    run::result(&token(&stack, &options.role, options.person.as_deref(), valid)?);
    Ok(())
}
