//! Bulk loads: their records, their files, and the transactions that write their lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws::{
    Aws, AwsError, Bucket, Condition, Env, Item, Update, Write, from_item, idempotency::Claim, number,
    outbox, text, to_item,
};
use bytes::Bytes;
use foundation::{
    id::{LoadId, PersonId},
    problem::{FieldError, Kind as ProblemKind, NotFound, Problem},
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{People, registering::registered};
use crate::{
    facts::Origin,
    field::Field,
    keys,
    load::{FILE_BYTES_MAX, FileError, FilePlan, Load, LoadState, Planned, Refusal, result_file},
    person::{Person, path},
    placing::{Defaults, RegistrationError, place_loaded},
};

/// How long a file may be uploaded.
const UPLOAD_LIFETIME: Duration = Duration::from_hours(1);
/// How long the link to a result works.
const RESULT_LIFETIME: Duration = Duration::from_mins(15);
/// How long a repeated request is the same request, in seconds.
const CLAIM_SECONDS: i64 = 24 * 3600;
/// Lines that are looked at together: with parents and sponsors they are read in one round trip.
const GROUP_LINES: usize = 33;
/// Writes of a transaction.
const WRITES_MAX: usize = 100;
/// A transaction takes 4 MB; the rest is left for names and e-mails.
const PATHS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How often a group is read again because somebody else changed what it stands on.
const GROUP_ATTEMPTS: usize = 5;

/// The bulk loads of people.
#[derive(Clone, Debug)]
pub struct Loads {
    aws: Aws,
    people: People,
    uploads: Bucket,
}

/// Why a load does not go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such load.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The file as a whole is refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The idempotency key was used for another request.
    #[error(transparent)]
    KeyReused(#[from] aws::idempotency::KeyReused),
    /// A part of the file that was put away cannot be read.
    #[error("part {0} of the file is missing or broken")]
    BrokenPart(u32),
    /// Table or bucket.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl Problem for LoadError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::NotFound(error) => error.kind(),
            Self::File(FileError::TooLarge(_)) => ProblemKind::TooLarge,
            Self::File(_) => ProblemKind::Rejected,
            Self::KeyReused(error) => error.kind(),
            Self::BrokenPart(_) => ProblemKind::Internal,
            Self::Aws(error) => error.kind(),
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(error) => error.code(),
            Self::File(FileError::TooLarge(_)) => "network.load-too-large",
            Self::File(FileError::Absent) => "network.load-not-uploaded",
            Self::File(_) => "network.load-unreadable",
            Self::KeyReused(error) => error.code(),
            Self::BrokenPart(_) => "network.load-broken",
            Self::Aws(error) => error.code(),
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// A load and where its file is to be sent.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The load.
    pub load: Load,
    /// Where one PUT sends the file.
    pub url: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What the lines of a part came to.
#[derive(Debug, Default)]
struct Tally {
    loaded: u64,
    already: u64,
    refusals: Vec<Refusal>,
}

fn object(load: &LoadId, rest: &str) -> String {
    format!("people/{load}/{rest}")
}

impl Loads {
    /// The loads in the table in `PEOPLE_TABLE`, with their files in the bucket in `UPLOADS_BUCKET`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            people: People::new(aws, env),
            uploads: Bucket::from_env(aws, env, "UPLOADS_BUCKET"),
        }
    }

    /// Makes a load, once for each key, and a link to which its file can be sent.
    pub async fn create(
        &self,
        id: LoadId,
        by: &str,
        announce: bool,
        defaults: Defaults,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Upload, LoadError> {
        let load = Load {
            id,
            state: LoadState::Awaiting,
            announce,
            defaults,
            by: by.to_owned(),
            created_at: now,
            finished_at: None,
            lines: 0,
            chunks: 0,
            next_chunk: 0,
            loaded: 0,
            already: 0,
            refused: 0,
            failure: None,
        };
        let table = &self.people.table;
        let item = keys::load(&load.id).onto(to_item(&load).map_err(AwsError::from)?);
        let writes = vec![
            claim.write(table, &load.id, now.as_second().saturating_add(CLAIM_SECONDS))?,
            Write::Put(table.clone(), item, Condition::Absent),
        ];
        let load = match self.aws.transact(writes).await {
            Ok(()) => load,
            Err(AwsError::Refused(found)) => {
                let standing = found.into_iter().next().flatten().ok_or(AwsError::ConditionFailed(None))?;
                let first: LoadId = claim.answer(&standing)?.ok_or(aws::idempotency::KeyReused)?;
                self.find(&first).await?
            }
            Err(error) => return Err(error.into()),
        };
        let url = self.uploads.link_to_put(&object(&load.id, "upload.csv"), UPLOAD_LIFETIME).await?;
        let expires_at = now.checked_add(UPLOAD_LIFETIME).unwrap_or(now);
        Ok(Upload { load, url, expires_at })
    }

    /// The load.
    pub async fn find(&self, id: &LoadId) -> Result<Load, LoadError> {
        let found = self.people.table.get(keys::load(id)).await?;
        let item = found.ok_or(NotFound("load"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// Lets the load begin, if its file is there; says whether it still has to be put into the queue. Starting again changes nothing.
    pub async fn start(&self, id: &LoadId) -> Result<(Load, bool), LoadError> {
        let load = self.find(id).await?;
        if !matches!(load.state, LoadState::Awaiting | LoadState::Queued) {
            return Ok((load, false));
        }
        let size = self.uploads.size(&object(id, "upload.csv")).await?.ok_or(FileError::Absent)?;
        if size > FILE_BYTES_MAX {
            return Err(FileError::TooLarge(size).into());
        }
        let update = Update::new().set("state", state(LoadState::Queued)?);
        let waiting = vec![state(LoadState::Awaiting)?, state(LoadState::Queued)?];
        match self.people.table.update(keys::load(id), update, Condition::OneOf("state", waiting)).await {
            Ok(item) => Ok((from_item(item).map_err(AwsError::from)?, true)),
            // It began in between.
            Err(AwsError::ConditionFailed(_)) => Ok((self.find(id).await?, false)),
            Err(error) => Err(error.into()),
        }
    }

    /// A link to the file that names each refused line; none before the load is done.
    pub async fn result(&self, load: &Load) -> Result<Option<String>, LoadError> {
        if load.state != LoadState::Done {
            return Ok(None);
        }
        let key = object(&load.id, "result.csv");
        let name = format!("people-load-{}.csv", load.id);
        Ok(Some(self.uploads.link_to_get(&key, &name, RESULT_LIFETIME).await?))
    }

    /// Does the next piece of work of the load; says whether more is left. Safe to repeat after any failure, and at the same time.
    pub async fn advance(&self, id: &LoadId, correlation: &str, now: Timestamp) -> Result<bool, LoadError> {
        let load = self.find(id).await?;
        match load.state {
            LoadState::Queued => self.prepare(&load, now).await,
            LoadState::Loading if load.next_chunk < load.chunks => {
                self.write_chunk(&load, correlation, now).await
            }
            LoadState::Loading => self.finish(&load, now).await,
            LoadState::Awaiting | LoadState::Done | LoadState::Failed => Ok(false),
        }
    }

    /// Reads the file and puts it away in parts, parents first.
    async fn prepare(&self, load: &Load, now: Timestamp) -> Result<bool, LoadError> {
        let file = self.uploads.get(&object(&load.id, "upload.csv")).await?;
        let file = file.unwrap_or_default();
        let size = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let plan = if size > FILE_BYTES_MAX { Err(FileError::TooLarge(size)) } else { FilePlan::read(&file) };
        let queued = Condition::Equals("state", state(LoadState::Queued)?);
        let update = match plan {
            Err(error) => Update::new()
                .set("state", state(LoadState::Failed)?)
                .set("failure", text(error.to_string()))
                .set("finished_at", text(now.to_string())),
            Ok(plan) => {
                let chunks = plan.chunks();
                for number in 0..chunks {
                    let lines =
                        serde_json::to_vec(&plan.chunk(number)).map_err(|_| LoadError::BrokenPart(0))?;
                    self.uploads.put(&part(&load.id, number), Bytes::from(lines), "application/json").await?;
                }
                self.put_refusals(&load.id, "file", &plan.refusals).await?;
                Update::new()
                    .set("state", state(LoadState::Loading)?)
                    .set("lines", number(plan.lines().into()))
                    .set("chunks", number(chunks.into()))
                    .set("refused", number(plan.refusals.len().into()))
            }
        };
        self.step(load, update, queued).await
    }

    /// Writes the lines of one part.
    async fn write_chunk(&self, load: &Load, correlation: &str, now: Timestamp) -> Result<bool, LoadError> {
        let chunk = load.next_chunk;
        let broken = || LoadError::BrokenPart(chunk);
        let number_of = usize::try_from(chunk).map_err(|_| broken())?;
        let lines = self.uploads.get(&part(&load.id, number_of)).await?.ok_or_else(broken)?;
        let lines: Vec<Planned> = serde_json::from_slice(&lines).map_err(|_| broken())?;
        let mut tally = Tally::default();
        for group in lines.chunks(GROUP_LINES) {
            self.write_group(load, group, correlation, now, &mut tally).await?;
        }
        self.put_refusals(&load.id, &chunk.to_string(), &tally.refusals).await?;
        let update = Update::new()
            .set("next_chunk", number(Decimal::from(chunk) + Decimal::ONE))
            .add("loaded", number(tally.loaded.into()))
            .add("already", number(tally.already.into()))
            .add("refused", number(tally.refusals.len().into()));
        // A part that was written twice is counted once.
        self.step(load, update, Condition::Equals("next_chunk", number(chunk.into()))).await
    }

    /// Puts all refusals together into the file the caller fetches.
    async fn finish(&self, load: &Load, now: Timestamp) -> Result<bool, LoadError> {
        let mut refusals = self.refusals(&load.id, "file").await?;
        for chunk in 0..load.chunks {
            refusals.extend(self.refusals(&load.id, &chunk.to_string()).await?);
        }
        refusals.sort_by_key(|refusal| refusal.line);
        let file = Bytes::from(result_file(&refusals));
        self.uploads.put(&object(&load.id, "result.csv"), file, "text/csv; charset=utf-8").await?;
        let update =
            Update::new().set("state", state(LoadState::Done)?).set("finished_at", text(now.to_string()));
        self.step(load, update, Condition::Equals("state", state(LoadState::Loading)?)).await?;
        Ok(false)
    }

    /// Notes that a piece of work is done, once. Whoever comes second goes on from where the record stands.
    async fn step(&self, load: &Load, update: Update, condition: Condition) -> Result<bool, LoadError> {
        match self.people.table.update(keys::load(&load.id), update, condition).await {
            Ok(item) => {
                let load: Load = from_item(item).map_err(AwsError::from)?;
                Ok(load.state == LoadState::Loading)
            }
            Err(AwsError::ConditionFailed(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    async fn put_refusals(&self, id: &LoadId, name: &str, refusals: &[Refusal]) -> Result<(), LoadError> {
        if refusals.is_empty() {
            return Ok(());
        }
        let lines = serde_json::to_vec(refusals).map_err(|_| LoadError::BrokenPart(0))?;
        Ok(self
            .uploads
            .put(&object(id, &format!("refused/{name}.json")), Bytes::from(lines), "application/json")
            .await?)
    }

    async fn refusals(&self, id: &LoadId, name: &str) -> Result<Vec<Refusal>, LoadError> {
        let found = self.uploads.get(&object(id, &format!("refused/{name}.json"))).await?;
        let read = found.map(|lines| serde_json::from_slice(&lines)).transpose();
        Ok(read.map_err(|_| LoadError::BrokenPart(0))?.unwrap_or_default())
    }

    /// Writes a few lines: reads whom they name, then all that can be written in as few transactions as they fit into. Lines that a
    /// transaction refuses are named, and the others go again.
    async fn write_group(
        &self,
        load: &Load,
        group: &[Planned],
        correlation: &str,
        now: Timestamp,
        tally: &mut Tally,
    ) -> Result<(), LoadError> {
        let mut refused: BTreeSet<u64> = BTreeSet::new();
        let mut attempts = GROUP_ATTEMPTS;
        loop {
            let known = self.known(group).await?;
            let mut sorted = Sorted::default();
            for planned in group.iter().filter(|planned| !refused.contains(&planned.line)) {
                sorted.sort(load, planned, &known, now);
            }
            let Some(refusals) = self.write_people(load, &sorted.new, &known, correlation).await? else {
                attempts -= 1;
                if attempts == 0 {
                    return Err(AwsError::ConditionFailed(None).into());
                }
                continue;
            };
            if refusals.is_empty() {
                tally.loaded += sorted.loaded + u64::try_from(sorted.new.len()).unwrap_or_default();
                tally.already += sorted.already;
                tally.refusals.append(&mut sorted.refusals);
                return Ok(());
            }
            refused.extend(refusals.iter().map(|refusal| refusal.line));
            tally.refusals.extend(refusals);
        }
    }

    /// Everybody a group names and everybody it brings, as far as they are there.
    async fn known(&self, group: &[Planned]) -> Result<BTreeMap<PersonId, Person>, LoadError> {
        let named = group.iter().flat_map(|planned| {
            let above = [&planned.registration.parent, &planned.registration.sponsor];
            above.into_iter().flatten().chain([&planned.id])
        });
        let ids: BTreeSet<PersonId> = named.cloned().collect();
        let people = self.people.find_many(&ids.into_iter().collect::<Vec<_>>()).await?;
        Ok(people.into_iter().map(|person| (person.id.clone(), person)).collect())
    }

    /// Writes `new` in their order. Gives the lines that were refused, or none at all if what they stand on has changed.
    async fn write_people(
        &self,
        load: &Load,
        new: &[(u64, Person)],
        known: &BTreeMap<PersonId, Person>,
        correlation: &str,
    ) -> Result<Option<Vec<Refusal>>, LoadError> {
        let mut left = new;
        while !left.is_empty() {
            let batch = self.batch(load, left, known, correlation)?;
            match self.aws.transact(batch.writes).await {
                Ok(()) => left = &left[batch.people..],
                Err(AwsError::Refused(found)) => return Ok(batch.owners.refusals(&found, left)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(Vec::new()))
    }

    /// As many of `new` as fit into a transaction, at least one.
    fn batch(
        &self,
        load: &Load,
        new: &[(u64, Person)],
        known: &BTreeMap<PersonId, Person>,
        correlation: &str,
    ) -> Result<Batch, LoadError> {
        let mut batch = Batch::default();
        let mut checked: BTreeSet<&PersonId> = BTreeSet::new();
        let mut paths = 0;
        for (position, (_, person)) in new.iter().enumerate() {
            let mut writes = vec![(self.people.put(person)?, Some(Field::Id))];
            let fields = [Field::DocumentNumber, Field::Email].map(Some);
            writes.extend(self.people.holds(person).into_iter().zip(fields));
            if person.parent.is_none() {
                writes.push((self.people.hold(&keys::root(), &person.id), Some(Field::Parent)));
            }
            if load.announce {
                let fact = registered(person, Origin::Load(load.id.clone()), correlation);
                writes.push((outbox::write(&self.people.table, &fact)?, None));
            }
            let above: BTreeSet<&PersonId> =
                [&person.parent, &person.sponsor].into_iter().flatten().collect();
            for above in above.into_iter().filter(|id| !checked.contains(id)).collect::<Vec<_>>() {
                if let Some(above) = known.get(above) {
                    writes.push((self.people.still_there(above)?, None));
                    checked.insert(&above.id);
                }
            }
            paths += path::joined(&person.upline).len();
            if position > 0 && (batch.writes.len() + writes.len() > WRITES_MAX || paths > PATHS_BYTES_MAX) {
                break;
            }
            for (write, field) in writes {
                batch.writes.push(write);
                batch.owners.0.push((position, field));
            }
            batch.people = position + 1;
        }
        Ok(batch)
    }
}

fn state(state: LoadState) -> Result<aws::Attribute, AwsError> {
    Ok(aws::to_attribute(&state)?)
}

fn part(load: &LoadId, number: usize) -> String {
    object(load, &format!("parts/{number}.json"))
}

/// Writes of one transaction, and whose they are.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    people: usize,
    owners: Owners,
}

/// For each write the person it belongs to, and which field is taken if it is refused.
#[derive(Default)]
struct Owners(Vec<(usize, Option<Field>)>);

impl Owners {
    /// The lines that `found` refuses. None if only somebody else's change stands in the way.
    fn refusals(&self, found: &[Option<Box<Item>>], people: &[(u64, Person)]) -> Option<Vec<Refusal>> {
        let refused =
            || self.0.iter().zip(found).filter(|(_, found)| found.is_some()).map(|(owned, _)| owned);
        // Somebody came in with this id since it was looked at: the next look tells whether it is the same person, who then holds the
        // document and the address, too.
        let raced: BTreeSet<usize> =
            refused().filter(|(_, field)| *field == Some(Field::Id)).map(|(owner, _)| *owner).collect();
        let mut refusals: Vec<Refusal> = Vec::new();
        for (owner, field) in refused().filter(|(owner, _)| !raced.contains(owner)) {
            let Some((line, person)) = people.get(*owner) else { continue };
            let error = match field {
                None | Some(Field::Id) => continue,
                Some(Field::Parent) => RegistrationError::SecondRoot,
                Some(field) => RegistrationError::Taken(*field),
            };
            if refusals.last().is_none_or(|last| last.line != *line) {
                refusals.push(Refusal::new(*line, person.id.as_str(), error.code(), error.to_string()));
            }
        }
        (!refusals.is_empty()).then_some(refusals)
    }
}

/// The lines of a group by what is to be done with them.
#[derive(Default)]
struct Sorted {
    new: Vec<(u64, Person)>,
    loaded: u64,
    already: u64,
    refusals: Vec<Refusal>,
}

impl Sorted {
    fn sort(&mut self, load: &Load, planned: &Planned, known: &BTreeMap<PersonId, Person>, now: Timestamp) {
        let registration = &planned.registration;
        if let Some(standing) = known.get(&planned.id) {
            if standing.registration != registration.hash() {
                self.refuse(planned, &RegistrationError::Taken(Field::Id));
            } else if standing.load.as_deref() == Some(load.id.as_str()) {
                self.loaded += 1;
            } else {
                self.already += 1;
            }
            return;
        }
        match self.placed(load, planned, known, now) {
            Ok(person) => self.new.push((planned.line, person)),
            Err(error) => self.refuse(planned, &error),
        }
    }

    fn placed(
        &self,
        load: &Load,
        planned: &Planned,
        known: &BTreeMap<PersonId, Person>,
        now: Timestamp,
    ) -> Result<Person, RegistrationError> {
        let find = |field: Field, id: &PersonId| {
            let new = self.new.iter().map(|(_, person)| person).find(|person| person.id == *id);
            let found = known.get(id).or(new);
            found.ok_or_else(|| RegistrationError::Unknown { field, named: id.to_string() })
        };
        let registration = &planned.registration;
        let parent = registration.parent.as_ref().map(|id| find(Field::Parent, id)).transpose()?;
        let sponsor = registration.sponsor.as_ref().map(|id| find(Field::Sponsor, id)).transpose()?;
        let above = parent.or(sponsor).map(|above| (above, sponsor.unwrap_or(above)));
        let person = place_loaded(registration, planned.id.clone(), above, load.defaults, now)?;
        Ok(Person { load: Some(load.id.to_string()), ..person })
    }

    fn refuse(&mut self, planned: &Planned, error: &RegistrationError) {
        self.refusals.push(Refusal::new(planned.line, planned.id.as_str(), error.code(), error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{placing::tests::defaults, registration::tests::body};

    fn load() -> Load {
        Load {
            id: "L1".parse().unwrap(),
            state: LoadState::Loading,
            announce: false,
            defaults: defaults(),
            by: "u1".into(),
            created_at: Timestamp::UNIX_EPOCH,
            finished_at: None,
            lines: 0,
            chunks: 1,
            next_chunk: 0,
            loaded: 0,
            already: 0,
            refused: 0,
            failure: None,
        }
    }

    fn planned(line: u64, id: &str, parent: Option<&str>) -> Planned {
        let mut body = body(id);
        body["parent"] = parent.into();
        let registration = crate::Entry::read(&body, crate::registration::BACK_OFFICE).unwrap();
        Planned { line, id: id.parse().unwrap(), registration }
    }

    #[test]
    fn a_group_takes_parents_of_its_own_and_knows_who_is_there() {
        let mut sorted = Sorted::default();
        let now = Timestamp::UNIX_EPOCH;
        let nobody = BTreeMap::new();
        sorted.sort(&load(), &planned(2, "ANA", None), &nobody, now);
        sorted.sort(&load(), &planned(3, "BEN", Some("ANA")), &nobody, now);
        sorted.sort(&load(), &planned(4, "CEM", Some("DORA")), &nobody, now);
        assert_eq!(sorted.new.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(sorted.refusals[0].code, "network.unknown-parent");

        let known: BTreeMap<_, _> =
            sorted.new.into_iter().map(|(_, person)| (person.id.clone(), person)).collect();
        let mut again = Sorted::default();
        let other = Load { id: "L2".parse().unwrap(), ..load() };
        again.sort(&load(), &planned(2, "ANA", None), &known, now);
        again.sort(&other, &planned(3, "BEN", Some("ANA")), &known, now);
        again.sort(&other, &planned(4, "BEN", None), &known, now);
        assert_eq!((again.loaded, again.already, again.new.len()), (1, 1, 0));
        assert_eq!(again.refusals[0].code, "network.id-taken");
    }

    #[test]
    fn a_refused_transaction_names_its_lines_and_not_those_it_only_raced_with() {
        let mut sorted = Sorted::default();
        sorted.sort(&load(), &planned(2, "ANA", None), &BTreeMap::new(), Timestamp::UNIX_EPOCH);
        sorted.sort(&load(), &planned(3, "BEN", Some("ANA")), &BTreeMap::new(), Timestamp::UNIX_EPOCH);
        let owners = Owners(vec![
            (0, Some(Field::Id)),
            (0, Some(Field::Email)),
            (1, Some(Field::Id)),
            (1, Some(Field::DocumentNumber)),
            (1, Some(Field::Email)),
        ]);
        let found = |refused: &[usize]| -> Vec<_> {
            (0..5).map(|place| refused.contains(&place).then(|| Box::new(Item::new()))).collect()
        };
        let refusals = owners.refusals(&found(&[3, 4]), &sorted.new).unwrap();
        assert_eq!(
            refusals.iter().map(|refusal| (refusal.line, refusal.code.as_str())).collect::<Vec<_>>(),
            [(3, "network.document-taken")]
        );
        assert!(owners.refusals(&found(&[0]), &sorted.new).is_none());
        assert!(owners.refusals(&found(&[2, 3, 4]), &sorted.new).is_none());
    }
}
