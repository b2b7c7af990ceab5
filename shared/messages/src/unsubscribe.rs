//! Unsubscribe links: the address and the campaign, signed, so that nobody can take leave for others.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foundation::{
    id::CampaignId,
    problem::{Kind, Problem},
};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::address::Address;

/// What a link says: who takes leave, and what made them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// The address.
    #[serde(rename = "a")]
    pub address: Address,
    /// The campaign whose letter carried the link.
    #[serde(rename = "c")]
    pub campaign: CampaignId,
}

/// Signs and checks links.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

/// A link that we did not make, or that was cut short on its way.
#[derive(Debug, thiserror::Error)]
#[error("this link is not complete; open it from the message again")]
pub struct InvalidLink;

impl Problem for InvalidLink {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn code(&self) -> &'static str {
        "message.invalid-link"
    }
}

impl LinkKey {
    /// The key in the environment under `UNSUBSCRIBE_KEY`.
    pub fn from_env(env: &mut aws::Env) -> Self {
        Self(env.required("UNSUBSCRIBE_KEY").into_bytes())
    }

    /// The token that stands in the link.
    pub fn token(&self, leave: &Leave) -> Result<String, InvalidLink> {
        let payload = serde_json::to_vec(leave).map_err(|_| InvalidLink)?;
        let tag = self.mac(&payload)?.finalize().into_bytes();
        Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(tag)))
    }

    /// What the token says, if we made it. The comparison takes the same time for every wrong tag.
    pub fn read(&self, token: &str) -> Result<Leave, InvalidLink> {
        let (payload, tag) = token.split_once('.').ok_or(InvalidLink)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidLink)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| InvalidLink)?;
        self.mac(&payload)?.verify_slice(&tag).map_err(|_| InvalidLink)?;
        serde_json::from_slice(&payload).map_err(|_| InvalidLink)
    }

    fn mac(&self, payload: &[u8]) -> Result<Hmac<Sha256>, InvalidLink> {
        Ok(Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| InvalidLink)?.chain_update(payload))
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_and_no_other_passes() {
        let key = LinkKey(b"one key".to_vec());
        let leave = Leave { address: "ana@x.example".parse().unwrap(), campaign: "C1".parse().unwrap() };
        let token = key.token(&leave).unwrap();
        assert_eq!(key.read(&token).unwrap(), leave);
        assert!(LinkKey(b"another key".to_vec()).read(&token).is_err());
        let (_, tag) = token.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"a":"ben@x.example","c":"C1"}"#);
        for wrong in
            [format!("{forged}.{tag}"), token[..token.len() - 2].to_owned(), String::new(), ".".to_owned()]
        {
            assert!(key.read(&wrong).is_err(), "{wrong}");
        }
    }
}
