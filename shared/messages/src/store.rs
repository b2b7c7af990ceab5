//! The only reader and writer of the area's table.

use std::collections::BTreeSet;

use aws::{
    Aws, AwsError, Condition, Env, Item, Key, Query, Table, Update, Write, from_item, idempotency::Claim,
    number, text, to_item,
};
use foundation::{
    fact::Envelope,
    id::{CampaignId, PersonId},
    problem::{Fault, NotFound},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    campaign::{Campaign, CampaignState},
    dispatch::{self, CLAIM_SECONDS, Claimed, Dispatch, DispatchState},
    facts::CampaignStarted,
    feedback::Feedback,
    keys,
    settings::{Settings, StaleSettings},
    suppression::{Suppression, SuppressionReason},
};

const DAY: i64 = 24 * 3600;
/// How long notices and the mail service's ids are kept, in seconds: bounces and complaints come within weeks.
const KEPT_SECONDS: i64 = 90 * DAY;
/// Writes of a transaction.
const TRANSACTION: usize = 100;

/// Settings, campaigns, letters and suppressions.
#[derive(Clone, Debug)]
pub struct Messages {
    aws: Aws,
    table: Table,
}

/// One letter's place in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterKey {
    /// To a recipient of a campaign.
    Recipient(CampaignId, PersonId),
    /// To an address, because of a fact.
    Notice(String, Address),
}

/// The result of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The mail service took it under this id.
    Sent(String),
    /// The address is suppressed, for this reason.
    Suppressed(String),
    /// It will never be taken, for this reason.
    Failed(String),
}

/// Where the letter of a mail service's id stands.
#[derive(Serialize, Deserialize)]
struct SentPointer {
    letter_pk: String,
    letter_sk: String,
    campaign: Option<CampaignId>,
}

impl LetterKey {
    fn key(&self) -> Key {
        match self {
            Self::Recipient(campaign, person) => keys::recipient(campaign, person),
            Self::Notice(fact, address) => keys::notice(fact, address),
        }
    }

    fn campaign(&self) -> Option<&CampaignId> {
        match self {
            Self::Recipient(campaign, _) => Some(campaign),
            Self::Notice(..) => None,
        }
    }
}

impl Messages {
    /// The messages of the table in `MESSAGES_TABLE`.
    pub fn new(aws: &Aws, env: &mut Env) -> Self {
        Self { aws: aws.clone(), table: Table::from_env(aws, env, "MESSAGES_TABLE") }
    }

    /// The company's settings; the defaults if there are none.
    pub async fn settings(&self) -> Result<Settings, AwsError> {
        match self.table.get(keys::settings()).await? {
            Some(item) => Ok(from_item(item)?),
            None => Ok(Settings::default()),
        }
    }

    /// Replaces the settings that are at `settings.version` (0: the defaults); gives them at their new version.
    pub async fn put_settings(&self, settings: Settings) -> Result<Settings, Fault> {
        let seen = settings.version;
        let next = Settings { version: seen + 1, ..settings.checked()? };
        let condition = match seen {
            0 => Condition::Absent,
            _ => Condition::Equals("version", number(Decimal::from(seen))),
        };
        let item = keys::settings().onto(to_item(&next).map_err(AwsError::from)?);
        match self.table.put(item, condition).await {
            Err(error) if error.is_condition() => Err(StaleSettings(seen).into()),
            other => Ok(other.map(|()| next)?),
        }
    }

