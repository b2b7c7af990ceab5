//! Key shapes of the area's table.
//!
//! | item | pk | sk | indexes |
//! | --- | --- | --- | --- |
//! | campaign | `CAMPAIGN#<id>` | `CAMPAIGN` | `due` while scheduled: `DUE`, `<time>#<id>` |
//! | recipient of a campaign | `CAMPAIGN#<id>` | `RECIPIENT#<person>` | |
//! | notice to an address | `NOTICE#<fact>` | `NOTICE#<address>` | |
//! | letter the mail service took | `SENT#<its id>` | `SENT` | |
//! | suppression | `SUPPRESSION#<address>` | `SUPPRESSION` | `suppressed`: `SUPPRESSIONS`, `<since>#<address>` |
//! | settings | `SETTINGS` | `SETTINGS` | |

use aws::Key;
use foundation::id::{CampaignId, PersonId};
use jiff::Timestamp;

use crate::address::Address;

pub(crate) const DUE: &str = "DUE";
pub(crate) const SUPPRESSIONS: &str = "SUPPRESSIONS";
pub(crate) const RECIPIENT_PREFIX: &str = "RECIPIENT#";

pub(crate) fn campaign_partition(id: &CampaignId) -> String {
    format!("CAMPAIGN#{id}")
}

pub(crate) fn campaign(id: &CampaignId) -> Key {
    Key::new(campaign_partition(id), "CAMPAIGN")
}

pub(crate) fn recipient(campaign: &CampaignId, person: &PersonId) -> Key {
    Key::new(campaign_partition(campaign), format!("{RECIPIENT_PREFIX}{person}"))
}

pub(crate) fn notice(fact: &str, address: &Address) -> Key {
    Key::new(format!("NOTICE#{fact}"), format!("NOTICE#{address}"))
}

pub(crate) fn sent(message_id: &str) -> Key {
    Key::new(format!("SENT#{message_id}"), "SENT")
}

pub(crate) fn suppression(address: &Address) -> Key {
    Key::new(format!("SUPPRESSION#{address}"), "SUPPRESSION")
}

pub(crate) fn settings() -> Key {
    Key::new("SETTINGS", "SETTINGS")
}

/// A time that sorts as text.
pub(crate) fn sortable(time: Timestamp) -> String {
    format!("{time:.3}")
}
