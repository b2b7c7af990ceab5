//! Processes in the table.

use aws::{Attribute, AwsError, Condition, Query, from_item, to_item};
use foundation::{
    id::ProcessId,
    problem::{Fault, NotFound},
};

use super::Commissions;
use crate::{
    keys,
    process::{Configuration, Process, ProcessError},
};

impl Commissions {
    /// All processes, by id.
    pub async fn processes(&self) -> Result<Vec<Process>, Fault> {
        let items = self.table.query_all(Query::partition(keys::PROCESSES).consistent()).await?;
        Ok(items.into_iter().map(from_item).collect::<Result<_, _>>().map_err(AwsError::from)?)
    }

    /// A process.
    pub async fn process(&self, id: &ProcessId) -> Result<Process, Fault> {
        let item = self.table.get(keys::process(id)).await?.ok_or(NotFound("process"))?;
        Ok(from_item(item).map_err(AwsError::from)?)
    }

    /// Configures a process, if its writer has seen the latest version.
    pub async fn configure(&self, id: ProcessId, mut configuration: Configuration) -> Result<Process, Fault> {
        configuration.check()?;
        let version = configuration.version;
        configuration.version = version.saturating_add(1);
        let process = Process { id, configuration };
        let item = keys::process(&process.id).onto(to_item(&process).map_err(AwsError::from)?);
        let condition = match version {
            0 => Condition::Absent,
            known => Condition::Equals("version", Attribute::N(known.to_string())),
        };
        match self.table.put(item, condition).await {
            Ok(()) => Ok(process),
            Err(AwsError::ConditionFailed(standing)) => {
                let standing =
                    standing.map(|item| from_item::<Process>(*item)).transpose().map_err(AwsError::from)?;
                let found = standing.map_or(0, |process| process.configuration.version);
                Err(ProcessError::Changed { given: version, found }.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
