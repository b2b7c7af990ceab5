//! Where a newcomer goes: who may be parent and sponsor, and what the stored person is then.

use foundation::{
    id::PersonId,
    locale::Locale,
    money::Currency,
    problem::{FieldError, Kind as ProblemKind, Malformed, Problem},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    field::Field,
    person::{Kind, Person, Status, path},
    registration::Registration,
};

/// A path of ancestors may weigh so many bytes, so that a person always fits an item: some 30,000 levels of short ids.
pub const PATH_BYTES_MAX: usize = 256 * 1024;

/// What a registration does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults {
    /// The company's currency.
    pub currency: Currency,
    /// The company's language.
    pub locale: Locale,
    /// Today where the company is.
    pub today: Date,
}

/// Why somebody is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Fields are wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Nobody has this id, or the caller may not know of them.
    #[error("there is no {} {named}", .field.column())]
    Unknown {
        /// Parent or sponsor.
        field: Field,
        /// The text that names nobody.
        named: String,
    },
    /// A customer stands at the end of the network.
    #[error("the {} is a customer", .0.column())]
    IsCustomer(Field),
    /// The person has left.
    #[error("the {} has left the network", .0.column())]
    HasLeft(Field),
    /// The path to the newcomer is too long.
    #[error("the network is too deep there")]
    TooDeep,
    /// Only a consultant stands at the top.
    #[error("a customer cannot be the root of the network")]
    RootIsCustomer,
    /// There is a root.
    #[error("the network has a root; a newcomer needs a parent")]
    SecondRoot,
    /// Another person has it.
    #[error("this {} is taken", .0.column())]
    Taken(Field),
    /// The day of joining lies ahead.
    #[error("nobody has joined on {0} yet")]
    JoinsLater(Date),
    /// Only the back office registers people of the past.
    #[error("only the back office may register somebody who joined before today")]
    JoinedEarlier,
    /// The company takes no such registrations on public pages.
    #[error("the company takes no such registrations on public pages")]
    NotPublic,
    /// The idempotency key was used for another request.
    #[error(transparent)]
    KeyReused(#[from] aws::idempotency::KeyReused),
    /// The table.
    #[error(transparent)]
    Aws(#[from] aws::AwsError),
}

impl Problem for RegistrationError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Malformed(error) => error.kind(),
            Self::KeyReused(error) => error.kind(),
            Self::Aws(error) => error.kind(),
            Self::SecondRoot | Self::Taken(_) => ProblemKind::Conflict,
            _ => ProblemKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.code(),
            Self::KeyReused(error) => error.code(),
            Self::Aws(error) => error.code(),
            Self::Unknown { field: Field::Sponsor, .. } => "network.unknown-sponsor",
            Self::Unknown { .. } => "network.unknown-parent",
            Self::IsCustomer(_) => "network.customer-above",
            Self::HasLeft(_) => "network.terminated-above",
            Self::TooDeep => "network.too-deep",
            Self::RootIsCustomer => "network.root-is-customer",
            Self::SecondRoot => "network.second-root",
            Self::Taken(Field::Email) => "network.email-taken",
            Self::Taken(Field::Id) => "network.id-taken",
            Self::Taken(Field::Slug) => "network.slug-taken",
            Self::Taken(_) => "network.document-taken",
            Self::JoinsLater(_) => "network.joins-later",
            Self::JoinedEarlier => "network.joined-earlier",
            Self::NotPublic => "network.not-public",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let at =
            |field: Field| vec![FieldError { pointer: field.pointer().to_owned(), detail: self.to_string() }];
        match self {
            Self::Malformed(error) => error.fields(),
            Self::Unknown { field, .. }
            | Self::IsCustomer(field)
            | Self::HasLeft(field)
            | Self::Taken(field) => at(*field),
            Self::SecondRoot | Self::TooDeep => at(Field::Parent),
            Self::RootIsCustomer => at(Field::Kind),
            Self::JoinsLater(_) | Self::JoinedEarlier => at(Field::JoinedOn),
            Self::NotPublic | Self::KeyReused(_) | Self::Aws(_) => Vec::new(),
        }
    }
}

/// Whether somebody may hang under, or be brought in by, `above`, who was named in `field`.
fn may_stand_above(field: Field, above: &Person) -> Result<(), RegistrationError> {
    match (above.kind, above.status) {
        (Kind::Customer, _) => Err(RegistrationError::IsCustomer(field)),
        (_, Status::Terminated) => Err(RegistrationError::HasLeft(field)),
        _ => Ok(()),
    }
}

/// The person that `registration` makes under `above` (parent and sponsor; none makes the root), registered as `id` at `now`.
pub fn place(
    registration: &Registration,
    id: PersonId,
    above: Option<(&Person, &Person)>,
    defaults: Defaults,
    now: Timestamp,
) -> Result<Person, RegistrationError> {
    if let Some((parent, sponsor)) = above {
        may_stand_above(Field::Parent, parent)?;
        may_stand_above(Field::Sponsor, sponsor)?;
    } else if registration.kind == Kind::Customer {
        return Err(RegistrationError::RootIsCustomer);
    }
    put(registration, id, above, defaults, now)
}

