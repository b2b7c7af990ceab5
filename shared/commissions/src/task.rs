//! What the state machine and its functions say to each other: references, never data.

use foundation::id::{CycleId, ProcessId, RunId};
use serde::{Deserialize, Serialize};

use crate::{run::Run, step::Step};

/// What a step's function is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The run.
    pub run: RunId,
    /// Its cycle.
    pub cycle: CycleId,
    /// Its process.
    pub process: ProcessId,
    /// The step.
    pub step: Step,
    /// The attempt.
    pub attempt: u32,
    /// The id that leads through the logs.
    pub correlation: String,
    /// With what the execution is called back, if the step waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What the function that computes one part of a large network is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartTask {
    /// The step the part is computed for.
    #[serde(flatten)]
    pub task: Task,
    /// Which part, from 1.
    pub part: usize,
}

/// What `integrate-network` counts the parts of a large network as.
pub const PARTS: &str = "parts";

/// Where the parts of a large network are listed: a JSON array with an object for each, which becomes a part of [`PartTask`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartList {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}

/// What a step's function answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The step that is done.
    pub step: Step,
    /// The attempt.
    pub attempt: u32,
}

impl Task {
    /// The answer when it is done.
    pub fn done(&self) -> Answer {
        Answer { step: self.step, attempt: self.attempt }
    }
}

/// What `run-next-step` is asked: by the schedule, by a new execution, after a step, after a failure, when all is paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Question {
    /// What started the execution.
    #[serde(default)]
    pub trigger: Option<String>,
    /// The run; none when due runs are looked for.
    #[serde(default)]
    pub run: Option<RunId>,
    /// Which of the run's executions asks.
    #[serde(default)]
    pub execution: Option<u32>,
    /// Look for a due cycle of this process only, even if it is not scheduled.
    #[serde(default)]
    pub process: Option<ProcessId>,
    /// The id of the fact that all payables of the run are paid, where that started the execution.
    #[serde(default)]
    pub fact: Option<String>,
    /// Why the execution stops.
    #[serde(default)]
    pub failure: Option<MachineFailure>,
}

/// A failure as the state machine catches it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MachineFailure {
    /// The error's name.
    #[serde(rename = "Error", default)]
    pub error: String,
    /// JSON of the function's error, or a text.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

/// Longer causes are cut: they stand in the log.
const DETAIL_CHARACTERS_MAX: usize = 2_000;

impl MachineFailure {
    /// What can be shown of it.
    pub fn detail(&self) -> String {
        #[derive(Deserialize)]
        struct FunctionError {
            #[serde(rename = "errorMessage")]
            message: String,
        }
        let message = serde_json::from_str::<FunctionError>(&self.cause).map(|error| error.message);
        message.unwrap_or_else(|_| self.cause.clone()).chars().take(DETAIL_CHARACTERS_MAX).collect()
    }
}

/// What `run-next-step` answers: the whole state of the execution from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The step to be done, or `none`.
    pub step: String,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Its cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<CycleId>,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessId>,
    /// The attempt.
    #[serde(default)]
    pub attempt: u32,
    /// Which of the run's executions this is.
    #[serde(default)]
    pub execution: u32,
    /// The id that leads through the logs.
    #[serde(default)]
    pub correlation: String,
    /// The parts that are computed side by side before the step, where the network is that large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartList>,
}

/// What stands in [`Decided::step`] when there is nothing to do.
pub const NOTHING: &str = "none";

impl Decided {
    /// Nothing is to be done.
    pub fn nothing(correlation: String) -> Self {
        Self {
            step: NOTHING.to_owned(),
            run: None,
            cycle: None,
            process: None,
            attempt: 0,
            execution: 0,
            correlation,
            parts: None,
        }
    }

    /// The attempt at the step of `run` is to be made.
    pub fn step(run: &Run, step: Step, attempt: u32) -> Self {
        Self {
            step: step.name().to_owned(),
            run: Some(run.id.clone()),
            cycle: Some(run.cycle.clone()),
            process: Some(run.process.clone()),
            attempt,
            execution: run.execution,
            correlation: run.correlation.clone(),
            parts: None,
        }
    }
}

