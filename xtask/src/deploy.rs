//! Deploys the template with SAM, then settles and checks what is there.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use testkit::stack::{IssuerFiles, Stack};

use crate::{
    Deploy, Target,
    build::{self, Flavour},
    emulator, issuer, run, stack, template,
    venv::Venv,
    workspace::Workspace,
};

/// What `sam deploy` uploads to on an emulator.
const ARTIFACTS: &str = "ceiba-artifacts";
/// LocalStack's address from inside the containers its functions run in.
const LOCALSTACK_INSIDE: &str = "http://localhost.localstack.cloud:4566";

/// Where a template goes.
pub(crate) enum Place<'a> {
    Emulator { endpoint: &'a str, issuer: &'a IssuerFiles, environment: &'a str },
    Aws,
}

impl Place<'_> {
    /// The section of samconfig.toml.
    fn environment(&self) -> &str {
        match self {
            Self::Emulator { environment, .. } => environment,
            Self::Aws => "aws",
        }
    }

    fn point(&self, command: &mut Command) {
        if let Self::Emulator { endpoint, .. } = self {
            emulator::point_at(command, endpoint);
        }
    }

    /// Parameters that only this run knows.
    fn parameters(&self) -> BTreeMap<String, String> {
        let Self::Emulator { issuer, .. } = self else { return BTreeMap::new() };
        [("OidcIssuer", &issuer.url), ("OidcAudience", &issuer.audience), ("OidcJwksUrl", &issuer.jwks_url)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into()
    }
}

/// `cargo xtask deploy`
pub(crate) fn command(workspace: &Workspace, options: &Deploy) -> Result<()> {
    let venv = Venv::ensure(workspace)?;
    let flavour = if options.target == Target::Local { Flavour::Quick } else { Flavour::Shipped };
    build::functions(workspace, &venv, flavour)?;
    let deployed = match options.target {
        Target::Local => {
            let _lock = workspace.wait_for_lock(stack::DEV)?;
            let running =
                stack::running(workspace, stack::DEV).context("no emulator is running: cargo xtask up")?;
            stack::deployed(workspace, &venv, running)?
        }
        Target::Localstack => to_localstack(workspace, &venv, options)?,
        Target::Aws => {
            let mut stack = nowhere("aws", None);
            template(workspace, &venv, &mut stack, &Place::Aws, &options.parameters)?;
            stack
        }
    };
    deployed.write(&workspace.stack_file(&deployed.name))?;
    run::progress("deployed");
    run::result(&deployed.api_url);
    Ok(())
}

fn to_localstack(workspace: &Workspace, venv: &Venv, options: &Deploy) -> Result<Stack> {
    let mut stack = nowhere("localstack", Some(options.endpoint.clone()));
    let issuer = issuer::ensure(workspace, "localstack", LOCALSTACK_INSIDE)?;
    let place = Place::Emulator { endpoint: &options.endpoint, issuer: &issuer, environment: "localstack" };
    template(workspace, venv, &mut stack, &place, &options.parameters)?;
    stack.issuer = Some(issuer);
    Ok(stack)
}

fn nowhere(name: &str, endpoint: Option<String>) -> Stack {
    Stack {
        name: name.to_owned(),
        stack_name: String::new(),
        region: String::new(),
        endpoint,
        pid: None,
        log: None,
        api_url: String::new(),
        issuer: None,
        outputs: BTreeMap::new(),
        resources: BTreeMap::new(),
    }
}

/// Deploys the built functions; `stack` then says what is there. `given` are `NAME=VALUE` that win over samconfig.toml.
pub(crate) fn template(
    workspace: &Workspace,
    venv: &Venv,
    stack: &mut Stack,
    place: &Place<'_>,
    given: &[String],
) -> Result<()> {
    let folder = workspace.stack_folder(&stack.name)?;
    let section = Section::read(&workspace.path("samconfig.toml"), place.environment())?;
    let parameters = section.parameters(place.parameters(), given)?;
    template::refuse_unknown(workspace, &parameters)?;
    if let Place::Emulator { .. } = place {
        make_buckets(workspace, venv, place, &folder)?;
    }

    let mut sam = match place {
        Place::Emulator { .. } => {
            let mut python = venv.command(workspace, "python");
            python.arg(workspace.path("infra/local/sam_quick.py"));
            python
        }
        Place::Aws => venv.command(workspace, "sam"),
    };
    sam.args([
        "deploy",
        "--template-file",
        "template.yaml",
        "--config-file",
        "samconfig.toml",
        "--no-progressbar",
    ]);
    sam.args(["--config-env", place.environment(), "--no-confirm-changeset", "--no-fail-on-empty-changeset"]);
    if let Place::Emulator { .. } = place {
        sam.args(["--s3-bucket", ARTIFACTS]);
    }
    if !parameters.is_empty() {
        sam.arg("--parameter-overrides")
            // Quoted, because SAM splits what it is given at spaces.
            .args(parameters.iter().map(|(name, value)| format!("{name}=\"{value}\"")));
    }
    sam.env("__SAM_CLI_APP_DIR", workspace.cache()?.join("sam"));
    place.point(&mut sam);
    run::logged("sam deploy", &mut sam, &folder.join("deploy.log"))?;
    section.stack_name.clone_into(&mut stack.stack_name);
    settle(workspace, venv, stack, place)
}

