//! What the paths share.

use aws::{Queue, Workflow};
use calendar::Calendar;
use commissions::{Commissions, run::Run, statement::Viewer, task::execution_input};
use foundation::{permission::Permission, problem::Fault};
use lambda::http::{Caller, MissingPermission};
use network::People;
use serde::Serialize;

pub(crate) struct Shop {
    pub(crate) store: Commissions,
    pub(crate) people: People,
    pub(crate) calendar: Calendar,
    pub(crate) machine: Workflow,
    pub(crate) simulations: Queue,
}

impl Shop {
    /// Lets the state machine go on with a run. Starting the same execution again is no second one.
    pub(crate) async fn drive(&self, run: &Run) -> Result<(), Fault> {
        Ok(self.machine.start(&run.execution_name(), execution_input(run)).await?)
    }

    /// Calls back an execution that waits. One that does not wait any more has gone on already.
    pub(crate) async fn call_back(&self, token: &str) -> Result<(), Fault> {
        self.machine.succeed(token, "{}".to_owned()).await?;
        Ok(())
    }
}

/// A page of things.
#[derive(Serialize)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Whether the caller sees what a run pays: once it is published, everyone who may see the run.
pub(crate) fn sees_bonuses(caller: &Caller, published: bool) -> bool {
    published || caller.may(Permission::ViewPartialCommissions)
}

/// Refuses a caller who does not see what a run pays.
pub(crate) fn must_see_bonuses(caller: &Caller, published: bool) -> Result<(), MissingPermission> {
    if sees_bonuses(caller, published) {
        Ok(())
    } else {
        Err(MissingPermission(Permission::ViewPartialCommissions))
    }
}

/// What of a statement the caller sees.
pub(crate) fn viewer(caller: &Caller) -> Viewer {
    Viewer {
        sees_partial: caller.may(Permission::ViewPartialCommissions),
        sees_hidden: caller.may(Permission::CommissionsRead),
    }
}