/// The input a run's execution is started with.
pub fn execution_input(run: &Run) -> String {
    serde_json::json!({
        "trigger": run.trigger,
        "run": run.id,
        "process": run.process,
        "cycle": run.cycle,
        "execution": run.execution,
        "correlation": run.correlation,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the project, by its path from the root.
    fn file(path: &str) -> serde_json::Value {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        serde_json::from_str(&std::fs::read_to_string(format!("{root}{path}")).unwrap()).unwrap()
    }

    fn state_of(step: Step) -> String {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        step.name().split('-').map(capital).collect()
    }

    #[test]
    fn the_machine_has_a_state_for_each_step_that_is_available_and_tells_it_what_it_reads() {
        let machine = file("infra/commission-process.asl.json");
        let choices = machine["States"]["Dispatch"]["Choices"].as_array().unwrap();
        let led_to = |step: Step| choices.iter().find(|choice| choice["StringEquals"] == step.name());
        for step in Step::ALL.iter().copied() {
            let Some(choice) = led_to(step) else {
                assert!(!step.is_available(), "no choice leads to {step}");
                continue;
            };
            assert!(step.is_available(), "{step} is not available and dispatched");
            assert_eq!(choice["Next"], state_of(step));
            let state = &machine["States"][state_of(step)];
            assert_eq!(state["Next"], "NextStep", "{step}");
            let given = state["Parameters"].get("Payload").unwrap_or(&state["Parameters"]);
            let named: Vec<_> =
                given.as_object().unwrap().keys().map(|key| key.trim_end_matches(".$")).collect();
            let mut read = vec!["run", "cycle", "process", "step", "attempt", "correlation"];
            read.extend((step == Step::ValidateBonuses).then_some("token"));
            assert_eq!(named, read, "{step}");
        }
        assert_eq!(machine["States"]["Dispatch"]["Default"], "Done", "{NOTHING} leads to the end");
    }

    #[test]
    fn steps_whose_network_is_cut_compute_its_parts_first() {
        let machine = file("infra/commission-process.asl.json");
        let choices = machine["States"]["Dispatch"]["Choices"].as_array().unwrap();
        assert_eq!(
            choices[0]["And"][0]["IsPresent"], true,
            "the choice that looks at parts has to come first"
        );
        assert_eq!(choices[0]["Next"], "CalculateParts");
        let joins = machine["States"]["JoinParts"]["Choices"].as_array().unwrap();
        for step in Step::ALL.iter().filter(|step| step.is_available()) {
            let asked = choices[0]["And"][1]["Or"].as_array().unwrap();
            let is_asked = asked.iter().any(|choice| choice["StringEquals"] == step.name());
            let join = joins.iter().find(|choice| choice["StringEquals"] == step.name());
            assert_eq!(is_asked, step.is_computed_by_parts(), "{step}");
            assert_eq!(
                join.map(|join| join["Next"].clone()),
                is_asked.then(|| state_of(*step).into()),
                "{step}"
            );
        }
    }

    #[test]
    fn what_next_step_answers_is_what_it_is_asked_with_after_the_step() {
        let decided = Decided { execution: 3, ..Decided::nothing("c-12345678".into()) };
        let decided = Decided { run: Some("R1".parse().unwrap()), ..decided };
        let asked: Question = serde_json::from_value(serde_json::to_value(&decided).unwrap()).unwrap();
        assert_eq!((asked.run, asked.execution, asked.failure), (decided.run, Some(3), None));
    }

    #[test]
    fn sample_events_are_read() {
        for step in Step::ALL.iter().filter(|step| step.is_available()) {
            let task: Task =
                serde_json::from_value(file(&format!("events/run-{step}/first-attempt.json"))).unwrap();
            assert_eq!(task.step, *step);
            assert_eq!(task.token.is_some(), *step == Step::ValidateBonuses);
        }
        let part: PartTask =
            serde_json::from_value(file("events/run-calculate-part/second-part.json")).unwrap();
        assert_eq!((part.task.step, part.part), (Step::CalculateIndicators, 2));
        let question = |case: &str| -> Question {
            serde_json::from_value(file(&format!("events/run-next-step/{case}.json"))).unwrap()
        };
        assert_eq!(question("schedule").run, None);
        assert_eq!(question("after-a-step").execution, Some(1));
        assert!(question("failure").failure.unwrap().detail().starts_with("run.network-invalid"));
        assert!(question("all-paid").fact.is_some());
    }

    #[test]
    fn the_message_of_a_functions_error_is_taken_out_of_its_cause() {
        let cases = [
            (r#"{"errorType":"Rejected","errorMessage":"run.x: why"}"#, "run.x: why"),
            ("Task timed out", "Task timed out"),
        ];
        for (cause, expected) in cases {
            let failure = MachineFailure { error: "Rejected".into(), cause: cause.into() };
            assert_eq!(failure.detail(), expected);
        }
    }
}
