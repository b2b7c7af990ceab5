//! What happens to one letter to one address.
//!
//! Before a letter is handed to the mail service its sender claims it for [`CLAIM_SECONDS`]; afterwards the result is written under that
//! claim. A message that is delivered twice finds the result and does nothing; one delivered while the first sender still works finds
//! the claim and goes back to its queue.
//! If the sender dies between claim and result nobody knows whether the letter left. The claim runs out, the next delivery claims it
//! again, and the letter is sent (again): **at least once**, and twice only in that case.

use aws::{Attribute, AwsError, Condition, Item, number, text};
use foundation::id::{CampaignId, PersonId};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How long a claim holds, in seconds: longer than the sending function may run, shorter than its queue keeps a message from the next.
pub const CLAIM_SECONDS: i64 = 180;

/// Where a letter is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DispatchState {
    /// It waits for its turn.
    Queued,
    /// A sender claimed it.
    Sending,
    /// The mail service took it.
    Sent,
    /// The address is suppressed.
    Suppressed,
    /// It cannot be sent.
    Failed,
    /// It was sent and came back.
    Bounced,
    /// It was sent and reported.
    Complained,
}

impl DispatchState {
    /// The name under which it is stored and counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Suppressed => "suppressed",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// One letter: a recipient of a campaign, or a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// The campaign, if it is one's.
    #[serde(default)]
    pub campaign: Option<CampaignId>,
    /// The person it goes to, if it is one of the network.
    #[serde(default)]
    pub person: Option<PersonId>,
    /// The address it went to; known once its turn came.
    #[serde(default)]
    pub address: Option<String>,
    /// Where it is.
    pub state: DispatchState,
    /// Why it was suppressed, failed, bounced or was complained of.
    #[serde(default)]
    pub reason: Option<String>,
    /// The mail service's id of it.
    #[serde(default)]
    pub message_id: Option<String>,
    /// How often a sender took it up.
    #[serde(default)]
    pub attempts: u32,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// What trying to claim a letter showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours to send.
    Ours,
    /// The address is suppressed, for this reason.
    Suppressed(String),
    /// It has its result already.
    Done,
    /// Another sender is at it.
    Elsewhere,
}

/// How the mail service's refusal of a letter is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This letter will never be taken.
    OfLetter(String),
    /// Nothing is wrong with the letter: try again later.
    ForNow,
}

/// Codes that speak of one letter. Others speak of the account, the sender, or the connection, and hold for all letters.
const LETTER_CODES: [&str; 3] = ["MessageRejected", "InvalidParameterValue", "InvalidLetter"];
/// The service says `MessageRejected` also of a sender that is not verified.
const SENDER_WORDS: &str = "not verified";

/// What a failed call of the mail service means for the letter.
pub fn refusal(error: &AwsError) -> Refusal {
    let AwsError::Failed { code, source, .. } = error else { return Refusal::ForNow };
    let mut said = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        said = format!("{said}: {cause}");
        next = cause.source();
    }
    if LETTER_CODES.contains(&code.as_str()) && !said.contains(SENDER_WORDS) {
        Refusal::OfLetter(code.clone())
    } else {
        Refusal::ForNow
    }
}

/// The condition under which a letter may be claimed at `now`: it waits, its claim ran out, or (`may_be_new`) nobody heard of it yet.
pub(crate) fn claimable(now: Timestamp, may_be_new: bool) -> Condition {
    let run_out = Condition::All(vec![
        Condition::Equals("state", text(DispatchState::Sending.name())),
        Condition::Below("claimed_until", seconds(now.as_second())),
    ]);
    let mut ways = vec![Condition::Equals("state", text(DispatchState::Queued.name())), run_out];
    if may_be_new {
        ways.push(Condition::Absent);
    }
    Condition::Any(ways)
}

/// What a letter that could not be claimed is.
pub(crate) fn standing(item: &Item) -> Claimed {
    let state = item.get("state").and_then(|state| state.as_s().ok());
    match state.map(String::as_str) {
        Some("sending" | "queued") => Claimed::Elsewhere,
        // A recipient that is not there was taken away with its campaign: nothing is left to do.
        _ => Claimed::Done,
    }
}

pub(crate) fn seconds(value: i64) -> Attribute {
    number(Decimal::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str, said: &str) -> AwsError {
        AwsError::Failed { service: "SES", code: code.into(), source: said.into() }
    }

    #[test]
    fn only_what_is_wrong_with_the_letter_itself_is_final() {
        let cases = [
            (failed("MessageRejected", "Address blacklisted"), true),
            (failed("InvalidParameterValue", "Local address contains control or whitespace"), true),
            (failed("MessageRejected", "Email address is not verified"), false),
            (failed("AccountSendingPausedException", "paused"), false),
            (failed("AccessDenied", "no"), false),
            (AwsError::Busy { service: "SES", code: "Throttling".into(), source: "slow down".into() }, false),
        ];
        for (error, is_final) in cases {
            assert_eq!(matches!(refusal(&error), Refusal::OfLetter(_)), is_final, "{error:?}");
        }
    }

    #[test]
    fn a_letter_with_a_result_is_done_and_one_at_work_is_somebody_elses() {
        let of = |state: DispatchState| standing(&Item::from([("state".to_owned(), text(state.name()))]));
        for state in
            [DispatchState::Sent, DispatchState::Suppressed, DispatchState::Failed, DispatchState::Bounced]
        {
            assert_eq!(of(state), Claimed::Done, "{state:?}");
        }
        assert_eq!(of(DispatchState::Sending), Claimed::Elsewhere);
        assert_eq!(standing(&Item::new()), Claimed::Done);
    }

    #[test]
    fn states_are_stored_under_the_names_they_are_counted_by() {
        for state in
            [DispatchState::Queued, DispatchState::Sending, DispatchState::Sent, DispatchState::Complained]
        {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
