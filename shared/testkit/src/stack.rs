//! Where a deployment is and what it is made of: written by `cargo xtask up` and `deploy`, read by tests and tools.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Names the variable that tells the end-to-end tests which stack file to read.
pub const STACK_VARIABLE: &str = "CEIBA_STACK";

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// `dev`, `test`, `localstack` or `aws`.
    pub name: String,
    /// The CloudFormation stack.
    pub stack_name: String,
    /// AWS region.
    pub region: String,
    /// Base URL of the AWS APIs; none on AWS itself.
    pub endpoint: Option<String>,
    /// The emulator's process, if it was started here; also its process group.
    pub pid: Option<u32>,
    /// The emulator's log, if it was started here.
    pub log: Option<PathBuf>,
    /// Base URL of the REST API, without a slash at its end.
    pub api_url: String,
    /// The development issuer, where there is one.
    pub issuer: Option<IssuerFiles>,
    /// Outputs of the CloudFormation stack.
    pub outputs: BTreeMap<String, String>,
    /// Physical ids by CloudFormation type and logical id.
    pub resources: BTreeMap<String, BTreeMap<String, String>>,
}

/// What the development issuer signs with and how the authorizer knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerFiles {
    /// The `iss` claim.
    pub url: String,
    /// The `aud` claim.
    pub audience: String,
    /// PKCS#8 PEM of the ES256 key.
    pub private_key: PathBuf,
    /// Where the authorizer reads the public key.
    pub jwks_url: String,
}

impl Stack {
    /// Reads a stack file.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("no stack file {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a stack file", path.display()))
    }

    /// Reads the stack file that [`STACK_VARIABLE`] names.
    #[expect(clippy::disallowed_methods, reason = "a test process is told by its runner which stack to use")]
    pub fn from_env() -> Result<Self> {
        let path = std::env::var(STACK_VARIABLE)
            .with_context(|| format!("{STACK_VARIABLE} is not set: run through `cargo xtask test`"))?;
        Self::read(Path::new(&path))
    }

    /// Writes the stack file so that a reader sees the old or the new one, never half of it.
    pub fn write(&self, path: &Path) -> Result<()> {
        let partial = path.with_extension("json.partial");
        std::fs::write(&partial, serde_json::to_string_pretty(self)?)?;
        std::fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The physical id of the resource with this logical id and CloudFormation type.
    pub fn physical(&self, kind: &str, logical: &str) -> Result<&str> {
        let known = self.resources.get(kind);
        known.and_then(|ids| ids.get(logical)).map(String::as_str).with_context(|| {
            let names: Vec<_> = known.into_iter().flat_map(|ids| ids.keys().map(String::as_str)).collect();
            format!("stack {} has no {kind} {logical}; it has: {}", self.name, names.join(", "))
        })
    }

    /// The deployed name of a function, by its folder's name such as `orders-api`.
    pub fn function(&self, folder: &str) -> Result<&str> {
        self.physical("AWS::Lambda::Function", &logical_id(folder))
    }

    /// The URL of a queue by its logical id.
    pub fn queue(&self, logical: &str) -> Result<&str> {
        self.physical("AWS::SQS::Queue", logical)
    }

    /// The name of a table by its logical id.
    pub fn table(&self, logical: &str) -> Result<&str> {
        self.physical("AWS::DynamoDB::Table", logical)
    }

    /// The name of a bucket by its logical id.
    pub fn bucket(&self, logical: &str) -> Result<&str> {
        self.physical("AWS::S3::Bucket", logical)
    }

    /// The ARN of a state machine by its logical id.
    pub fn machine(&self, logical: &str) -> Result<&str> {
        self.physical("AWS::StepFunctions::StateMachine", logical)
    }
}

/// The logical id of a function's folder: `orders-api` is `OrdersApi`.
pub fn logical_id(folder: &str) -> String {
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    };
    folder.split('-').map(capitalised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack() -> Stack {
        let functions = BTreeMap::from([("OrdersApi".to_owned(), "ceiba-OrdersApi-1".to_owned())]);
        Stack {
            name: "test".into(),
            stack_name: "ceiba".into(),
            region: "us-east-1".into(),
            endpoint: Some("http://127.0.0.1:4566".into()),
            pid: Some(1),
            log: None,
            api_url: "http://127.0.0.1:4566/restapis/a/v1/_user_request_".into(),
            issuer: None,
            outputs: BTreeMap::new(),
            resources: BTreeMap::from([("AWS::Lambda::Function".to_owned(), functions)]),
        }
    }

    #[test]
    fn a_stack_file_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.json");
        stack().write(&path).unwrap();
        assert_eq!(Stack::read(&path).unwrap(), stack());
    }

    #[test]
    fn a_function_is_found_by_its_folder_and_a_wrong_name_lists_the_right_ones() {
        assert_eq!(stack().function("orders-api").unwrap(), "ceiba-OrdersApi-1");
        let error = stack().function("orders-apis").unwrap_err().to_string();
        assert!(error.contains("OrdersApi"), "{error}");
    }
}
