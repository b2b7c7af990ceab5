//! Every call of a function fails once, in every way; what the retry leaves behind is what a run without faults leaves.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    proxy::{Call, Failure, Fault},
    sandbox::Sandbox,
    state::mask,
};

/// What was tried.
#[derive(Clone, Debug)]
pub struct Survived {
    /// The calls of a run without faults.
    pub calls: Vec<Call>,
    /// Faults that were survived.
    pub faults: usize,
}

const LEDGER: &str = "LEDGER_TABLE";

/// Runs `function` on `event` without faults, then from the same state again for each of its calls and each way it can fail, each time
/// followed by a retry. Fails if a retry ends otherwise, or leaves other items, other objects or a ledger out of balance. The sandbox is
/// left as after a run without faults.
pub fn survive(sandbox: &Sandbox, function: &str, event: &Value) -> Result<Survived> {
    let before = sandbox.state(function)?;
    let reference = sandbox.invoke(function, event, None)?;
    let answer = mask(reference.success().with_context(|| format!("{function} without faults"))?);
    let after = sandbox.state(function)?;
    let posts = after.tables.contains_key(LEDGER);
    let mut faults = 0;
    for call in 1..=reference.calls.len() {
        for failure in Failure::ALL {
            let what = || format!("{function}: call {call} ({}) {failure:?}", reference.calls[call - 1]);
            sandbox.restore(function, &before)?;
            let faulty = sandbox.invoke(function, event, Some(Fault { call, failure })).with_context(what)?;
            if faulty.calls.len() < call {
                bail!("{}: it made {} calls only", what(), faulty.calls.len());
            }
            if failure == Failure::Throttled {
                // A moment's throttling is no failure: the SDK tries again.
                faulty.success().with_context(what)?;
            }
            let retry = sandbox.invoke(function, event, None).with_context(what)?;
            let again = mask(retry.success().with_context(what)?);
            let different = after.differences(&sandbox.state(function)?);
            if again != answer {
                bail!("{}: the retry answered {again}, not {answer}", what());
            }
            if !different.is_empty() {
                bail!("{}: the retry left\n{}", what(), different.join("\n"));
            }
            if posts {
                prove(sandbox).with_context(what)?;
            }
            faults += 1;
        }
    }
    sandbox.restore(function, &after)?;
    Ok(Survived { calls: reference.calls, faults })
}

/// Lets the function that proves the ledger prove that of the sandbox.
pub fn prove(sandbox: &Sandbox) -> Result<()> {
    let event = json!({ "Records": [{ "messageId": "1", "body": "{}", "attributes": {} }] });
    sandbox.invoke("ledger-prove", &event, None)?.success()?;
    let state = sandbox.state("ledger-prove")?;
    let proof = &state.tables[LEDGER][&("PROOF".to_owned(), "LAST".to_owned())];
    if proof["balanced"]["BOOL"] != true {
        bail!("the ledger is out of balance: {proof}");
    }
    Ok(())
}
