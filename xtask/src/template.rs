//! What the task runner needs to know of `template.yaml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_yaml_ng::{Mapping, Value};

use crate::workspace::Workspace;

const FILE: &str = "template.yaml";

/// The template as it is written, with CloudFormation's short tags.
pub(crate) struct Template {
    root: Mapping,
}

impl Template {
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let text = std::fs::read_to_string(workspace.path(FILE)).with_context(|| format!("no {FILE}"))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(Self { root: serde_yaml_ng::from_str(text).with_context(|| format!("{FILE} is not YAML"))? })
    }

    /// Names of the declared parameters.
    pub(crate) fn parameters(&self) -> Vec<&str> {
        let declared = self.root.get("Parameters").and_then(Value::as_mapping);
        declared.into_iter().flat_map(Mapping::keys).filter_map(Value::as_str).collect()
    }

    /// A function's environment, for a start without a deployment: what only a deployment knows gets a placeholder.
    pub(crate) fn environment(&self, logical_id: &str) -> BTreeMap<String, String> {
        let everywhere = self.root.get("Globals").and_then(|globals| globals.get("Function"));
        let own = self
            .root
            .get("Resources")
            .and_then(|all| all.get(logical_id))
            .and_then(|one| one.get("Properties"));
        [everywhere, own]
            .into_iter()
            .flatten()
            .filter_map(|properties| properties.get("Environment")?.get("Variables")?.as_mapping())
            .flatten()
            .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), self.placeholder(value))))
            .collect()
    }

    fn placeholder(&self, value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Tagged(tagged) if tagged.tag == "Ref" => {
                self.default_of(tagged.value.as_str().unwrap_or_default())
            }
            _ => "placeholder".to_owned(),
        }
    }

    fn default_of(&self, parameter: &str) -> String {
        let declared = self.root.get("Parameters").and_then(|all| all.get(parameter));
        let default = declared.and_then(|one| one.get("Default")).filter(|value| !value.is_null());
        default.map_or_else(|| "placeholder".to_owned(), |value| self.placeholder(value))
    }
}

/// Refuses parameters that the template does not declare: emulators take them silently, AWS does not.
pub(crate) fn refuse_unknown(workspace: &Workspace, parameters: &BTreeMap<String, String>) -> Result<()> {
    let template = Template::read(workspace)?;
    let declared = template.parameters();
    let unknown: Vec<_> =
        parameters.keys().filter(|name| !declared.contains(&name.as_str())).cloned().collect();
    if !unknown.is_empty() {
        bail!("{FILE} declares no parameter {}; it declares {}", unknown.join(", "), declared.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_joins_the_global_one_and_fills_in_what_only_a_deployment_knows() {
        let template = Template::parse(
            "Parameters: { Stage: { Type: String, Default: dev }, Open: { Type: String } }
Globals: { Function: { Environment: { Variables: { STAGE: !Ref Stage, LEVEL: info } } } }
Resources:
  OrdersApi:
    Properties: { Environment: { Variables: { ORDERS_TABLE: !Ref Orders, OPEN: !Ref Open, LIMIT: 5, LEVEL: debug } } }
",
        )
        .unwrap();
        let expected = [
            ("LEVEL", "debug"),
            ("LIMIT", "5"),
            ("OPEN", "placeholder"),
            ("ORDERS_TABLE", "placeholder"),
            ("STAGE", "dev"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(template.environment("OrdersApi"), BTreeMap::from(expected));
        assert_eq!(template.parameters(), ["Stage", "Open"]);
    }
}
