//! What the other areas, and this one's own worker, hear of campaigns.

use foundation::{fact::Fact, id::CampaignId};
use serde::{Deserialize, Serialize};

/// A campaign's time has come: its recipients are to be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignStarted {
    /// The campaign.
    pub campaign: CampaignId,
}

impl Fact for CampaignStarted {
    const TYPE: &'static str = "CampaignStarted";
    const SOURCE: &'static str = "ceiba.messages";
    fn id(&self) -> String {
        format!("campaign-started-{}", self.campaign)
    }
}
