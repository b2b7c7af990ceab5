//! Tokens: JSON Web Tokens of an OpenID Connect issuer, checked against its public keys. Pure: keys and time come in.

use foundation::{
    id::PersonId,
    problem::{Kind, Problem},
};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde_json::Value;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY_SECONDS: i64 = 30;
/// Longer tokens are not looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Keys of a set that are looked at.
const KEYS_MAX: usize = 32;
/// Roles of a token that are looked at.
const ROLES_MAX: usize = 32;

/// What a token must say to be accepted, and under which names it says the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// The `iss` claim.
    pub issuer: String,
    /// What the `aud` claim is or contains.
    pub audience: String,
    /// The claim with the caller's roles: a list of texts, or one text with spaces between them.
    pub roles_claim: String,
    /// The claim with the caller's person id.
    pub person_claim: String,
}

/// What a sound token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The subject.
    pub subject: String,
    /// The person of the network who calls.
    pub person: Option<PersonId>,
    /// The names of roles.
    pub roles: Vec<String>,
}

/// Why a token is not accepted. Callers learn no more than that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("not a bearer token")]
    NoToken,
    /// It is signed in a way that is not accepted.
    #[error("signed with {0}")]
    Algorithm(String),
    /// The issuer has no such key.
    #[error("no such key: {0:?}")]
    UnknownKey(Option<String>),
    /// The signature is wrong, or it is of another issuer or for another audience.
    #[error("refused: {0}")]
    Refused(String),
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its time has not come.
    #[error("not valid yet")]
    TooEarly,
    /// A claim is missing or has another shape.
    #[error("the claim {0} is missing or has another shape")]
    Claim(String),
}

impl Problem for TokenError {
    fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }
    fn code(&self) -> &'static str {
        "access.token-refused"
    }
}

/// The public keys of an issuer.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    public: DecodingKey,
}

/// A text that is no JSON Web Key Set, or one without a key of a kind that is accepted.
#[derive(Debug, thiserror::Error)]
#[error("not a key set with a key for RS256, ES256 or EdDSA")]
pub struct NoKeySet(#[source] Option<serde_json::Error>);

impl KeySet {
    /// Reads a JSON Web Key Set. Keys of other kinds, and keys for other uses, are passed over.
    pub fn read(bytes: &[u8]) -> Result<Self, NoKeySet> {
        let set: Value = serde_json::from_slice(bytes).map_err(|error| NoKeySet(Some(error)))?;
        let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<Key> = keys.iter().take(KEYS_MAX).filter_map(key).collect();
        if keys.is_empty() { Err(NoKeySet(None)) } else { Ok(Self(keys)) }
    }

    /// Checks `token` (with or without `Bearer` in front) at `now`.
    pub fn verify(&self, token: &str, expected: &Expectations, now: Timestamp) -> Result<Claims, TokenError> {
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::NoToken);
        }
        let header = decode_header(token).map_err(|_| TokenError::NoToken)?;
        let key = self.key(header.kid.as_deref())?;
        if key.algorithm != header.alg {
            return Err(TokenError::Algorithm(format!("{:?}", header.alg)));
        }
        let mut validation = Validation::new(key.algorithm);
        // Time is checked below, against the time that was passed in.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&expected.issuer]);
        validation.set_audience(&[&expected.audience]);
        let decoded = decode::<Value>(token, &key.public, &validation);
        let claims = decoded.map_err(|error| TokenError::Refused(error.to_string()))?.claims;
        check_time(&claims, now.as_second())?;
        read_claims(&claims, expected)
    }

    fn key(&self, id: Option<&str>) -> Result<&Key, TokenError> {
        let unknown = || TokenError::UnknownKey(id.map(|id| id.chars().take(64).collect()));
        match (id, self.0.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(unknown()),
            (Some(_), keys) => keys.iter().find(|key| key.id.as_deref() == id).ok_or_else(unknown),
        }
    }
}

fn key(value: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let named = value.get("alg").and_then(Value::as_str);
    if named.is_some_and(|named| named.parse() != Ok(algorithm)) {
        return None;
    }
    Some(Key { id: jwk.common.key_id.clone(), algorithm, public: DecodingKey::from_jwk(&jwk).ok()? })
}

fn check_time(claims: &Value, now: i64) -> Result<(), TokenError> {
    let seconds = |name: &str| -> Result<Option<i64>, TokenError> {
        let Some(value) = claims.get(name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| TokenError::Claim(name.to_owned()))
    };
    let expires = seconds("exp")?.ok_or_else(|| TokenError::Claim("exp".to_owned()))?;
    if expires.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(TokenError::Expired);
    }
    if seconds("nbf")?.is_some_and(|first| first > now.saturating_add(LEEWAY_SECONDS)) {
        return Err(TokenError::TooEarly);
    }
    Ok(())
}