fn make_buckets(workspace: &Workspace, venv: &Venv, place: &Place<'_>, folder: &Path) -> Result<()> {
    let aws = |arguments: &[&str]| {
        let mut command = venv.command(workspace, "aws");
        command.args(arguments);
        place.point(&mut command);
        run::output(&format!("aws {}", arguments.join(" ")), &mut command)
    };
    for bucket in [ARTIFACTS, issuer::BUCKET] {
        let made = aws(&["s3api", "create-bucket", "--bucket", bucket]);
        if made.is_err() {
            aws(&["s3api", "head-bucket", "--bucket", bucket])?;
        }
    }
    let keys = folder.join("issuer/jwks.json").to_string_lossy().into_owned();
    let address = format!("s3://{}/jwks.json", issuer::BUCKET);
    aws(&["s3", "cp", "--only-show-errors", "--content-type", "application/json", &keys, &address])
        .map(|_| ())
}

/// What `infra/local/after_deploy.py` writes.
#[derive(Deserialize)]
struct Found {
    api_url: String,
    region: String,
    outputs: BTreeMap<String, String>,
    resources: BTreeMap<String, BTreeMap<String, String>>,
}

/// Sets what an emulator dropped, checks that the template is what is there, and reads where things are.
fn settle(workspace: &Workspace, venv: &Venv, stack: &mut Stack, place: &Place<'_>) -> Result<()> {
    let out = workspace.stack_folder(&stack.name)?.join("found.json");
    let mut python = venv.command(workspace, "python");
    python.arg(workspace.path("infra/local/after_deploy.py"));
    python.args(["--stack", &stack.stack_name]).arg("--out").arg(&out);
    if let Place::Emulator { endpoint, .. } = place {
        python.args(["--apply", "--endpoint", endpoint]);
    }
    place.point(&mut python);
    let log = workspace.stack_folder(&stack.name)?.join("after_deploy.log");
    run::logged("compare what is there with the template", &mut python, &log)?;
    if let Some(summary) = std::fs::read_to_string(&log)?.lines().last() {
        run::progress(summary);
    }
    let found: Found = serde_json::from_str(&std::fs::read_to_string(&out)?)?;
    (stack.api_url, stack.region) = (found.api_url, found.region);
    (stack.outputs, stack.resources) = (found.outputs, found.resources);
    Ok(())
}

/// The deploy section of one environment in samconfig.toml.
struct Section {
    stack_name: String,
    overrides: Vec<String>,
}

impl Section {
    fn read(path: &Path, environment: &str) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("no {}", path.display()))?;
        let file: toml::Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
        let section = |name: &str| {
            let deploy = file.get(environment)?.get("deploy")?.get("parameters")?;
            deploy.get(name).cloned()
        };
        let stack_name = section("stack_name").and_then(|name| name.as_str().map(str::to_owned));
        let stack_name = stack_name
            .with_context(|| format!("samconfig.toml has no {environment}.deploy.parameters.stack_name"))?;
        let overrides =
            section("parameter_overrides").and_then(|list| list.try_into().ok()).unwrap_or_default();
        Ok(Self { stack_name, overrides })
    }

    /// SAM takes the overrides of the command line instead of those in the file, so they are joined here.
    fn parameters(
        &self,
        known: BTreeMap<String, String>,
        given: &[String],
    ) -> Result<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        for pair in &self.overrides {
            parameters.extend([split(pair)?]);
        }
        parameters.extend(known);
        for pair in given {
            parameters.extend([split(pair)?]);
        }
        Ok(parameters)
    }
}

fn split(pair: &str) -> Result<(String, String)> {
    match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => bail!("a parameter is NAME=VALUE, not {pair}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins_over_what_is_known_and_that_over_the_file() {
        let section = Section {
            stack_name: "s".into(),
            overrides: vec!["A=file".into(), "B=file".into(), "C=file".into()],
        };
        let known =
            BTreeMap::from([("B".to_owned(), "known".to_owned()), ("C".to_owned(), "known".to_owned())]);
        let parameters = section.parameters(known, &["C=given=1".to_owned()]).unwrap();
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["A=file", "B=known", "C=given=1"]);
    }

    #[test]
    fn a_parameter_without_a_name_or_an_equals_sign_is_refused() {
        for pair in ["A", "=1", ""] {
            assert!(split(pair).is_err(), "{pair}");
        }
    }

    #[test]
    fn a_section_without_a_stack_name_is_refused_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samconfig.toml");
        std::fs::write(&path, "version = 0.1\n[local.deploy.parameters]\nregion = 'x'\n").unwrap();
        let error = Section::read(&path, "local").err().unwrap().to_string();
        assert!(error.contains("local.deploy.parameters.stack_name"), "{error}");
    }
}
