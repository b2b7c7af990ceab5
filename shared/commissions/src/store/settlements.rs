//! Settlements, their lines, their names and their visibility in the table; their files in the bucket.

use std::time::Duration;

use aws::{AwsError, Item, Key, Query, from_item, text, to_item};
use bytes::Bytes;
use foundation::{
    id::{CycleId, PersonId, ProcessId},
    problem::{Fault, Kind, NotFound, Problem},
};

use super::Commissions;
use crate::{
    keys,
    manifest::FileError,
    run::Run,
    settlement::{Legend, Line, LinePage, Settlement, Visibility},
    step::Step,
};

/// How long a link to a file works.
const LINK_LIFETIME: Duration = Duration::from_mins(5);

/// A stored settlement with a page of its lines and what is needed to show it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The settlement.
    pub settlement: Settlement,
    /// The lines of the page.
    pub lines: Vec<Line>,
    /// How many lines lie on earlier pages.
    pub before: u32,
    /// Whether everyone may see it.
    pub visibility: Option<Visibility>,
    /// The names of its codes.
    pub legend: Legend,
}

/// A page of a run's settlements.
#[derive(Clone, Debug)]
pub struct SettlementPage {
    /// The settlements, by person.
    pub settlements: Vec<Settlement>,
    /// What the next page is asked with.
    pub next: Option<String>,
}

/// Settlements that are being written at this moment.
#[derive(Debug, thiserror::Error)]
#[error("the settlements are being written")]
struct BeingWritten;

impl Problem for BeingWritten {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
    fn code(&self) -> &'static str {
        "settlement.being-written"
    }
}

fn unreadable(source: serde_json::Error) -> FileError {
    FileError::Unreadable { what: "a page of statement lines", source }
}

impl Commissions {
    /// Writes settlements and their lines. Safe to repeat.
    pub async fn write_settlements(&self, people: Vec<(Settlement, Vec<LinePage>)>) -> Result<(), Fault> {
        let mut items = Vec::with_capacity(people.len() * 2);
        for (settlement, pages) in people {
            let (person, process, cycle) = (&settlement.person, &settlement.process, &settlement.cycle);
            for page in &pages {
                let key = keys::lines(person, process, cycle, page.page);
                items.push(key.onto(to_item(page).map_err(AwsError::from)?));
            }
            let mut item =
                keys::settlement(person, process, cycle).onto(to_item(&settlement).map_err(AwsError::from)?);
            item.insert("runpk".to_owned(), text(keys::settlements(&settlement.run)));
            item.insert("runsk".to_owned(), text(person.as_str()));
            items.push(item);
        }
        Ok(self.table.put_many(items).await?)
    }

    /// Writes the names of the codes in a run's settlements.
    pub async fn write_legend(&self, run: &Run, legend: &Legend) -> Result<(), Fault> {
        // One attribute: indicator codes are the company's own words and would be attribute names otherwise.
        let json = serde_json::to_string(legend).map_err(unreadable)?;
        let item =
            keys::legend(&run.process, &run.cycle).onto(Item::from([("legend".to_owned(), text(json))]));
        Ok(self.table.put_many(vec![item]).await?)
    }

    /// A person's settlement with a page of its lines, in one round trip.
    pub async fn settlement(
        &self,
        person: &PersonId,
        process: &ProcessId,
        cycle: &CycleId,
        page: u32,
    ) -> Result<Shown, Fault> {
        let wanted = [
            keys::settlement(person, process, cycle),
            keys::lines(person, process, cycle, page),
            keys::visible(process, cycle),
            keys::legend(process, cycle),
        ];
        let mut found = self.table.get_many(wanted.to_vec()).await?;
        let [settlement, lines, visibility, legend] = wanted.map(|key| taken(&mut found, &key));
        let settlement: Settlement =
            from_item(settlement.ok_or(NotFound("statement"))?).map_err(AwsError::from)?;
        let lines: Option<LinePage> = lines.map(from_item).transpose().map_err(AwsError::from)?;
        let visibility = visibility.map(from_item).transpose().map_err(AwsError::from)?;
        let legend = legend
            .and_then(|item| item.get("legend")?.as_s().ok().cloned())
            .unwrap_or_else(|| "{}".to_owned());
        let legend = serde_json::from_str(&legend).map_err(unreadable)?;
        if page > settlement.pages.max(1) {
            return Err(NotFound("page of the statement").into());
        }
        let of_settlement =
            |page: &LinePage| page.run == settlement.run && page.attempt == settlement.attempt;
        match lines.filter(of_settlement) {
            Some(stored) => {
                let lines = stored.read().map_err(unreadable)?;
                Ok(Shown { settlement, lines, before: stored.before, visibility, legend })
            }
            None if settlement.pages == 0 => {
                Ok(Shown { settlement, lines: Vec::new(), before: 0, visibility, legend })
            }
            None => Err(BeingWritten.into()),
        }
    }

    /// Whether everyone may see the results of a run.
    pub async fn visibility(&self, run: &Run) -> Result<Option<Visibility>, Fault> {
        let item = self.table.get(keys::visible(&run.process, &run.cycle)).await?;
        let visible: Option<Visibility> = item.map(from_item).transpose().map_err(AwsError::from)?;
        Ok(visible.filter(|visible| visible.run == run.id))
    }

    /// A page of a run's settlements.
    pub async fn settlements(
        &self,
        run: &Run,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<SettlementPage, Fault> {
        let query = Query::partition(keys::settlements(&run.id)).index(keys::RUN_INDEX).limit(limit);
        let page = self.table.query(query.from_cursor(cursor)?).await?;
        let next = page.cursor();
        let settlements =
            page.items.into_iter().map(from_item).collect::<Result<_, _>>().map_err(AwsError::from)?;
        Ok(SettlementPage { settlements, next })
    }

    /// A link to the file of all settlements of a run, once they are integrated.
    pub async fn settlements_link(&self, run: &Run) -> Result<String, Fault> {
        if run.result(Step::IntegrateIndicators).is_none() {
            return Err(NotFound("file of settlements").into());
        }
        let manifest = self.manifest(run, Step::IntegrateIndicators).await?;
        let file = manifest.output("settlements.csv")?;
        let name = format!("settlements-{}-{}.csv", run.cycle, run.process);
        Ok(self.bucket.link_to_get(&file.key, &name, LINK_LIFETIME).await?)
    }

    /// Keeps a statement as a file and gives a link to it.
    pub async fn statement_link(
        &self,
        settlement: &Settlement,
        audience: &str,
        csv: Vec<u8>,
    ) -> Result<String, Fault> {
        let key = keys::statement_file(&settlement.run, settlement.attempt, &settlement.person, audience);
        self.bucket.put(&key, Bytes::from(csv), "text/csv; charset=utf-8").await?;
        let name = format!("statement-{}-{}.csv", settlement.cycle, settlement.person);
        Ok(self.bucket.link_to_get(&key, &name, LINK_LIFETIME).await?)
    }
}

/// The item with this key, taken out of those found.
fn taken(found: &mut Vec<Item>, key: &Key) -> Option<Item> {
    let (pk, sk) = (text(&key.pk), text(&key.sk));
    let place = found.iter().position(|item| item.get("pk") == Some(&pk) && item.get("sk") == Some(&sk))?;
    Some(found.swap_remove(place))
}
