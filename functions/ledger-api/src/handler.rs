//! The REST paths of the ledger.

use std::sync::Arc;

use aws::Queue;
use foundation::{
    id::PersonId,
    permission::Permission,
    problem::{Fault, Malformed, NotFound},
};
use jiff::Timestamp;
use lambda::http::{Call, MissingPermission, Reply};
use ledger::{
    account::{Account, Purpose, Unit},
    store::{AccountStatement, Ledger},
};
use network::People;
use serde::Serialize;
use serde_json::json;

/// What the paths share.
pub(crate) struct Books {
    pub(crate) people: People,
    pub(crate) ledger: Ledger,
    pub(crate) proofs: Queue,
}

#[derive(Serialize)]
struct Shown {
    person: PersonId,
    purpose: &'static str,
    unit: String,
    #[serde(flatten)]
    statement: AccountStatement,
}

#[derive(Serialize)]
struct Asked {
    requested_at: Timestamp,
}

pub(crate) async fn account(books: Arc<Books>, call: Call) -> Result<Reply, Fault> {
    let person: PersonId = call.path("personId")?;
    let unit = call.query::<Unit>("unit")?;
    let Unit(unit) = unit.ok_or_else(|| Malformed::at("query:unit", "expected a unit; found none"))?;
    let purpose = call.query::<Purpose>("purpose")?.unwrap_or(Purpose::Commissions);
    let cursor = call.query::<String>("cursor")?;
    let limit = call.limit()?;
    books.people.reachable(&call.caller()?.reach(), &person).await?;
    let account = Account::of_person(person.clone(), purpose, unit.clone());
    let statement = books.ledger.statement(&account, limit, cursor.as_deref()).await?;
    Reply::ok(&Shown { person, purpose: purpose.name(), unit, statement })
}

pub(crate) async fn proof(books: Arc<Books>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    Reply::ok(&books.ledger.last_proof().await?.ok_or(NotFound("proof"))?)
}

pub(crate) async fn ask_for_proof(books: Arc<Books>, call: Call) -> Result<Reply, Fault> {
    check_reach(&call)?;
    books.proofs.send(json!({ "correlation": lambda::correlation() }).to_string()).await?;
    Reply::accepted("/ledger/proof".to_owned(), &Asked { requested_at: call.received_at })
}

/// A proof names accounts of everybody.
fn check_reach(call: &Call) -> Result<(), Fault> {
    if call.caller()?.reach().any { Ok(()) } else { Err(MissingPermission(Permission::AnyPerson).into()) }
}