/// As [`place`], without asking who may stand above: people who have left keep those they brought, so a load of a company's past may
/// name them. A customer still ends the network.
pub(crate) fn place_loaded(
    registration: &Registration,
    id: PersonId,
    above: Option<(&Person, &Person)>,
    defaults: Defaults,
    now: Timestamp,
) -> Result<Person, RegistrationError> {
    match above {
        Some((parent, _)) if parent.kind == Kind::Customer => {
            return Err(RegistrationError::IsCustomer(Field::Parent));
        }
        Some((_, sponsor)) if sponsor.kind == Kind::Customer => {
            return Err(RegistrationError::IsCustomer(Field::Sponsor));
        }
        None if registration.kind == Kind::Customer => return Err(RegistrationError::RootIsCustomer),
        _ => {}
    }
    put(registration, id, above, defaults, now)
}

fn put(
    registration: &Registration,
    id: PersonId,
    above: Option<(&Person, &Person)>,
    defaults: Defaults,
    now: Timestamp,
) -> Result<Person, RegistrationError> {
    let joined_on = registration.joined_on.unwrap_or(defaults.today);
    if joined_on > defaults.today {
        return Err(RegistrationError::JoinsLater(joined_on));
    }
    let upline: Vec<PersonId> = above
        .map(|(parent, _)| parent.upline.iter().chain([&parent.id]).cloned().collect())
        .unwrap_or_default();
    if path::joined(&upline).len() > PATH_BYTES_MAX {
        return Err(RegistrationError::TooDeep);
    }
    let registration_hash = registration.hash();
    let registration = registration.clone();
    Ok(Person {
        id,
        kind: registration.kind,
        parent: above.map(|(parent, _)| parent.id.clone()),
        sponsor: above.map(|(_, sponsor)| sponsor.id.clone()),
        upline,
        joined_on,
        status: registration.status,
        country: registration.country,
        currency: registration.currency.unwrap_or(defaults.currency),
        zone: registration.zone,
        tags: registration.tags,
        name: registration.name,
        document: registration.document,
        email: registration.email,
        phone: registration.phone,
        locale: registration.locale.unwrap_or(defaults.locale),
        slug: registration.slug,
        ranks: registration.ranks,
        registered_at: now,
        registration: registration_hash,
        load: None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::registration::{BACK_OFFICE, Entry, tests::body};

    pub(crate) fn defaults() -> Defaults {
        Defaults { currency: "COP".parse().unwrap(), locale: Locale::Es, today: date(2026, 10, 15) }
    }

    fn registration() -> Registration {
        Entry::read(&body("BEN"), BACK_OFFICE).unwrap()
    }

    fn root(change: impl FnOnce(&mut Person)) -> Person {
        let mut root =
            place(&registration(), "ANA".parse().unwrap(), None, defaults(), Timestamp::UNIX_EPOCH).unwrap();
        change(&mut root);
        root
    }

    #[test]
    fn a_newcomer_hangs_below_the_parents_own_path() {
        let root = root(|_| {});
        let ben = place(
            &registration(),
            "BEN".parse().unwrap(),
            Some((&root, &root)),
            defaults(),
            Timestamp::UNIX_EPOCH,
        );
        let ben = ben.unwrap();
        let cem = place(
            &registration(),
            "CEM".parse().unwrap(),
            Some((&ben, &root)),
            defaults(),
            Timestamp::UNIX_EPOCH,
        );
        let cem = cem.unwrap();
        assert_eq!(cem.upline.iter().map(PersonId::as_str).collect::<Vec<_>>(), ["ANA", "BEN"]);
        assert_eq!((cem.level(), cem.currency.code(), cem.joined_on), (2, "COP", date(2026, 10, 15)));
        assert_eq!(cem.sponsor.unwrap().as_str(), "ANA");
    }

    #[test]
    fn customers_and_people_who_left_take_nobody() {
        let customer = root(|person| person.kind = Kind::Customer);
        let gone = root(|person| person.status = Status::Terminated);
        let fine = root(|person| person.status = Status::Inactive);
        let cases = [
            ("customer as parent", &customer, &fine, Some("network.customer-above")),
            ("parent who left", &gone, &fine, Some("network.terminated-above")),
            ("sponsor who left", &fine, &gone, Some("network.terminated-above")),
            ("inactive ones", &fine, &fine, None),
        ];
        for (name, parent, sponsor, code) in cases {
            let placed = place(
                &registration(),
                "BEN".parse().unwrap(),
                Some((parent, sponsor)),
                defaults(),
                Timestamp::UNIX_EPOCH,
            );
            assert_eq!(placed.as_ref().err().map(Problem::code), code, "{name}");
        }
    }

    #[test]
    fn nobody_joins_tomorrow_and_no_path_outgrows_an_item() {
        let mut later = registration();
        later.joined_on = Some(date(2026, 10, 16));
        let root = root(|person| person.upline = vec!["X".repeat(64).parse().unwrap(); 4_100]);
        let place = |registration: &Registration, above| {
            place(registration, "BEN".parse().unwrap(), above, defaults(), Timestamp::UNIX_EPOCH)
                .unwrap_err()
                .code()
        };
        assert_eq!(place(&later, None), "network.joins-later");
        assert_eq!(place(&registration(), Some((&root, &root))), "network.too-deep");
    }
}
