//! From a message of the queue to a comparison.

use std::sync::Arc;

use commissions::{
    Commissions,
    simulations::{SimulationError, SimulationTask},
    steps,
};
use foundation::problem::{Fault, Kind};
use lambda::{http::problem_document, queue::Message};

/// Deliveries after which a simulation is given up: the next one would go to the dead letters.
const DELIVERIES_MAX: u32 = 5;

/// What is refused has failed; a fault is tried again. The last delivery only says that it failed: one that was killed every time could not have
/// said so itself.
pub(crate) async fn handle(store: Arc<Commissions>, message: Message) -> Result<(), Fault> {
    let task: SimulationTask = message.read()?;
    let simulation = store.simulation(&task.simulation).await?;
    if simulation.state.is_over() {
        return Ok(());
    }
    let is_last = DELIVERIES_MAX <= message.deliveries;
    let done = if is_last {
        Err(SimulationError::GivenUp.into())
    } else {
        steps::simulate(&store, &simulation, lambda::now).await
    };
    let Err(fault) = done else { return Ok(()) };
    let is_refused = matches!(fault.kind(), Kind::Rejected | Kind::Invalid | Kind::NotFound | Kind::Conflict);
    let problem = problem_document(&fault, &simulation.correlation);
    if is_refused || is_last {
        // What the delivery before noted says more than that there were too many.
        let problem = simulation.problem.as_ref().filter(|_| is_last).unwrap_or(&problem);
        store.fail_simulation(&simulation.id, problem, lambda::now()).await?;
    } else {
        // The fault of the work is the one to tell, not that of its note.
        let _ = store.note_problem(&simulation.id, &problem).await;
    }
    // What is given up goes to the dead letters, where an alarm tells of it.
    if is_refused { Ok(()) } else { Err(fault) }
}
