//! A development issuer of OpenID Connect tokens: an ES256 key, its public set, and tokens signed with it.

use std::path::Path;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    elliptic_curve::rand_core::OsRng,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stack::IssuerFiles;

/// The claim with the list of role names.
pub const ROLES_CLAIM: &str = "ceiba:roles";
/// The claim with the caller's person number.
pub const PERSON_CLAIM: &str = "ceiba:person";

/// Signs tokens as one issuer.
pub struct Issuer {
    key: SigningKey,
    url: String,
    audience: String,
}

/// Whom a token speaks for and how long.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// The `sub` claim.
    pub subject: &'a str,
    /// Names of roles.
    pub roles: &'a [&'a str],
    /// The person the caller is, if any.
    pub person: Option<&'a str>,
    /// When it is issued.
    pub now: Timestamp,
    /// How long it is good; negative for one that has expired.
    pub valid: SignedDuration,
}

impl Issuer {
    /// Reads the key of a deployment's development issuer.
    pub fn read(files: &IssuerFiles) -> Result<Self> {
        let pem = std::fs::read_to_string(&files.private_key)
            .with_context(|| format!("no issuer key {}", files.private_key.display()))?;
        let key =
            SigningKey::from_pkcs8_pem(&pem).context("the issuer key is not a P-256 key in PKCS#8 PEM")?;
        Ok(Self { key, url: files.url.clone(), audience: files.audience.clone() })
    }

    /// Makes a key at `path` unless there is one already, so that tokens outlive a restart.
    pub fn ensure_key(path: &Path) -> Result<()> {
        if path.exists() {
            return Ok(());
        }
        let pem = SigningKey::random(&mut OsRng)
            .to_pkcs8_pem(LineEnding::LF)
            .context("the new key has no PEM form")?;
        write_private(path, pem.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The JSON Web Key Set that verifies this issuer's tokens.
    pub fn key_set(&self) -> Value {
        let point = self.key.verifying_key().to_encoded_point(false);
        let coordinate =
            |bytes: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(bytes.map_or(&[][..], |b| b));
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id(),
            "x": coordinate(point.x()), "y": coordinate(point.y()),
        }] })
    }

    /// A signed token.
    pub fn token(&self, request: &TokenRequest<'_>) -> String {
        let issued = request.now.as_second();
        let mut claims = json!({
            "iss": self.url, "aud": self.audience, "sub": request.subject,
            "iat": issued, "exp": issued + request.valid.as_secs(), ROLES_CLAIM: request.roles,
        });
        if let Some(person) = request.person {
            claims[PERSON_CLAIM] = json!(person);
        }
        self.signed(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.key_id() }), &claims)
    }

    /// Any header and claims, signed; for tests of what must be refused.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let signature: Signature = self.key.sign(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn key_id(&self) -> String {
        let point = self.key.verifying_key().to_encoded_point(true);
        URL_SAFE_NO_PAD.encode(&Sha256::digest(point.as_bytes())[..9])
    }
}

#[cfg(unix)]
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

#[cfg(not(unix))]
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::{VerifyingKey, signature::Verifier};

    use super::*;

    #[test]
    fn a_token_carries_its_claims_and_verifies_with_the_published_key() {
        let folder = tempfile::tempdir().unwrap();
        let private_key = folder.path().join("key.pem");
        Issuer::ensure_key(&private_key).unwrap();
        let files = IssuerFiles {
            url: "http://issuer".into(),
            audience: "ceiba".into(),
            private_key,
            jwks_url: String::new(),
        };
        let issuer = Issuer::read(&files).unwrap();
        let token = issuer.token(&TokenRequest {
            subject: "u1",
            roles: &["support"],
            person: Some("P7"),
            now: Timestamp::from_second(1_000).unwrap(),
            valid: SignedDuration::from_secs(60),
        });

        let (text, signature) = token.rsplit_once('.').unwrap();
        let key = &issuer.key_set()["keys"][0];
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        VerifyingKey::from_sec1_bytes(&point).unwrap().verify(text.as_bytes(), &signature).unwrap();

        let (_, claims) = text.split_once('.').unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["exp"], 1_060);
        assert_eq!(claims[ROLES_CLAIM], json!(["support"]));
        assert_eq!(claims[PERSON_CLAIM], "P7");
    }

    #[test]
    fn a_key_that_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        Issuer::ensure_key(&path).unwrap();
        let first = std::fs::read(&path).unwrap();
        Issuer::ensure_key(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
    }
}
