//! The addresses that get no mail, and why.

use foundation::id::CampaignId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;

/// Why an address gets no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuppressionReason {
    /// Mail to it came back for good.
    Bounced,
    /// Its owner reported us.
    Complained,
    /// Its owner took leave of campaigns; notices about their own business still go there.
    Unsubscribed,
    /// Somebody of the company put it there.
    Manual,
}

impl SuppressionReason {
    /// The name under which it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Unsubscribed => "unsubscribed",
            Self::Manual => "manual",
        }
    }
}

/// An address that gets no mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The address.
    pub address: Address,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub since: Timestamp,
    /// What the receiving server said, or who put it there.
    pub detail: Option<String>,
    /// The campaign it came from, if one.
    pub campaign: Option<CampaignId>,
}
