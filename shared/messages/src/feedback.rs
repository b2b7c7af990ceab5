//! What the mail service tells of letters afterwards: bounces and complaints, as SNS delivers them.

use foundation::problem::{Kind, Problem};
use serde::Deserialize;
use serde_json::Value;

use crate::{address::Address, dispatch::DispatchState, suppression::SuppressionReason};

/// What became of a letter, and the addresses that are to get no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The mail service's id of the letter.
    pub message_id: String,
    /// The state the letter is in now.
    pub state: DispatchState,
    /// What the other side said.
    pub reason: String,
    /// Addresses to suppress, and why; none if it may work next time.
    pub suppress: Vec<(Address, SuppressionReason)>,
}

/// A notification that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a notification is not one of the mail service's")]
pub struct UnreadableFeedback(#[source] serde_json::Error);

impl Problem for UnreadableFeedback {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "message.unreadable-feedback"
    }
}

#[derive(Deserialize)]
struct Notification {
    // Identities say `notificationType`, configuration sets `eventType`.
    #[serde(alias = "eventType", rename = "notificationType")]
    kind: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
}

#[derive(Deserialize)]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: String,
    #[serde(default, rename = "bounceSubType")]
    detail: String,
    #[serde(default, rename = "bouncedRecipients")]
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default, rename = "complaintFeedbackType")]
    kind: Option<String>,
    #[serde(default, rename = "complainedRecipients")]
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    #[serde(default)]
    diagnostic_code: Option<String>,
}

/// Reads a message of the feedback queue: SNS's envelope, or the notification alone. Other news of letters (deliveries) is `None`.
pub fn read(text: &str) -> Result<Option<Feedback>, UnreadableFeedback> {
    let value: Value = serde_json::from_str(text).map_err(UnreadableFeedback)?;
    let inner = value.get("Message").and_then(Value::as_str).map(serde_json::from_str);
    let value = inner.transpose().map_err(UnreadableFeedback)?.unwrap_or(value);
    // The topic is told once that it will hear of an identity.
    if value.is_null() || value.get("mail").is_none() {
        return Ok(None);
    }
    let told: Notification = serde_json::from_value(value).map_err(UnreadableFeedback)?;
    let message_id = told.mail.message_id;
    Ok(match (told.kind.as_str(), told.bounce, told.complaint) {
        ("Bounce", Some(bounce), _) => Some(bounced(message_id, bounce)),
        ("Complaint", _, Some(complaint)) => Some(complained(message_id, complaint)),
        _ => None,
    })
}

fn bounced(message_id: String, bounce: Bounce) -> Feedback {
    let said = bounce.recipients.iter().find_map(|recipient| recipient.diagnostic_code.clone());
    let kind = format!("{}/{}", bounce.kind, bounce.detail);
    let reason = said.map_or(kind.clone(), |said| format!("{kind}: {said}"));
    let for_good = bounce.kind == "Permanent";
    let recipients = if for_good { bounce.recipients } else { Vec::new() };
    let suppress = addresses(recipients, SuppressionReason::Bounced);
    Feedback { message_id, state: DispatchState::Bounced, reason, suppress }
}

fn complained(message_id: String, complaint: Complaint) -> Feedback {
    let reason = complaint.kind.unwrap_or_else(|| "complaint".to_owned());
    let suppress = addresses(complaint.recipients, SuppressionReason::Complained);
    Feedback { message_id, state: DispatchState::Complained, reason, suppress }
}

/// Addresses as they come back, perhaps as `Ana <ana@x.example>`. What is no address can have no suppression.
fn addresses(recipients: Vec<Recipient>, reason: SuppressionReason) -> Vec<(Address, SuppressionReason)> {
    let bare = |text: &str| match text.rsplit_once('<') {
        Some((_, rest)) => rest.trim_end_matches('>').parse().ok(),
        None => text.parse().ok(),
    };
    recipients
        .iter()
        .filter_map(|recipient| bare(&recipient.email_address))
        .map(|address| (address, reason))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn enveloped(notification: &Value) -> String {
        json!({"Type": "Notification", "MessageId": "m", "Message": notification.to_string()}).to_string()
    }

    fn bounce(kind: &str) -> Value {
        json!({
            "notificationType": "Bounce", "mail": {"messageId": "ses-1"},
            "bounce": {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": [
                {"emailAddress": "Ana <ANA@x.example>", "diagnosticCode": "smtp; 550 unknown"}
            ]},
        })
    }

    #[test]
    fn only_what_came_back_for_good_suppresses() {
        let hard = read(&enveloped(&bounce("Permanent"))).unwrap().unwrap();
        assert_eq!(hard.suppress, [("ana@x.example".parse().unwrap(), SuppressionReason::Bounced)]);
        assert_eq!((hard.message_id.as_str(), hard.state), ("ses-1", DispatchState::Bounced));
        assert_eq!(hard.reason, "Permanent/General: smtp; 550 unknown");
        let soft = read(&bounce("Transient").to_string()).unwrap().unwrap();
        assert_eq!((soft.state, soft.suppress), (DispatchState::Bounced, vec![]));
    }

    #[test]
    fn a_complaint_suppresses_under_either_name_of_its_kind() {
        for name in ["notificationType", "eventType"] {
            let told = json!({
                name: "Complaint", "mail": {"messageId": "ses-2"},
                "complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": "ben@x.example"}]},
            });
            let read = read(&enveloped(&told)).unwrap().unwrap();
            assert_eq!(read.suppress, [("ben@x.example".parse().unwrap(), SuppressionReason::Complained)]);
            assert_eq!((read.state, read.reason.as_str()), (DispatchState::Complained, "abuse"));
        }
    }

    #[test]
    fn other_news_is_passed_over_and_nonsense_is_an_error() {
        let delivery =
            json!({"notificationType": "Delivery", "mail": {"messageId": "ses-3"}, "delivery": {}});
        assert_eq!(read(&enveloped(&delivery)).unwrap(), None);
        assert_eq!(read(&enveloped(&json!("hello"))).unwrap(), None);
        assert!(read("{").is_err());
        assert!(read(&json!({"mail": {}}).to_string()).is_err());
    }
}
