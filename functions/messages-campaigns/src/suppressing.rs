//! The REST paths of suppressed addresses, and the public page on which people take leave of campaigns.

use std::sync::Arc;

use foundation::{
    locale::Locale,
    permission::Permission,
    problem::{Fault, Malformed},
};
use lambda::http::{Call, Caller, MissingPermission, Reply};
use messages::{
    address::Address,
    suppression::{Suppression, SuppressionReason},
    template::Variables,
};

use crate::handler::{Listed, Office};

pub(crate) async fn list(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    check_company(call.caller()?)?;
    let cursor = call.query::<String>("cursor")?;
    let (items, next) = office.messages.suppressions(call.limit()?, cursor.as_deref()).await?;
    Reply::ok(&Listed { items, next })
}

pub(crate) async fn suppress(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    let caller = call.caller()?;
    check_company(caller)?;
    let suppression = Suppression {
        address: address(&call)?,
        reason: SuppressionReason::Manual,
        since: call.received_at,
        detail: Some(caller.subject.clone()),
        campaign: None,
    };
    Reply::ok(&office.messages.suppress(&suppression).await?)
}

pub(crate) async fn allow(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    check_company(call.caller()?)?;
    office.messages.allow(&address(&call)?).await?;
    Ok(Reply::no_content())
}

/// Shows the page and changes nothing: mail programs open links on their own.
pub(crate) async fn ask_to_leave(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    page(&office, &call, false).await
}

pub(crate) async fn leave(office: Arc<Office>, call: Call) -> Result<Reply, Fault> {
    let leave = office.link_key.read(&token(&call)?)?;
    let suppression = Suppression {
        address: leave.address,
        reason: SuppressionReason::Unsubscribed,
        since: call.received_at,
        detail: None,
        campaign: Some(leave.campaign),
    };
    office.messages.suppress(&suppression).await?;
    page(&office, &call, true).await
}

async fn page(office: &Office, call: &Call, done: bool) -> Result<Reply, Fault> {
    let token = token(call)?;
    let address = office.link_key.read(&token)?.address;
    let locale = match call.query::<String>("locale")?.as_deref() {
        Some("en") => Locale::En,
        _ => Locale::Es,
    };
    let company = office.messages.settings().await?.company;
    let variables = Variables::from([
        ("company".to_owned(), company.into()),
        ("address".to_owned(), address.as_str().into()),
        ("token".to_owned(), token.into()),
        ("done".to_owned(), done.into()),
    ]);
    Ok(Reply::page(office.templates.unsubscribe_page(locale, &variables)?))
}

fn token(call: &Call) -> Result<String, Malformed> {
    call.query("token")?.ok_or_else(|| Malformed::at("query:token", "expected the token of the link"))
}

/// The list is the company's, not a consultant's.
fn check_company(caller: &Caller) -> Result<(), MissingPermission> {
    if caller.reach().any { Ok(()) } else { Err(MissingPermission(Permission::AnyPerson)) }
}

/// The path's address; a client may or may not have escaped its characters.
fn address(call: &Call) -> Result<Address, Malformed> {
    let found: String = call.path("address")?;
    unescaped(&found)
        .parse()
        .map_err(|error: messages::address::InvalidAddress| Malformed::at("path:address", error.to_string()))
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten();
        let decoded = escaped
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn escapes_are_undone_and_other_text_stays() {
        for (found, plain) in [
            ("ana%2Bx%40x.co", "ana+x@x.co"),
            ("ana+x@x.co", "ana+x@x.co"),
            ("50%", "50%"),
            ("a%zzb", "a%zzb"),
        ] {
            assert_eq!(unescaped(found), plain);
        }
    }
}
