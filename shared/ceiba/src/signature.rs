//! Signatures of manifests: Ed25519, keys as PEM files that OpenSSL makes.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::failure::{Cause, Failure};

/// What stands before the 32 bytes of a private key (PKCS #8) and of a public key.
const PRIVATE: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
const PUBLIC: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// The 32 bytes of a key in a PEM file.
fn key(path: &Path, label: &str, prefix: &[u8]) -> Result<[u8; 32], Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let between = text
        .split_once(&format!("-----BEGIN {label}-----"))
        .and_then(|(_, rest)| rest.split_once(&format!("-----END {label}-----")))
        .map(|(body, _)| body.split_whitespace().collect::<String>());
    let bytes = between.and_then(|body| STANDARD.decode(body).ok());
    let bare =
        bytes.and_then(|bytes| bytes.strip_prefix(prefix).and_then(|bare| <[u8; 32]>::try_from(bare).ok()));
    bare.ok_or_else(|| {
        Failure::file(path, &format!("expected an Ed25519 key in PEM, -----BEGIN {label}-----"))
    })
}

/// Reads a private key.
pub(crate) fn private_key(path: &Path) -> Result<SigningKey, Failure> {
    Ok(SigningKey::from_bytes(&key(path, "PRIVATE KEY", PRIVATE)?))
}

/// The signature of a manifest, as text.
pub(crate) fn sign(key: &SigningKey, manifest: &[u8]) -> String {
    STANDARD.encode(key.sign(manifest).to_bytes()) + "\n"
}

/// Checks the signature of a manifest with the public key in a file.
pub(crate) fn check(path: &Path, manifest: &[u8], signature: &str) -> Result<(), Failure> {
    let bad = |why: &str| Failure::new(Cause::Different, format!("the signature of the manifest {why}"));
    let public = VerifyingKey::from_bytes(&key(path, "PUBLIC KEY", PUBLIC)?)
        .map_err(|error| Failure::file(path, &error))?;
    let bytes = STANDARD.decode(signature.trim()).map_err(|_| bad("is no base64"))?;
    let signature = Signature::from_slice(&bytes).map_err(|_| bad("is too short or too long"))?;
    public.verify_strict(manifest, &signature).map_err(|_| bad("is not of this manifest and key"))
}