fn read_claims(claims: &Value, expected: &Expectations) -> Result<Claims, TokenError> {
    let wrong = |name: &str| TokenError::Claim(name.to_owned());
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| {
        // It goes into keys, headers and logs.
        (1..=128).contains(&subject.len()) && subject.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let person = match claims.get(&expected.person_claim) {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.parse().map_err(|_| wrong(&expected.person_claim))?),
        Some(_) => return Err(wrong(&expected.person_claim)),
    };
    let roles = match claims.get(&expected.roles_claim) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(names)) => names.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(names)) => {
            let texts = names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            texts.ok_or_else(|| wrong(&expected.roles_claim))?
        }
        Some(_) => return Err(wrong(&expected.roles_claim)),
    };
    // Names that cannot be a role's would only get in the way of the list they are joined into.
    let roles = roles.into_iter().filter(|name| name.parse::<crate::RoleName>().is_ok()).take(ROLES_MAX);
    Ok(Claims { subject: subject.ok_or_else(|| wrong("sub"))?.to_owned(), person, roles: roles.collect() })
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use p256::ecdsa::{Signature, SigningKey, signature::Signer};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn signer(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    fn public(key: &SigningKey, id: &str) -> Value {
        let point = key.verifying_key().to_encoded_point(false);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id,
               "x": text(point.x().unwrap()), "y": text(point.y().unwrap())})
    }

    fn keys() -> KeySet {
        let set = json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "hmac"}, public(&signer(1), "one"), public(&signer(2), "two")]});
        KeySet::read(set.to_string().as_bytes()).unwrap()
    }

    fn signed(key: &SigningKey, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let signature: Signature = key.sign(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn header() -> Value {
        json!({"alg": "ES256", "kid": "one"})
    }

    fn claims(changes: Value) -> Value {
        let mut claims = json!({"iss": "https://issuer", "aud": ["other", "ceiba"], "sub": "u1", "exp": NOW + 60,
                                "ceiba:roles": ["consultant", "not a role"], "ceiba:person": "P1"});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn verify(token: &str) -> Result<Claims, TokenError> {
        let expected = Expectations {
            issuer: "https://issuer".into(),
            audience: "ceiba".into(),
            roles_claim: "ceiba:roles".into(),
            person_claim: "ceiba:person".into(),
        };
        keys().verify(token, &expected, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn a_sound_token_says_who_calls() {
        let token = signed(&signer(1), &header(), &claims(json!({})));
        let claims = verify(&format!("Bearer {token}")).unwrap();
        assert_eq!(claims.subject, "u1");
        assert_eq!(claims.person.unwrap().as_str(), "P1");
        assert_eq!(claims.roles, ["consultant"]);
    }

    #[test]
    fn clocks_may_differ_by_half_a_minute() {
        let cases = [
            (json!({"exp": NOW - 29}), Ok(())),
            (json!({"exp": NOW - 30}), Err(TokenError::Expired)),
            (json!({"nbf": NOW + 30}), Ok(())),
            (json!({"nbf": NOW + 31}), Err(TokenError::TooEarly)),
        ];
        for (changes, expected) in cases {
            let token = signed(&signer(1), &header(), &claims(changes.clone()));
            assert_eq!(verify(&token).map(drop), expected, "{changes}");
        }
    }

    #[test]
    fn what_was_not_signed_by_the_issuer_for_us_is_refused() {
        let good = claims(json!({}));
        let tampered = {
            let token = signed(&signer(1), &header(), &good);
            let parts: Vec<_> = token.split('.').collect();
            let other = URL_SAFE_NO_PAD.encode(claims(json!({"sub": "root"})).to_string());
            format!("{}.{other}.{}", parts[0], parts[2])
        };
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": "one"}).to_string()),
            URL_SAFE_NO_PAD.encode(good.to_string())
        );
        let cases = [
            ("another's key", signed(&signer(2), &header(), &good)),
            ("a key nobody knows", signed(&signer(3), &json!({"alg": "ES256", "kid": "three"}), &good)),
            ("no key named among several", signed(&signer(1), &json!({"alg": "ES256"}), &good)),
            ("a symmetric key", signed(&signer(1), &json!({"alg": "HS256", "kid": "hmac"}), &good)),
            ("another algorithm", signed(&signer(1), &json!({"alg": "RS256", "kid": "one"}), &good)),
            ("another issuer", signed(&signer(1), &header(), &claims(json!({"iss": "https://evil"})))),
            ("another audience", signed(&signer(1), &header(), &claims(json!({"aud": "other"})))),
            ("no audience", signed(&signer(1), &header(), &claims(json!({"aud": null})))),
            ("no end", signed(&signer(1), &header(), &claims(json!({"exp": null})))),
            ("no subject", signed(&signer(1), &header(), &claims(json!({"sub": ""})))),
            ("a person that is none", signed(&signer(1), &header(), &claims(json!({"ceiba:person": "a/b"})))),
            ("changed claims", tampered),
            ("no signature", unsigned),
            ("no token", "Bearer ".to_owned()),
            ("a long text", "x".repeat(TOKEN_BYTES_MAX + 1)),
        ];
        for (name, token) in cases {
            assert!(verify(&token).is_err(), "{name}");
        }
    }

    #[test]
    fn a_set_without_a_key_of_ours_is_none() {
        for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
            assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
