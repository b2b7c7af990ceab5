//! The calendar's table: the only I/O on it.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws::{
    Aws, AwsError, Condition, Env, Query, Table, Update, Write, from_item, number, text, to_attribute,
    to_item,
};
use foundation::{
    id::{CycleId, RunId},
    money::Currency,
    problem::NotFound,
};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

use crate::{
    cycle::{CalendarError, Cycle, CycleState, Draft, closes, drafted, settles},
    keys,
};

/// How old the list of cycles may be that [`Calendar::cycle_at`] looks into. A payment asks the table itself again.
const REMEMBERED: Duration = Duration::from_secs(30);
/// How often a change is tried again because another one came in between.
const ATTEMPTS: usize = 4;

/// All cycles, and since when they are known.
type Remembered = (Instant, Arc<Vec<Cycle>>);

/// The calendars of the company.
#[derive(Clone, Debug)]
pub struct Calendar {
    aws: Aws,
    table: Table,
    remembered: Arc<Mutex<Option<Remembered>>>,
}

impl Calendar {
    /// The calendar whose cycles orders are paid in.
    pub const COMMERCIAL: &'static str = "commercial";

    /// The calendars of the table in `CALENDAR_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self {
            aws: aws.clone(),
            table: Table::from_env(aws, env, "CALENDAR_TABLE"),
            remembered: Arc::default(),
        }
    }

    /// The cycle of the commercial calendar that `moment` belongs to; none in a gap. The state may be up to 30 seconds old.
    pub async fn cycle_at(&self, moment: Timestamp) -> Result<Option<Cycle>, AwsError> {
        let around = |cycles: &[Cycle]| {
            cycles.iter().find(|cycle| cycle.calendar == Self::COMMERCIAL && cycle.contains(moment)).cloned()
        };
        if let Some(found) = around(&self.remembered().await?) {
            return Ok(Some(found));
        }
        // It may have been made since: nobody is refused for what was remembered.
        self.forget();
        Ok(around(&self.remembered().await?))
    }

    /// The cycle with this id as it stands now.
    pub async fn find(&self, id: &CycleId) -> Result<Option<Cycle>, AwsError> {
        let found = self.table.get(keys::cycle(id)).await?;
        Ok(found.map(from_item).transpose()?)
    }

    /// The cycles of `calendar`, the latest first.
    pub async fn list(&self, calendar: &str) -> Result<Vec<Cycle>, AwsError> {
        let mut cycles = self.all().await?;
        cycles.retain(|cycle| cycle.calendar == calendar);
        cycles.sort_by_key(|cycle| std::cmp::Reverse(cycle.start));
        Ok(cycles)
    }

    /// Makes the cycle, or changes it if the caller has seen its latest version. Days are counted in `zone`, rates lead to `base`.
    /// Of two changes at the same time, the second sees the first.
    pub async fn put(
        &self,
        id: &CycleId,
        draft: Draft,
        base: Currency,
        zone: &TimeZone,
    ) -> Result<Cycle, CalendarError> {
        let mut attempts = ATTEMPTS;
        loop {
            let guard = keys::calendar(&draft.calendar);
            let found = self.table.get(guard.clone()).await?;
            let changes = found.map_or(Decimal::ZERO, |item| aws::decimal(&item, "changes"));
            let cycle = drafted(id, draft.clone(), &self.all().await?, base, zone)?;
            let unchanged = if changes.is_zero() {
                Condition::Missing("changes")
            } else {
                Condition::Equals("changes", number(changes))
            };
            let raise = Update::new().set("changes", number(changes + Decimal::ONE));
            let mut writes = vec![Write::Update(self.table.clone(), guard, raise, unchanged)];
            writes.extend(self.stored(&cycle)?);
            match self.aws.transact(writes).await {
                Ok(()) => {
                    self.forget();
                    return Ok(cycle);
                }
                Err(AwsError::Refused(_)) if attempts > 1 => attempts -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The condition, for a transaction, that the cycle is open. A refused one is [`CalendarError::NotOpen`].
    pub fn require_open(&self, id: &CycleId) -> Result<Write, AwsError> {
        self.require(id, &[CycleState::Open])
    }

    /// The condition, for a transaction, that the cycle is there and not settled: past orders may still be loaded into it.
    pub fn require_unsettled(&self, id: &CycleId) -> Result<Write, AwsError> {
        self.require(id, &[CycleState::Open, CycleState::Closed])
    }

    fn require(&self, id: &CycleId, states: &[CycleState]) -> Result<Write, AwsError> {
        let states = states.iter().map(to_attribute).collect::<Result<_, _>>()?;
        // Any copy answers the same; which one is chance, so that they share the load.
        let copy = RandomState::new().hash_one(id.as_str()) % keys::GATES;
        Ok(Write::Check(self.table.clone(), keys::gate(id, copy), Condition::OneOf("state", states)))
    }

    /// Closes the cycle for `run`: from here on nothing is paid into it. Closing a closed one changes nothing.
    pub async fn close(&self, id: &CycleId, run: &RunId, now: Timestamp) -> Result<Cycle, CalendarError> {
        self.turn(id, |mut cycle| {
            if closes(&cycle, now)? {
                cycle.state = CycleState::Closed;
                cycle.closed_by = Some(run.clone());
                return Ok((cycle, true));
            }
            Ok((cycle, false))
        })
        .await
    }

    /// Settles the cycle for `run`, after which it never changes. The same run may say so again.
    pub async fn settle(&self, id: &CycleId, run: &RunId) -> Result<Cycle, CalendarError> {
        self.turn(id, |mut cycle| {
            if settles(&cycle, run)? {
                cycle.state = CycleState::Settled;
                cycle.settled_by = Some(run.clone());
                return Ok((cycle, true));
            }
            Ok((cycle, false))
        })
        .await
    }

    async fn turn(
        &self,
        id: &CycleId,
        change: impl Fn(Cycle) -> Result<(Cycle, bool), CalendarError> + Send,
    ) -> Result<Cycle, CalendarError> {
        let mut attempts = ATTEMPTS;
        loop {
            let cycle = self.find(id).await?.ok_or(NotFound("cycle"))?;
            let (mut cycle, is_changed) = change(cycle)?;
            if !is_changed {
                return Ok(cycle);
            }
            cycle.version = cycle.version.saturating_add(1);
            match self.aws.transact(self.stored(&cycle)?).await {
                Ok(()) => {
                    self.forget();
                    return Ok(cycle);
                }
                Err(AwsError::Refused(_)) if attempts > 1 => attempts -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The writes that store `cycle` over its version before, with all copies of its state.
    fn stored(&self, cycle: &Cycle) -> Result<Vec<Write>, AwsError> {
        let before = match cycle.version {
            1 => Condition::Absent,
            version => Condition::Equals("version", number((version - 1).into())),
        };
        let item = keys::cycle(&cycle.id).onto(to_item(cycle)?);
        let mut writes = vec![Write::Put(self.table.clone(), item, before)];
        for copy in 0..keys::GATES {
            let mut item = keys::gate(&cycle.id, copy).onto(aws::Item::new());
            item.insert("state".to_owned(), to_attribute(&cycle.state)?);
            item.insert("cycle".to_owned(), text(cycle.id.as_str()));
            writes.push(Write::Put(self.table.clone(), item, Condition::Always));
        }
        Ok(writes)
    }

    async fn all(&self) -> Result<Vec<Cycle>, AwsError> {
        let items = self.table.query_all(Query::partition(keys::CYCLES).consistent()).await?;
        items.into_iter().map(|item| Ok(from_item(item)?)).collect()
    }

    async fn remembered(&self) -> Result<Arc<Vec<Cycle>>, AwsError> {
        let known = self.remembered.lock().ok().and_then(|known| known.clone());
        if let Some((_, cycles)) = known.filter(|(since, _)| since.elapsed() < REMEMBERED) {
            // A deployment that starts without cycles must not wait for its first one.
            if !cycles.is_empty() {
                return Ok(cycles);
            }
        }
        let cycles = Arc::new(self.all().await?);
        if let Ok(mut known) = self.remembered.lock() {
            *known = Some((Instant::now(), Arc::clone(&cycles)));
        }
        Ok(cycles)
    }

    fn forget(&self) {
        if let Ok(mut known) = self.remembered.lock() {
            *known = None;
        }
    }
}
