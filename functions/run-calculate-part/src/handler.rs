//! One call into the area.

use std::sync::Arc;

use commissions::{
    Commissions, steps,
    task::{Answer, PartTask},
};
use foundation::problem::Fault;

pub(crate) async fn handle(store: Arc<Commissions>, asked: PartTask) -> Result<Answer, Fault> {
    steps::calculate_part(&store, &asked).await
}
