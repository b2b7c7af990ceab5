//! Simulations: a stored run computed anew under another plan and compared with what was stored, before anyone is promised anything.

use foundation::{
    id::{CycleId, ProcessId, RunId, SimulationId},
    locale::Text,
    problem::{FieldError, Kind, Problem},
};
use jiff::Timestamp;
use plan::{InvalidPlan, Plan, PlanError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use simulation::Summary;

use crate::{
    freeze::{Context, Earlier},
    manifest::FileReference,
    plans::{PlanName, PlanReference, PlanState, PlanStateError, PlanVersion},
    run::{ManifestReference, Run, RunState},
    step::Step,
    view::ProgressView,
};

/// Steps whose results a simulation reads, the one that froze the network first.
const READ: [Step; 4] =
    [Step::IntegrateNetwork, Step::CalculateIndicators, Step::CalculateRank, Step::CalculateBonuses];

/// Which run is simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Run(RunId),
    /// The one a process has for a cycle.
    Of(ProcessId, CycleId),
}

/// Under which plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Other {
    /// A draft or a published version.
    Version(PlanName, u32),
    /// A document that is not kept as a version of a plan.
    Document(Value),
}

impl Other {
    /// Where in the request a place of the plan's document stands.
    fn pointer(&self, within: &str) -> String {
        match self {
            Self::Version(..) => "/plan".to_owned(),
            Self::Document(_) => format!("/document{within}"),
        }
    }

    /// The mistakes of the document, by their places in the request.
    pub(crate) fn mistakes(&self, mistakes: Vec<PlanError>) -> InvalidPlan {
        let placed = |mistake: PlanError| PlanError { pointer: self.pointer(&mistake.pointer), ..mistake };
        InvalidPlan(mistakes.into_iter().map(placed).collect())
    }

    /// Whether a run of the plan `stored` can be computed under `plan`, which is this one.
    pub(crate) fn fits(&self, stored: &Plan, plan: &Plan) -> Result<(), SimulationError> {
        fits(stored, plan, &|within| self.pointer(within))
    }
}

/// Whether a run of the plan `stored` can be computed under `plan`: the snapshot holds money in the base currency and days of the time zone.
/// `pointer` says where the request names a place of the plan's document.
pub(crate) fn fits(
    stored: &Plan,
    plan: &Plan,
    pointer: &dyn Fn(&str) -> String,
) -> Result<(), SimulationError> {
    let (stored, plan) = (stored.document(), plan.document());
    let bases = [
        ("/currencies/base", stored.currencies.base.code(), plan.currencies.base.code()),
        ("/time_zone", stored.time_zone.as_str(), plan.time_zone.as_str()),
    ];
    let different = |(within, expected, found): (&str, &str, &str)| FieldError {
        pointer: pointer(within),
        detail: format!("expected {expected} as in the plan of the run; found {found}"),
    };
    let different: Vec<_> =
        bases.into_iter().filter(|(_, expected, found)| expected != found).map(different).collect();
    if different.is_empty() { Ok(()) } else { Err(SimulationError::OtherBasis(different)) }
}

/// The plan a simulation computes by. The document lies under its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedPlan {
    /// The plan it is a version of; none for a document that came with the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PlanName>,
    /// The version, as the document counts it.
    pub version: u32,
    /// What people call it.
    pub title: Text,
    /// SHA-256 of the canonical document.
    pub hash: String,
}

impl SimulatedPlan {
    /// A version of a plan, unless it is retired.
    pub(crate) fn of_version(version: PlanVersion) -> Result<Self, PlanStateError> {
        let PlanVersion { name, version, title, state, hash, .. } = version;
        if state == PlanState::Retired {
            return Err(PlanStateError::WrongState { name, version, state });
        }
        Ok(Self { name: Some(name), version, title, hash })
    }

    /// A plan that is no version.
    pub(crate) fn of_document(plan: &Plan) -> Self {
        let document = plan.document();
        Self {
            name: None,
            version: document.version,
            title: document.name.clone(),
            hash: plan.hash().to_owned(),
        }
    }
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SimulationState {
    /// It waits for its turn.
    Queued,
    /// Its cycles are being computed under the other plan.
    Computing,
    /// The result is there.
    Done,
    /// It cannot be done.
    Failed,
}

impl SimulationState {
    /// The states in which it still changes.
    pub(crate) const OPEN: [Self; 2] = [Self::Queued, Self::Computing];

