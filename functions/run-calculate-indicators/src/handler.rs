//! One call into the area.

use std::sync::Arc;

use commissions::{
    Commissions, steps,
    task::{Answer, Task},
};
use foundation::problem::Fault;

pub(crate) async fn handle(store: Arc<Commissions>, task: Task) -> Result<Answer, Fault> {
    steps::calculate_indicators(&store, &task, lambda::now()).await
}