    /// Writes a new campaign; one whose time has come starts with it. The same key with the same request gives the first campaign.
    pub async fn create_once(
        &self,
        campaign: Campaign,
        claim: &Claim,
        correlation: &str,
    ) -> Result<Campaign, Fault> {
        let now = campaign.created_at;
        let mut item: Item = to_item(&campaign).map_err(AwsError::from)?;
        // Unset counts are added to later; `null` could not be.
        item.remove("recipients");
        if campaign.state == CampaignState::Scheduled {
            item.insert("duepk".to_owned(), text(keys::DUE));
            let sort = format!("{}#{}", keys::sortable(campaign.send_at), campaign.id);
            item.insert("duesk".to_owned(), text(sort));
        }
        let mut writes = vec![
            claim.write(&self.table, &campaign.id, now.as_second() + DAY)?,
            Write::Put(self.table.clone(), keys::campaign(&campaign.id).onto(item), Condition::Absent),
        ];
        if campaign.state == CampaignState::Started {
            writes.push(self.started(&campaign.id, now, now, correlation)?);
        }
        match self.aws.transact(writes).await {
            Ok(()) => Ok(campaign),
            Err(AwsError::Refused(reasons)) => match reasons.first() {
                Some(Some(standing)) => {
                    let first = claim.answer::<CampaignId>(standing)?.ok_or(NotFound("campaign"))?;
                    self.campaign(&first).await
                }
                _ => Err(AwsError::Refused(reasons).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The campaign.
    pub async fn campaign(&self, id: &CampaignId) -> Result<Campaign, Fault> {
        let item = self.table.get(keys::campaign(id)).await?.ok_or(NotFound("campaign"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// Starts every campaign whose time has come; gives how many. Doing it twice starts none twice.
    pub async fn start_due(&self, now: Timestamp, correlation: &str) -> Result<usize, AwsError> {
        let last = format!("{}#~", keys::sortable(now));
        let due = self.table.query_all(Query::partition(keys::DUE).index("due").between("0", last)).await?;
        let mut started = 0;
        for item in due {
            let campaign: Campaign = from_item(item)?;
            let start = Update::new()
                .set("state", aws::to_attribute(&CampaignState::Started)?)
                .remove("duepk")
                .remove("duesk");
            let still = Condition::Equals("state", aws::to_attribute(&CampaignState::Scheduled)?);
            let writes = vec![
                Write::Update(self.table.clone(), keys::campaign(&campaign.id), start, still),
                self.started(&campaign.id, campaign.send_at, now, correlation)?,
            ];
            match self.aws.transact(writes).await {
                Ok(()) => started += 1,
                Err(error) if error.is_condition() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(started)
    }

    fn started(
        &self,
        id: &CampaignId,
        occurred_at: Timestamp,
        known_at: Timestamp,
        correlation: &str,
    ) -> Result<Write, AwsError> {
        let fact = CampaignStarted { campaign: id.clone() };
        aws::outbox::write(&self.table, &Envelope::of(fact, occurred_at, known_at, correlation))
    }

    /// Writes down who gets the campaign. Those who are there already keep their result.
    pub async fn add_recipients(
        &self,
        campaign: &CampaignId,
        people: &[PersonId],
        now: Timestamp,
    ) -> Result<(), AwsError> {
        for chunk in people.chunks(TRANSACTION) {
            let mut writes = Vec::with_capacity(chunk.len());
            for person in chunk {
                let update = Update::new()
                    .set_once("campaign", text(campaign.as_str()))
                    .set_once("person", text(person.as_str()))
                    .set_once("state", text(DispatchState::Queued.name()))
                    .set_once("changed_at", text(now.to_string()));
                let key = keys::recipient(campaign, person);
                writes.push(Write::Update(self.table.clone(), key, update, Condition::Always));
            }
            self.aws.transact(writes).await?;
        }
        Ok(())
    }

    /// Says how many people get the campaign, now that they are all known.
    pub async fn addressed(&self, campaign: &CampaignId, recipients: usize) -> Result<(), AwsError> {
        let update = Update::new()
            .set("state", aws::to_attribute(&CampaignState::Addressed)?)
            .set("recipients", number(Decimal::from(recipients)));
        self.table.update(keys::campaign(campaign), update, Condition::Present).await.map(drop)
    }

    /// A page of a campaign's recipients with their results, and the cursor of the next one.
    pub async fn recipients(
        &self,
        campaign: &CampaignId,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<(Vec<Dispatch>, Option<String>), Fault> {
        let query = Query::partition(keys::campaign_partition(campaign)).prefix(keys::RECIPIENT_PREFIX);
        let page = self.table.query(query.limit(limit).from_cursor(cursor)?).await?;
        let next = page.cursor();
        let found: Result<_, _> = page.items.into_iter().map(from_item).collect();
        Ok((found.map_err(AwsError::from)?, next))
    }

    /// The recipients out of `people` that have no result yet.
    pub async fn waiting(
        &self,
        campaign: &CampaignId,
        people: &[PersonId],
    ) -> Result<BTreeSet<PersonId>, AwsError> {
        let wanted = people.iter().map(|person| keys::recipient(campaign, person)).collect();
        let mut waiting = BTreeSet::new();
        for item in self.table.get_many(wanted).await? {
            let found: Dispatch = from_item(item)?;
            if matches!(found.state, DispatchState::Queued | DispatchState::Sending) {
                waiting.extend(found.person);
            }
        }
        Ok(waiting)
    }

    /// Claims a letter to `address` for the sender `claim`, unless the address is suppressed: one transaction decides both.
    pub async fn claim(
        &self,
        letter: &LetterKey,
        person: Option<&PersonId>,
        address: &Address,
        claim: &str,
        now: Timestamp,
    ) -> Result<Claimed, AwsError> {
        let is_notice = matches!(letter, LetterKey::Notice(..));
        let mut update = Update::new()
            .set("state", text(DispatchState::Sending.name()))
            .set("claim", text(claim))
            .set("claimed_until", dispatch::seconds(now.as_second() + CLAIM_SECONDS))
            .set("address", text(address.as_str()))
            .set("changed_at", text(now.to_string()))
            .add("attempts", number(Decimal::ONE));
        if is_notice {
            update = update.set_once("expires", dispatch::seconds(now.as_second() + KEPT_SECONDS));
        }
        if let Some(person) = person {
            update = update.set_once("person", text(person.as_str()));
        }
        let mut free = vec![Condition::Absent];
        if is_notice {
            // Taking leave of campaigns is not taking leave of one's own business.
            free.push(Condition::Equals("reason", text(SuppressionReason::Unsubscribed.name())));
        }
        let claimable = dispatch::claimable(now, is_notice);
        let writes = vec![
            Write::Update(self.table.clone(), letter.key(), update, claimable),
            Write::Check(self.table.clone(), keys::suppression(address), Condition::Any(free)),
        ];
        match self.aws.transact(writes).await {
            Ok(()) => Ok(Claimed::Ours),
            Err(AwsError::Refused(reasons)) => Ok(match reasons.as_slice() {
                [Some(letter), _] => dispatch::standing(letter),
                [None, Some(suppression)] => {
                    let reason = suppression.get("reason").and_then(|reason| reason.as_s().ok());
                    Claimed::Suppressed(reason.cloned().unwrap_or_default())
                }
                _ => Claimed::Elsewhere,
            }),
            Err(error) => Err(error),
        }
    }

    /// Gives a claimed letter back to its queue.
    pub async fn release(&self, letter: &LetterKey, claim: &str, now: Timestamp) -> Result<(), AwsError> {
        let update = Update::new()
            .set("state", text(DispatchState::Queued.name()))
            .set("changed_at", text(now.to_string()))
            .remove("claim")
            .remove("claimed_until");
        match self.table.update(letter.key(), update, Condition::Equals("claim", text(claim))).await {
            Err(error) if error.is_condition() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Writes a letter's result: under the claim, or for one that was never claimed while nobody else has it. Once; false if it has one.
    pub async fn settle(
        &self,
        letter: &LetterKey,
        claim: Option<&str>,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let (state, reason, message_id) = match outcome {
            Outcome::Sent(id) => (DispatchState::Sent, None, Some(id)),
            Outcome::Suppressed(reason) => (DispatchState::Suppressed, Some(reason), None),
            Outcome::Failed(reason) => (DispatchState::Failed, Some(reason), None),
        };
        let mut update = Update::new()
            .set("state", text(state.name()))
            .set("changed_at", text(now.to_string()))
            .remove("claim")
            .remove("claimed_until");
        if let Some(reason) = reason {
            update = update.set("reason", text(reason));
        }
        if let Some(id) = message_id {
            update = update.set("message_id", text(id));
        }
        let is_notice = letter.campaign().is_none();
        if is_notice {
            update = update.set_once("expires", dispatch::seconds(now.as_second() + KEPT_SECONDS));
        }
        let condition = match claim {
            Some(claim) => Condition::Equals("claim", text(claim)),
            None => dispatch::claimable(now, is_notice),
        };
        let mut writes = vec![Write::Update(self.table.clone(), letter.key(), update, condition)];
        if let Some(id) = message_id {
            writes.push(self.pointer(id, letter, now)?);
        }
        if let Some(campaign) = letter.campaign() {
            let count = Update::new().add(state.name(), number(Decimal::ONE));
            writes.push(Write::Update(
                self.table.clone(),
                keys::campaign(campaign),
                count,
                Condition::Present,
            ));
        }
        match self.aws.transact(writes).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_condition() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn pointer(&self, message_id: &str, letter: &LetterKey, now: Timestamp) -> Result<Write, AwsError> {
        let key = letter.key();
        let pointer =
            SentPointer { letter_pk: key.pk, letter_sk: key.sk, campaign: letter.campaign().cloned() };
        let mut item = keys::sent(message_id).onto(to_item(&pointer)?);
        item.insert("expires".to_owned(), dispatch::seconds(now.as_second() + KEPT_SECONDS));
        Ok(Write::Put(self.table.clone(), item, Condition::Always))
    }

    /// Writes what became of a letter afterwards. Once; false if no letter of that id is known (yet).
    pub async fn record(&self, feedback: &Feedback, now: Timestamp) -> Result<bool, AwsError> {
        let Some(item) = self.table.get(keys::sent(&feedback.message_id)).await? else { return Ok(false) };
        let pointer: SentPointer = from_item(item)?;
        let key = Key::new(pointer.letter_pk, pointer.letter_sk);
        let update = Update::new()
            .set("state", text(feedback.state.name()))
            .set("reason", text(&feedback.reason))
            .set("changed_at", text(now.to_string()));
        // A letter that was reported or came back stays so: the first news is counted.
        let was_sent = Condition::Equals("state", text(DispatchState::Sent.name()));
        let mut writes = vec![Write::Update(self.table.clone(), key, update, was_sent)];
        if let Some(campaign) = &pointer.campaign {
            let count = Update::new()
                .add(DispatchState::Sent.name(), number(-Decimal::ONE))
                .add(feedback.state.name(), number(Decimal::ONE));
            writes.push(Write::Update(
                self.table.clone(),
                keys::campaign(campaign),
                count,
                Condition::Present,
            ));
        }
        match self.aws.transact(writes).await {
            Err(error) if error.is_condition() => Ok(true),
            other => other.map(|()| true),
        }
    }

    /// Suppresses an address. One that is suppressed already keeps its reason, unless it was only unsubscribed and this says more.
    pub async fn suppress(&self, suppression: &Suppression) -> Result<Suppression, AwsError> {
        let mut item = keys::suppression(&suppression.address).onto(to_item(suppression)?);
        let sort = format!("{}#{}", keys::sortable(suppression.since), suppression.address);
        item.insert("suppressedpk".to_owned(), text(keys::SUPPRESSIONS));
        item.insert("suppressedsk".to_owned(), text(sort));
        let mut free = vec![Condition::Absent];
        if suppression.reason != SuppressionReason::Unsubscribed {
            free.push(Condition::Equals("reason", text(SuppressionReason::Unsubscribed.name())));
        }
        match self.table.put(item, Condition::Any(free)).await {
            Err(AwsError::ConditionFailed(Some(standing))) => Ok(from_item(*standing)?),
            other => other.map(|()| suppression.clone()),
        }
    }

    /// Lets an address have mail again. It is no fault if it was not suppressed.
    pub async fn allow(&self, address: &Address) -> Result<(), AwsError> {
        let write = Write::Delete(self.table.clone(), keys::suppression(address), Condition::Always);
        self.aws.transact(vec![write]).await
    }

    /// A page of the suppressed addresses, latest first, and the cursor of the next one.
    pub async fn suppressions(
        &self,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<(Vec<Suppression>, Option<String>), Fault> {
        let query = Query::partition(keys::SUPPRESSIONS).index("suppressed").descending();
        let page = self.table.query(query.limit(limit).from_cursor(cursor)?).await?;
        let next = page.cursor();
        let found: Result<_, _> = page.items.into_iter().map(from_item).collect();
        Ok((found.map_err(AwsError::from)?, next))
    }
}