    /// Whether it has its end.
    pub fn is_over(self) -> bool {
        !Self::OPEN.contains(&self)
    }
}

/// What changes in one of the cycles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleSummary {
    /// The cycle.
    pub cycle: CycleId,
    /// Its stored run.
    pub run: RunId,
    /// What changes.
    pub summary: Summary,
}

/// Cycles a simulation takes at most.
pub const CYCLES_MAX: u8 = 12;

/// A simulation that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// Its id; sorts by the time of asking.
    pub id: SimulationId,
    /// The stored run; of several cycles, that of the last.
    pub run: RunId,
    /// Its process.
    pub process: ProcessId,
    /// Its cycle.
    pub cycle: CycleId,
    /// How many cycles, up to and with this one. Each goes on from the one before under the other plan.
    pub cycles: u8,
    /// How many of them are computed.
    pub cycles_done: u8,
    /// Whether everyone could see the run's results when it was asked for.
    pub published: bool,
    /// The plan the run was computed by: A of the comparison.
    pub stored_plan: PlanReference,
    /// The plan it is computed by anew: B of the comparison.
    pub plan: SimulatedPlan,
    /// What the steps of the run had written when it was asked for: that of `integrate-network`, of the indicators, ranks and
    /// bonuses. Attempts made later change nothing.
    pub stored: Vec<ManifestReference>,
    /// Who asked: a token's subject.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// The id that leads through the logs.
    pub correlation: String,
    /// How far it is.
    pub state: SimulationState,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What it found, over all cycles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// What it found in each cycle, the earliest first; between which ranks people moved stands in its files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_cycle: Vec<CycleSummary>,
    /// What it wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileReference>,
    /// Why it cannot be done, as the API tells problems; until it is over, why it was not done yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
}

/// Who asks for a simulation, when, and how it is called.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The id of the new simulation.
    pub id: SimulationId,
    /// How many cycles.
    pub cycles: u8,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The id that leads through the logs.
    pub correlation: String,
}

/// A message of the queue: do this simulation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulationTask {
    /// Which.
    pub simulation: SimulationId,
    /// The id that leads through the logs.
    pub correlation: String,
}

/// Why a run is not simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The run has not come to its bonuses.
    #[error("run {run} has no bonuses to compare with: it is {}", .state.name())]
    NoBonuses {
        /// The run.
        run: RunId,
        /// Where it is.
        state: RunState,
    },
    /// It was asked for more cycles than are stored.
    #[error("{asked} cycles were asked for; {known} with bonuses are stored up to run {run}")]
    TooFewCycles {
        /// The run.
        run: RunId,
        /// How many were asked for.
        asked: u8,
        /// How many there are.
        known: usize,
    },
    /// The plan counts in another currency or in other days than the snapshot.
    #[error("a stored cycle is simulated in the base currency and time zone of its own plan")]
    OtherBasis(Vec<FieldError>),
    /// It was begun several times and never came to its end.
    #[error("the simulation was interrupted too often")]
    GivenUp,
}

impl Problem for SimulationError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoBonuses { .. } | Self::TooFewCycles { .. } => Kind::Conflict,
            Self::OtherBasis(_) => Kind::Rejected,
            Self::GivenUp => Kind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NoBonuses { .. } => "simulation.no-bonuses",
            Self::TooFewCycles { .. } => "simulation.too-few-cycles",
            Self::OtherBasis(_) => "simulation.other-basis",
            Self::GivenUp => "simulation.given-up",
        }
    }
    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::OtherBasis(fields) => fields.clone(),
            Self::NoBonuses { .. } | Self::TooFewCycles { .. } | Self::GivenUp => Vec::new(),
        }
    }
}

