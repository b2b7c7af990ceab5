//! Settings and roles over REST.

use std::sync::Arc;

use access::{Change, Configuration, Editor, Role, RoleDraft, RoleName, SettingsDraft};
use foundation::{permission::Permission, problem::Fault};
use lambda::http::{Call, Reply};
use serde::Serialize;

#[derive(Serialize)]
struct Me<'a> {
    subject: &'a str,
    person: Option<&'a str>,
    roles: &'a [String],
    permissions: Vec<Permission>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
    next: Option<String>,
}

pub(crate) async fn me(_: Arc<Configuration>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    Reply::ok(&Me {
        subject: &caller.subject,
        person: caller.person.as_ref().map(foundation::id::PersonId::as_str),
        roles: &caller.roles,
        permissions: caller.permissions.iter().copied().collect(),
    })
}

pub(crate) async fn settings(configuration: Arc<Configuration>, _: Call) -> Result<Reply, Fault> {
    Reply::ok(&configuration.settings().await?)
}

pub(crate) async fn put_settings(configuration: Arc<Configuration>, call: Call) -> Result<Reply, Fault> {
    let draft: SettingsDraft = call.body()?;
    Reply::ok(&configuration.put_settings(draft, &editor(&call)?).await?)
}

pub(crate) async fn changes(configuration: Arc<Configuration>, call: Call) -> Result<Reply, Fault> {
    let cursor: Option<String> = call.query("cursor")?;
    let page = configuration.changes(cursor.as_deref(), call.limit()?).await?;
    Reply::ok(&Items::<Change> { items: page.changes, next: page.next })
}

pub(crate) async fn roles(configuration: Arc<Configuration>, _: Call) -> Result<Reply, Fault> {
    Reply::ok(&Items::<Role> { items: configuration.roles().await?, next: None })
}

pub(crate) async fn put_role(configuration: Arc<Configuration>, call: Call) -> Result<Reply, Fault> {
    let name: RoleName = call.path("role")?;
    let draft: RoleDraft = call.body()?;
    Reply::ok(&configuration.put_role(&name, draft, &editor(&call)?).await?)
}

fn editor(call: &Call) -> Result<Editor, Fault> {
    Ok(Editor {
        by: call.caller()?.subject.clone(),
        at: call.received_at,
        correlation: lambda::correlation(),
    })
}
