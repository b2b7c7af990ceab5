//! The table of the network: the only I/O on it.

pub(crate) mod loads;
pub(crate) mod registering;

use aws::{Aws, AwsError, Condition, Env, Item, Query, Table, Update, Write, from_item, text, to_item};
use foundation::{
    id::PersonId,
    problem::{Kind as ProblemKind, Malformed, NotFound, Problem},
    reach::Reach,
};

use crate::{
    keys,
    person::{Person, Ranks},
};

/// The people of the network.
#[derive(Clone, Debug)]
pub struct People {
    aws: Aws,
    table: Table,
}

/// Why a person is not shown.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// There is no such person within the caller's reach.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The request does not fit.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The table.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Problem for PeopleError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::NotFound(error) => error.kind(),
            Self::Malformed(error) => error.kind(),
            Self::Aws(error) => error.kind(),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(error) => error.code(),
            Self::Malformed(error) => error.code(),
            Self::Aws(error) => error.code(),
        }
    }
    fn fields(&self) -> Vec<foundation::problem::FieldError> {
        match self {
            Self::Malformed(error) => error.fields(),
            _ => Vec::new(),
        }
    }
}

/// People of a listing, and where the next page starts.
#[derive(Clone, Debug)]
pub struct PeoplePage {
    /// The people.
    pub people: Vec<Person>,
    /// What to pass as `cursor` for the next ones.
    pub next: Option<String>,
}

impl People {
    /// The people of the table in `PEOPLE_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "PEOPLE_TABLE") }
    }

    /// The person with this id, without asking who wants to know.
    pub async fn find(&self, id: &PersonId) -> Result<Option<Person>, AwsError> {
        let found = self.table.get(keys::person(id)).await?;
        Ok(found.map(from_item).transpose()?)
    }

    /// The people with these ids, those there are, in no order: 100 in a round trip. No id may come twice.
    pub async fn find_many(&self, ids: &[PersonId]) -> Result<Vec<Person>, AwsError> {
        let items = self.table.get_many(ids.iter().map(keys::person).collect()).await?;
        items.into_iter().map(|item| Ok(from_item(item)?)).collect()
    }

    /// The person with this id if they are within `reach`: the one place where the genealogy decides, in one round trip.
    ///
    /// # Errors
    /// Somebody out of reach is as unknown as somebody who does not exist, so that nobody learns who does.
    pub async fn reachable(&self, reach: &Reach, id: &PersonId) -> Result<Person, PeopleError> {
        let found = self.find(id).await?;
        found.filter(|person| reach.covers(&person.id, &person.upline)).ok_or(NotFound("person").into())
    }

    /// A page of the people directly under `parent`, oldest first. Ask [`People::reachable`] of the parent before.
    pub async fn children(
        &self,
        parent: &PersonId,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<PeoplePage, PeopleError> {
        let query = Query::partition(keys::children(parent)).index(keys::CHILDREN).limit(limit);
        let page = self.table.query(query.from_cursor(cursor)?).await?;
        let next = page.cursor();
        let people =
            page.items.into_iter().map(from_item).collect::<Result<_, _>>().map_err(AwsError::from)?;
        Ok(PeoplePage { people, next })
    }

    /// The path to `person`, as far up as `reach` goes, the topmost first and `person` last.
    pub async fn path(&self, reach: &Reach, person: Person) -> Result<Vec<Person>, AwsError> {
        let visible = person
            .upline
            .iter()
            .enumerate()
            .find(|(level, id)| reach.covers(id, &person.upline[..*level]))
            .map_or(&[][..], |(first, _)| &person.upline[first..]);
        let mut path = self.find_many(visible).await?;
        path.sort_by_key(Person::level);
        path.push(person);
        Ok(path)
    }

    /// Hands every person to `take`, in no order, page after page. For run steps, never for a request.
    pub async fn export(&self, take: &mut (dyn FnMut(Person) + Send)) -> Result<(), AwsError> {
        let mut cursor = None;
        loop {
            let page = self.table.scan(0, 1, cursor).await?;
            for item in page.items {
                if is_person(&item) {
                    take(from_item(item)?);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// The write that sets what the next commission run starts from. The same again changes nothing.
    pub fn ranks(&self, id: &PersonId, ranks: &Ranks) -> Result<Write, AwsError> {
        let columns = to_item(ranks)?;
        let names =
            ["previous_rank", "rank_grace_used", "honorific_rank", "manual_rank", "manual_from", "manual_to"];
        let update = names.into_iter().fold(Update::new(), |update, name| match columns.get(name) {
            Some(value) => update.set(name, value.clone()),
            None => update.remove(name),
        });
        Ok(Write::Update(self.table.clone(), keys::person(id), update, Condition::Present))
    }

    /// The write that stores a new person.
    fn put(&self, person: &Person) -> Result<Write, AwsError> {
        let item = keys::index(person, keys::person(&person.id).onto(to_item(person)?));
        Ok(Write::Put(self.table.clone(), item, Condition::Absent))
    }

    /// The writes that hold what no two people share, in the order document, e-mail, page.
    fn holds(&self, person: &Person) -> Vec<Write> {
        let mut keys = vec![keys::document(person.country, &person.document), keys::email(&person.email)];
        keys.extend(person.slug.as_deref().map(keys::slug));
        keys.into_iter().map(|key| self.hold(&key, &person.id)).collect()
    }

    fn hold(&self, key: &aws::Key, id: &PersonId) -> Write {
        let item = Item::from([("person".to_owned(), text(id.as_str()))]);
        Write::Put(self.table.clone(), key.onto(item), Condition::Absent)
    }

    /// The condition that somebody who was read still stands where they stood, and has not left.
    fn still_there(&self, person: &Person) -> Result<Write, AwsError> {
        let placed = [
            ("upline", aws::to_attribute(&crate::person::path::joined(&person.upline))?),
            ("status", aws::to_attribute(&person.status)?),
        ];
        let conditions = placed.into_iter().map(|(name, value)| Condition::Equals(name, value)).collect();
        Ok(Write::Check(self.table.clone(), keys::person(&person.id), Condition::All(conditions)))
    }
}

fn is_person(item: &Item) -> bool {
    item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk == "PERSON")
}
