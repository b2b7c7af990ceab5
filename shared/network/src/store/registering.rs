//! Registering one person: what is read, and the one transaction.

use aws::{AwsError, Item, Write, from_item, idempotency::Claim, outbox};
use foundation::{
    digest::sha256_hex,
    fact::Envelope,
    id::{InvalidId, PersonId},
    reach::Reach,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{People, keys};
use crate::{
    facts::{Origin, PersonRegistered},
    field::Field,
    person::{Kind, Person},
    placing::{Defaults, RegistrationError, place},
    registration::Registration,
};

/// How long a repeated request is the same request, in seconds.
const CLAIM_SECONDS: i64 = 24 * 3600;

/// Who asks for a registration, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom the caller may name as parent and sponsor. None on a public page, where anybody may be named as sponsor.
    pub reach: Option<Reach>,
    /// The caller's claim of the idempotency key.
    pub claim: Claim,
    /// A fresh text, from which an id is made if the registration gives none.
    pub fresh: String,
    /// What the registration does not say.
    pub defaults: Defaults,
    /// When it arrived.
    pub now: Timestamp,
    /// Under which correlation id.
    pub correlation: String,
}

/// What the caller learns of a registration; a repeated request gets the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The new person.
    pub id: PersonId,
    /// Consultant or customer.
    pub kind: Kind,
    /// Under whom.
    pub parent: Option<PersonId>,
    /// Brought in by whom.
    pub sponsor: Option<PersonId>,
    /// Edges from the root.
    pub level: usize,
    /// The day of joining.
    pub joined_on: Date,
    /// When it was done.
    pub registered_at: Timestamp,
}

impl Receipt {
    fn of(person: &Person) -> Self {
        Self {
            id: person.id.clone(),
            kind: person.kind,
            parent: person.parent.clone(),
            sponsor: person.sponsor.clone(),
            level: person.level(),
            joined_on: person.joined_on,
            registered_at: person.registered_at,
        }
    }
}

impl People {
    /// Registers a person, once for each key: person, document, e-mail, fact and claim in one transaction. The same content under an
    /// id of the caller's own is the same registration too.
    pub async fn register(
        &self,
        registration: &Registration,
        request: &Request,
    ) -> Result<Receipt, RegistrationError> {
        let above = self.above(registration, request).await?;
        if let (Some(reach), Some(joined_on)) = (&request.reach, registration.joined_on)
            && !reach.any
            && joined_on < request.defaults.today
        {
            return Err(RegistrationError::JoinedEarlier);
        }
        let id = registration.id.clone().map_or_else(|| short_id(&request.fresh), Ok);
        let id = id.map_err(|error| foundation::problem::Malformed::at("/id", error.to_string()))?;
        let above =
            above.as_ref().map(|above| (&above.parent, above.sponsor.as_ref().unwrap_or(&above.parent)));
        // Whoever is named above is there already, and so is that id.
        if above.is_some_and(|(parent, sponsor)| parent.id == id || sponsor.id == id) {
            return Err(RegistrationError::Taken(Field::Id));
        }
        let person = place(registration, id, above, request.defaults, request.now)?;
        let receipt = Receipt::of(&person);
        let (writes, roles) = self.writes(&person, above, request, &receipt)?;
        match self.aws.transact(writes).await {
            Ok(()) => Ok(receipt),
            Err(AwsError::Refused(found)) => refused(&found, &roles, request, &person.registration),
            Err(error) => Err(error.into()),
        }
    }

    /// Parent and sponsor, read and within reach; none for a root.
    async fn above(
        &self,
        registration: &Registration,
        request: &Request,
    ) -> Result<Option<Above>, RegistrationError> {
        let own = request.reach.as_ref().filter(|reach| !reach.any).and_then(|reach| reach.person.as_ref());
        let named = registration.parent.as_ref().or(registration.sponsor.as_ref()).or(own);
        let Some(named) = named else { return Ok(None) };
        let wanted =
            [(Field::Parent, named), (Field::Sponsor, registration.sponsor.as_ref().unwrap_or(named))];
        let mut ids: Vec<PersonId> = wanted.iter().map(|(_, id)| (*id).clone()).collect();
        ids.dedup();
        let known = self.find_many(&ids).await?;
        let mut found = Vec::with_capacity(wanted.len());
        for (field, id) in wanted {
            // A parent that is only implied is spoken of as the sponsor who was named.
            let field = if registration.parent.is_none() { Field::Sponsor } else { field };
            let person = match known.iter().find(|person| person.id == *id) {
                Some(person) => Some(person.clone()),
                None => self.by_page(id).await?,
            };
            let covered = |person: &Person| {
                request.reach.as_ref().is_none_or(|reach| reach.covers(&person.id, &person.upline))
            };
            let person = person.filter(covered);
            found.push(person.ok_or_else(|| RegistrationError::Unknown { field, named: id.to_string() })?);
        }
        let mut found = found.into_iter();
        let Some(parent) = found.next() else { return Ok(None) };
        let sponsor = found.next().filter(|sponsor| sponsor.id != parent.id);
        Ok(Some(Above { parent, sponsor }))
    }

