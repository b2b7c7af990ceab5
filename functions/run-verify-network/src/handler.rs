//! One call into the area.

use std::sync::Arc;

use commissions::{
    Commissions,
    steps::{self, Sources},
    task::{Answer, Task},
};
use foundation::problem::Fault;

pub(crate) async fn handle(shared: Arc<(Commissions, Sources)>, task: Task) -> Result<Answer, Fault> {
    let (store, sources) = &*shared;
    steps::verify_network(store, sources, &task, lambda::now()).await
}