/// What of a run is stored for a simulation: its plan, and the manifests of the steps it reads.
pub(crate) fn stored_results(run: &Run) -> Result<(PlanReference, Vec<ManifestReference>), SimulationError> {
    let missing = || SimulationError::NoBonuses { run: run.id.clone(), state: run.state };
    let manifests = READ.iter().map(|step| run.result(*step)?.manifest.clone()).collect::<Option<_>>();
    Ok((run.plan.clone().ok_or_else(missing)?, manifests.ok_or_else(missing)?))
}

impl Simulation {
    /// The simulation of `run` under `plan`.
    pub fn of(run: &Run, plan: SimulatedPlan, asked: Asked) -> Result<Self, SimulationError> {
        let (stored_plan, stored) = stored_results(run)?;
        Ok(Self {
            id: asked.id,
            run: run.id.clone(),
            process: run.process.clone(),
            cycle: run.cycle.clone(),
            cycles: asked.cycles,
            cycles_done: 0,
            published: run.is_published(),
            stored_plan,
            plan,
            stored,
            requested_by: asked.by,
            requested_at: asked.at,
            correlation: asked.correlation,
            state: SimulationState::Queued,
            finished_at: None,
            summary: None,
            by_cycle: Vec::new(),
            files: Vec::new(),
            problem: None,
        })
    }

    /// The stored runs that are simulated, the earliest first: `last` and those its context names before it.
    pub(crate) fn chain(&self, last: Earlier, context: &Context) -> Result<Vec<Earlier>, SimulationError> {
        let mut chain = vec![last];
        let with_bonuses =
            context.earlier.iter().take_while(|earlier| earlier.file("payouts.parquet").is_some());
        chain.extend(with_bonuses.take(usize::from(self.cycles).saturating_sub(1)).cloned());
        if chain.len() < usize::from(self.cycles) {
            let (run, asked, known) = (self.run.clone(), self.cycles, chain.len());
            return Err(SimulationError::TooFewCycles { run, asked, known });
        }
        chain.reverse();
        Ok(chain)
    }

    /// Its message in the queue.
    pub(crate) fn task(&self) -> SimulationTask {
        SimulationTask { simulation: self.id.clone(), correlation: self.correlation.clone() }
    }
}

/// What a simulation read and wrote, as it lies beside its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulationManifest {
    /// Version of this document's shape: 1.
    pub format: u32,
    /// The simulation.
    pub simulation: SimulationId,
    /// The stored run.
    pub run: RunId,
    /// Its plan: A of the comparison.
    pub stored_plan: PlanReference,
    /// The plan it was computed by anew: B of the comparison.
    pub plan: SimulatedPlan,
    /// Version of the engine that computed it anew.
    pub engine: String,
    /// Files it read.
    pub inputs: Vec<FileReference>,
    /// Files it wrote.
    pub outputs: Vec<FileReference>,
}

/// A file of a simulation with a short-lived link to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileView {
    /// What it is: `changes.parquet`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Where it is fetched.
    pub url: String,
}

/// A simulation as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimulationView<'a> {
    id: &'a SimulationId,
    run: &'a RunId,
    process: &'a ProcessId,
    cycle: &'a CycleId,
    cycles: u8,
    stored_plan: &'a PlanReference,
    plan: &'a SimulatedPlan,
    requested_by: &'a str,
    requested_at: Timestamp,
    state: SimulationState,
    progress: ProgressView,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Summary>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    by_cycle: &'a [CycleSummary],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Value>,
    correlation: &'a str,
}