    /// The person whose public page has this name.
    async fn by_page(&self, name: &PersonId) -> Result<Option<Person>, AwsError> {
        let Some(held) = self.table.get(keys::slug(name.as_str())).await? else { return Ok(None) };
        let Some(Ok(id)) = held.get("person").and_then(|id| id.as_s().ok()).map(|id| id.parse()) else {
            return Ok(None);
        };
        self.find(&id).await
    }

    fn writes(
        &self,
        person: &Person,
        above: Option<(&Person, &Person)>,
        request: &Request,
        receipt: &Receipt,
    ) -> Result<(Vec<Write>, Vec<Role>), RegistrationError> {
        let expires = request.now.as_second().saturating_add(CLAIM_SECONDS);
        let mut writes = vec![request.claim.write(&self.table, receipt, expires)?, self.put(person)?];
        let mut roles = vec![Role::Claim, Role::Taken(Field::Id)];
        writes.extend(self.holds(person));
        roles.extend([Role::Taken(Field::DocumentNumber), Role::Taken(Field::Email)]);
        roles.extend(person.slug.as_ref().map(|_| Role::Taken(Field::Slug)));
        match above {
            None => {
                writes.push(self.hold(&keys::root(), &person.id));
                roles.push(Role::Root);
            }
            Some((parent, sponsor)) => {
                writes.push(self.still_there(parent)?);
                if sponsor.id != parent.id {
                    writes.push(self.still_there(sponsor)?);
                }
            }
        }
        let origin = if request.reach.is_some() { Origin::BackOffice } else { Origin::Public };
        writes.push(outbox::write(&self.table, &registered(person, origin, &request.correlation))?);
        Ok((writes, roles))
    }
}

/// The fact that `person` is one of the network.
pub(super) fn registered(person: &Person, origin: Origin, correlation: &str) -> Envelope<PersonRegistered> {
    let fact = PersonRegistered {
        person: person.id.clone(),
        kind: person.kind,
        parent: person.parent.clone(),
        sponsor: person.sponsor.clone(),
        name: person.name.clone(),
        email: person.email.clone(),
        locale: person.locale,
        country: person.country,
        origin,
    };
    Envelope::of(fact, person.registered_at, person.registered_at, correlation)
}

struct Above {
    parent: Person,
    /// None if it is the parent.
    sponsor: Option<Person>,
}

/// What it means that the write in this place was refused. The conditions on parent and sponsor come after all of these.
#[derive(Clone, Copy)]
enum Role {
    Claim,
    Taken(Field),
    Root,
}

fn refused(
    found: &[Option<Box<Item>>],
    roles: &[Role],
    request: &Request,
    registration: &str,
) -> Result<Receipt, RegistrationError> {
    for (role, standing) in roles.iter().zip(found) {
        let Some(standing) = standing else { continue };
        return match role {
            Role::Claim => match request.claim.answer(standing)? {
                Some(receipt) => Ok(receipt),
                None => Err(aws::idempotency::KeyReused.into()),
            },
            // The same registration under the same id is the same person, whoever asks and under whatever key.
            Role::Taken(Field::Id) if text_of(standing, "registration") == Some(registration) => {
                let person: Person = from_item(standing.as_ref().clone()).map_err(AwsError::from)?;
                Ok(Receipt::of(&person))
            }
            Role::Taken(field) => Err(RegistrationError::Taken(*field)),
            Role::Root => Err(RegistrationError::SecondRoot),
        };
    }
    // Parent or sponsor moved or left since they were read: the caller may ask again.
    Err(AwsError::ConditionFailed(None).into())
}

fn text_of<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A short id that people can read to each other: `C` and eight of 32 letters and digits, without I, L, O and U.
fn short_id(fresh: &str) -> Result<PersonId, InvalidId> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let hash = sha256_hex(fresh.as_bytes());
    let mut bits = u64::from_str_radix(hash.get(..10).unwrap_or_default(), 16).unwrap_or_default();
    let mut id = String::from("C");
    for _ in 0..8 {
        id.push(char::from(LETTERS[usize::try_from(bits & 31).unwrap_or_default()]));
        bits >>= 5;
    }
    id.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_are_short_and_differ() {
        let ids: std::collections::BTreeSet<_> =
            (0..1_000).map(|number| short_id(&number.to_string()).unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.as_str().len() == 9));
    }
}
