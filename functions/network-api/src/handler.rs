//! People over REST.

use std::{collections::BTreeSet, sync::Arc};

use foundation::{id::PersonId, locale::Locale, money::Currency, problem::Fault, reach::Reach};
use jiff::{Timestamp, civil::Date};
use lambda::http::{Call, Reply};
use network::{Country, Document, Kind, People, Person, Ranks, Status};
use serde::Serialize;

/// A person as a node of the tree.
#[derive(Serialize)]
struct Node {
    id: PersonId,
    name: String,
    kind: Kind,
    status: Status,
    level: usize,
    parent: Option<PersonId>,
    sponsor: Option<PersonId>,
    rank: Option<String>,
    joined_on: Date,
}

#[derive(Serialize)]
struct Nodes {
    items: Vec<Node>,
    next: Option<String>,
}

/// A person with everything the caller may know.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    node: Node,
    country: Country,
    currency: Currency,
    zone: Option<String>,
    tags: BTreeSet<String>,
    email: String,
    phone: Option<String>,
    locale: Locale,
    slug: Option<String>,
    #[serde(flatten)]
    ranks: Ranks,
    registered_at: Timestamp,
    /// For the person and the back office only.
    document: Option<Document>,
}

fn node(person: Person) -> Node {
    Node {
        level: person.level(),
        // A title that was kept is worth showing; without one, the rank last paid.
        rank: person.ranks.honorific_rank.or(person.ranks.previous_rank),
        id: person.id,
        name: person.name,
        kind: person.kind,
        status: person.status,
        parent: person.parent,
        sponsor: person.sponsor,
        joined_on: person.joined_on,
    }
}

fn detail(person: Person, reach: &Reach) -> Detail {
    let knows_document = reach.any || reach.person.as_ref() == Some(&person.id);
    let whole = person.clone();
    Detail {
        node: node(person),
        country: whole.country,
        currency: whole.currency,
        zone: whole.zone,
        tags: whole.tags,
        email: whole.email,
        phone: whole.phone,
        locale: whole.locale,
        slug: whole.slug,
        ranks: whole.ranks,
        registered_at: whole.registered_at,
        document: knows_document.then_some(whole.document),
    }
}

pub(crate) async fn show(people: Arc<People>, call: Call) -> Result<Reply, Fault> {
    let reach = call.caller()?.reach();
    let person = people.reachable(&reach, &call.path("personId")?).await?;
    Reply::ok(&detail(person, &reach))
}

pub(crate) async fn children(people: Arc<People>, call: Call) -> Result<Reply, Fault> {
    let parent = people.reachable(&call.caller()?.reach(), &call.path("personId")?).await?;
    let cursor: Option<String> = call.query("cursor")?;
    let page = people.children(&parent.id, cursor.as_deref(), call.limit()?).await?;
    Reply::ok(&Nodes { items: page.people.into_iter().map(node).collect(), next: page.next })
}

pub(crate) async fn path(people: Arc<People>, call: Call) -> Result<Reply, Fault> {
    let reach = call.caller()?.reach();
    let person = people.reachable(&reach, &call.path("personId")?).await?;
    let path = people.path(&reach, person).await?;
    Reply::ok(&Nodes { items: path.into_iter().map(node).collect(), next: None })
}