impl<'a> SimulationView<'a> {
    /// What is shown of `simulation`; what people are paid is told only to who `sees_bonuses` of the run.
    pub fn of(simulation: &'a Simulation, sees_bonuses: bool, files: Vec<FileView>) -> Self {
        Self {
            id: &simulation.id,
            run: &simulation.run,
            process: &simulation.process,
            cycle: &simulation.cycle,
            cycles: simulation.cycles,
            stored_plan: &simulation.stored_plan,
            plan: &simulation.plan,
            requested_by: &simulation.requested_by,
            requested_at: simulation.requested_at,
            state: simulation.state,
            progress: ProgressView {
                done: usize::from(simulation.cycles_done),
                total: usize::from(simulation.cycles),
            },
            finished_at: simulation.finished_at,
            summary: simulation.summary.as_ref().filter(|_| sees_bonuses),
            by_cycle: if sees_bonuses { &simulation.by_cycle } else { &[] },
            files: if sees_bonuses { files } else { Vec::new() },
            problem: simulation.problem.as_ref(),
            correlation: &simulation.correlation,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::{
        Trigger,
        tests::{started, walk},
    };

    fn plan(change: &Value) -> Plan {
        let mut document = json!({
            "format": 1, "name": {"es": "Prueba", "en": "Test"}, "version": 7, "time_zone": "America/Bogota",
            "currencies": {"base": "COP"}, "activity": {"rule": "own_vq >= 100"},
        });
        for (field, value) in change.as_object().unwrap() {
            document[field] = value.clone();
        }
        Plan::parse(&document.to_string()).unwrap()
    }

    fn asked() -> Asked {
        Asked {
            id: "S1".parse().unwrap(),
            cycles: 2,
            by: "u-1".into(),
            at: Timestamp::UNIX_EPOCH,
            correlation: "c-12345678".into(),
        }
    }

    fn reference() -> PlanReference {
        PlanReference { name: "monthly".parse().unwrap(), version: 1, hash: "h".into() }
    }

    #[test]
    fn a_run_is_simulated_once_it_has_bonuses_and_from_what_it_had_then() {
        let plan = SimulatedPlan::of_document(&plan(&json!({})));
        let mut run = started(Trigger::Api);
        run.plan = Some(reference());
        walk(&mut run, Some(Step::CalculateBonuses));
        let refused = Simulation::of(&run, plan.clone(), asked()).unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "simulation.no-bonuses"));
        let mut run = started(Trigger::Api);
        run.plan = Some(reference());
        walk(&mut run, Some(Step::ValidateBonuses));
        let simulation = Simulation::of(&run, plan, asked()).unwrap();
        let keys: Vec<_> = simulation.stored.iter().map(|manifest| manifest.key.clone()).collect();
        for (key, step) in keys.iter().zip(READ) {
            assert_eq!(*key, run.result(step).unwrap().manifest.as_ref().unwrap().key, "{step}");
        }
        assert_eq!((keys.len(), simulation.state, simulation.published), (4, SimulationState::Queued, false));
        let item = aws::to_item(&simulation).unwrap();
        assert_eq!(aws::from_item::<Simulation>(item).unwrap(), simulation, "what is stored comes back");
    }

    #[test]
    fn what_people_are_paid_is_shown_to_who_may_see_it() {
        let mut run = started(Trigger::Api);
        run.plan = Some(reference());
        walk(&mut run, Some(Step::ValidateBonuses));
        let mut simulation =
            Simulation::of(&run, SimulatedPlan::of_document(&plan(&json!({}))), asked()).unwrap();
        simulation.summary = Some(Summary {
            plan_a: "a".into(),
            plan_b: "b".into(),
            currency: "COP".parse().unwrap(),
            cost_a: "20.00".parse().unwrap(),
            cost_b: "12345678901234567890.12".parse().unwrap(),
            payout_ratio_a: None,
            payout_ratio_b: Some("0.05".parse().unwrap()),
            winners: 1,
            losers: 0,
            unchanged: 2,
            bonuses: vec![],
            rank_flow: vec![simulation::RankFlow { a: String::new(), b: "SILVER".into(), people: 1 }],
        });
        simulation.problem = Some(json!({"status": 422, "code": "run.overflow"}));
        let summary = simulation.summary.clone().unwrap();
        simulation.by_cycle =
            vec![CycleSummary { cycle: "2026-10".parse().unwrap(), run: "R1".parse().unwrap(), summary }];
        let item = aws::to_item(&simulation).unwrap();
        assert_eq!(aws::from_item::<Simulation>(item).unwrap(), simulation);
        let shown = |sees| {
            let file = FileView { name: "f".into(), bytes: 1, sha256: "s".into(), url: "u".into() };
            serde_json::to_value(SimulationView::of(&simulation, sees, vec![file])).unwrap()
        };
        assert_eq!(shown(true)["summary"]["cost_b"], "12345678901234567890.12");
        assert_eq!(shown(true)["files"][0]["url"], "u");
        let hidden = shown(false);
        for member in ["summary", "by_cycle", "files"] {
            assert_eq!((shown(true).get(member).is_some(), hidden.get(member)), (true, None), "{member}");
        }
        assert_eq!(hidden["progress"], json!({"done": 0, "total": 2}));
        assert!(!shown(true).to_string().contains("\"stored\""), "keys of the run's files stay inside");
    }

