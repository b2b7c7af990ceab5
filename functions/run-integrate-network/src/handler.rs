//! One call into the area.

use std::sync::Arc;

use commissions::{
    Commissions,
    steps::{self, Sources},
    task::{Answer, Task},
};
use foundation::problem::Fault;

pub(crate) struct Shared {
    pub(crate) store: Commissions,
    pub(crate) sources: Sources,
    pub(crate) people_per_part: Option<usize>,
}

pub(crate) async fn handle(shared: Arc<Shared>, task: Task) -> Result<Answer, Fault> {
    let Shared { store, sources, people_per_part } = &*shared;
    steps::integrate_network(store, sources, &task, *people_per_part, lambda::now()).await
}