    #[test]
    fn a_plan_that_counts_otherwise_is_refused_where_the_request_says_it() {
        let stored = plan(&json!({}));
        let other = plan(&json!({"time_zone": "UTC", "currencies": {"base": "USD"}}));
        let pointers = |which: &Other| -> Vec<String> {
            let refused = which.fits(&stored, &other).unwrap_err();
            refused.fields().into_iter().map(|field| field.pointer).collect()
        };
        let document = Other::Document(json!({}));
        assert_eq!(pointers(&document), ["/document/currencies/base", "/document/time_zone"]);
        assert_eq!(pointers(&Other::Version("monthly".parse().unwrap(), 2)), ["/plan", "/plan"]);
        let dearer = plan(&json!({"activity": {"rule": "own_vq >= 200"}}));
        assert!(document.fits(&stored, &dearer).is_ok());
        let mistakes = Plan::parse(r#"{"format": 1}"#).unwrap_err();
        let places = document.mistakes(mistakes).fields();
        assert!(places.iter().all(|field| field.pointer.starts_with("/document")), "{places:?}");
    }

    #[test]
    fn cycles_that_follow_each_other_are_simulated_from_the_earliest_on() {
        let mut run = started(Trigger::Api);
        run.plan = Some(reference());
        walk(&mut run, Some(Step::ValidateBonuses));
        let mut simulation =
            Simulation::of(&run, SimulatedPlan::of_document(&plan(&json!({}))), asked()).unwrap();
        let day = jiff::civil::date(2026, 10, 1);
        let cycle =
            foundation::cycle::Cycle::of_days("c".parse().unwrap(), day, day, &jiff::tz::TimeZone::UTC);
        let earlier = |run: &str, files: &[&str]| Earlier {
            cycle: cycle.clone().unwrap(),
            run: run.parse().unwrap(),
            files: files
                .iter()
                .map(|name| FileReference {
                    name: (*name).into(),
                    key: "k".into(),
                    sha256: "s".into(),
                    bytes: 1,
                })
                .collect(),
        };
        let paid = ["people.parquet", "payouts.parquet"];
        let context = Context {
            cycle: cycle.clone().unwrap(),
            earlier: vec![earlier("R3", &paid), earlier("R2", &paid), earlier("R1", &["people.parquet"])],
        };
        let mut runs = |cycles| -> Result<Vec<String>, SimulationError> {
            simulation.cycles = cycles;
            let chain = simulation.chain(earlier("R4", &paid), &context)?;
            Ok(chain.into_iter().map(|one| one.run.to_string()).collect())
        };
        assert_eq!(runs(1).unwrap(), ["R4"]);
        assert_eq!(runs(3).unwrap(), ["R2", "R3", "R4"]);
        let refused = runs(4).unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (Kind::Conflict, "simulation.too-few-cycles"));
    }

    #[test]
    fn drafts_and_published_versions_are_simulated_and_retired_ones_are_not() {
        let version = |state| PlanVersion {
            name: "monthly".parse().unwrap(),
            version: 2,
            title: Text::default(),
            state,
            hash: "h".into(),
            saved_at: Timestamp::UNIX_EPOCH,
            saved_by: "ana".into(),
            published_at: None,
            retired_at: None,
        };
        for (state, expected) in
            [(PlanState::Draft, true), (PlanState::Published, true), (PlanState::Retired, false)]
        {
            assert_eq!(SimulatedPlan::of_version(version(state)).is_ok(), expected, "{state:?}");
        }
    }

    #[test]
    fn the_sample_message_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/commissions-simulate/simulate.json");
        let event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let body = event["Records"][0]["body"].as_str().unwrap();
        let task: SimulationTask = serde_json::from_str(body).unwrap();
        assert_eq!(serde_json::to_value(&task).unwrap(), serde_json::from_str::<Value>(body).unwrap());
    }
}
