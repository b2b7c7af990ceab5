//! Each step of a run gives the same bytes, items and postings wherever it is stopped.

use aws::{Aws, Env, idempotency::Claim};
use commissions::{
    Commissions,
    run::{Run, Start, Trigger},
};
use faults::{
    sandbox::Sandbox,
    trial::{Survived, survive},
};
use jiff::Timestamp;
use orders::store::loads::Loads;
use serde_json::{Value, json};
use testkit::{api::Client, stack::Stack};

/// So many people, of whom more earn than fit into one batch of payables: a chain that ends in two of equal length.
const PEOPLE: usize = 24;
/// Who the second end hangs under, and who begins it.
const FORK: (usize, usize) = (11, 18);
/// Parts of at most so many people: each end is one.
const PEOPLE_PER_PART: &str = "6";
const RUN: &str = "run-1";
const CYCLE: &str = "2020-10";
const PROCESS: &str = "monthly";
const STEPS: [&str; 9] = [
    "verify-network",
    "integrate-network",
    "calculate-indicators",
    "calculate-rank",
    "calculate-bonuses",
    "integrate-indicators",
    "validate-bonuses",
    "apply-honorific-rank",
    "pay",
];

struct Company {
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

fn plan() -> Value {
    json!({
        "format": 1, "name": {"es": "Plan de prueba", "en": "Test plan"}, "version": 1, "time_zone": "America/Bogota",
        "currencies": {"base": "COP"},
        "activity": {"rule": "own_vq >= 100"},
        "catalogue": {"enabled": ["PVQ", "PVC", "TVQ"]},
        "ranks": {"steps": [{"code": "bronce", "name": {"es": "Bronce", "en": "Bronze"}, "rule": "own_vq >= 100"}]},
        "bonuses": [{
            "code": "residual", "name": {"es": "Bono residual", "en": "Residual bonus"},
            "pays": {"unilevel": {
                "on": {"orders": "vc"}, "rates": {"by-level": ["0.10", "0.05"]}, "qualified": "active", "compression": "dynamic",
            }},
        }],
    })
}

fn person(number: usize) -> String {
    format!("P{number:02}")
}

impl Company {
    /// People, a cycle of orders, a plan, a process and a run of it that has done nothing yet. A network of more than so many people is
    /// computed in parts, 0 for never.
    fn found(mark: &str, people_per_part: &str) -> Self {
        let sandbox = Sandbox::beside(Stack::from_env().unwrap(), mark).unwrap();
        let sandbox = sandbox.with("PEOPLE_PER_PART", people_per_part);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let company = Self { sandbox, runtime };
        company.register();
        let days = json!({"first_day": "2020-10-01", "last_day": "2020-10-31"});
        company.ask("calendar-api", "PUT", &format!("/cycles/{CYCLE}"), &days);
        company.runtime.block_on(company.sell());
        company.ask("commissions-api", "POST", &format!("/plans?name={PROCESS}"), &plan());
        company.ask("commissions-api", "POST", &format!("/plans/{PROCESS}/1/publication"), &json!({}));
        let process = json!({
            "name": {"es": "Mensual", "en": "Monthly"}, "category": "monthly", "calendar": "commercial", "plan": PROCESS,
            "steps": STEPS,
        });
        company.ask("commissions-api", "PUT", &format!("/processes/{PROCESS}"), &process);
        company.runtime.block_on(company.start());
        company
    }

    fn ask(&self, function: &str, method: &str, target: &str, body: &Value) -> Value {
        self.sandbox.request(function, method, target, body).unwrap()
    }

    fn register(&self) {
        for number in 0..PEOPLE {
            let id = person(number);
            let mut body = json!({
                "id": id, "kind": "consultant", "name": format!("Ana {number}"), "country": "CO",
                "document": {"type": "CC", "number": format!("{}", 1_000 + number)},
                "email": format!("ana{number}@ceiba.example"), "joined_on": "2020-01-01",
            });
            if number > 0 {
                body["parent"] = json!(person(if number == FORK.1 { FORK.0 } else { number - 1 }));
                body["sponsor"] = body["parent"].clone();
            }
            let key = format!("/people?person={id}");
            self.ask("network-register", "POST", &key, &body);
        }
    }

    /// Everybody pays an order.
    async fn sell(&self) {
        let mut env = Env::of(self.sandbox.environment("orders-loads").unwrap());
        let aws = Aws::new(&mut env);
        let loads = Loads::new(&aws, &mut env);
        env.complete().unwrap();
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let claim = Claim::new("office-1", "load", "create-order-load", &()).unwrap();
        let upload = loads.create("L1".parse().unwrap(), "office-1", &claim, at).await.unwrap();
        let header = "id,person,paid_at,currency,net,gross,vq,vc".to_owned();
        let lines = (0..PEOPLE).map(|number| {
            format!("O{number:02},{},2020-10-10T17:00:00Z,COP,200,238,200,{}", person(number), 200 + number)
        });
        let csv: Vec<_> = std::iter::once(header).chain(lines).collect();
        Client::new("").upload(&upload.url, "text/csv", csv.join("\n").into_bytes()).unwrap();
        loads.start(&upload.load.id).await.unwrap();
        let body = json!({"load": "L1", "correlation": "fault-trial"}).to_string();
        let event = json!({"Records": [{"messageId": "m-1", "body": body, "attributes": {}}]});
        for _ in 0..10 {
            self.sandbox.invoke("orders-load", &event, None).unwrap().success().unwrap();
            let load = json!(loads.find(&upload.load.id).await.unwrap());
            assert_ne!(load["state"], "failed", "{load}");
            if load["state"] == "done" {
                assert_eq!(load["loaded"], PEOPLE, "{load}");
                return;
            }
        }
        panic!("the orders were not loaded");
    }

    async fn start(&self) {
        let mut env = Env::of(self.sandbox.environment("commissions-api").unwrap());
        let aws = Aws::new(&mut env);
        let store = Commissions::new(&aws, &mut env);
        let process = store.process(&PROCESS.parse().unwrap()).await.unwrap();
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let start = Start {
            id: RUN.parse().unwrap(),
            cycle: CYCLE.parse().unwrap(),
            trigger: Trigger::Api,
            by: "office-1".to_owned(),
            at,
            correlation: "fault-trial".to_owned(),
        };
        store.create_run(Run::start(&process, start), Ok(()), None, at).await.unwrap();
    }

    /// What the state machine would do next: the event of the next step's function.
    fn next(&self) -> Value {
        let question = json!({"run": RUN, "execution": 1, "correlation": "fault-trial"});
        let decided = self.sandbox.invoke("run-next-step", &question, None).unwrap();
        let mut task = decided.success().unwrap().clone();
        task.as_object_mut().unwrap().remove("execution");
        if task["step"] == "validate-bonuses" {
            task["token"] = json!("fault-trial-token");
        }
        task
    }

    /// The tasks of the parts that a step joins.
    fn parts(&self, task: &Value) -> Vec<Value> {
        let Some(key) = task["parts"]["key"].as_str() else { return Vec::new() };
        let state = self.sandbox.state("run-calculate-part").unwrap();
        let list: Vec<Value> = serde_json::from_slice(&state.buckets["RUNS_BUCKET"][key]).unwrap();
        let asked = |item: &Value| {
            let mut asked = task.clone();
            asked.as_object_mut().unwrap().remove("parts");
            asked["part"] = item["part"].clone();
            asked
        };
        list.iter().map(asked).collect()
    }

    fn do_step(&self, task: &Value) {
        for part in self.parts(task) {
            self.sandbox.invoke("run-calculate-part", &part, None).unwrap().success().unwrap();
        }
        self.do_step_alone(task);
    }

    fn do_step_alone(&self, task: &Value) {
        let step = task["step"].as_str().unwrap();
        self.sandbox.invoke(&format!("run-{step}"), task, None).unwrap().success().unwrap();
        if step == "validate-bonuses" {
            let approval = json!({"decision": "approve", "comment": "Revisado"});
            self.ask("commissions-api", "POST", &format!("/runs/{RUN}/approval"), &approval);
        }
    }
}

/// Does all steps before `step`, then lets every call of `step` fail.
fn trial(step: &str) -> Survived {
    let company = Company::found(step, "0");
    for _ in 0..STEPS.len() {
        let task = company.next();
        if task["step"] == step {
            return survive(&company.sandbox, &format!("run-{step}"), &task).unwrap();
        }
        company.do_step(&task);
    }
    panic!("the run never came to {step}");
}

#[test]
fn a_simulation_survives_the_failure_of_each_call() {
    let company = Company::found("simulate", "0");
    loop {
        let task = company.next();
        if task["step"] == "integrate-indicators" {
            break;
        }
        company.do_step(&task);
    }
    let mut other = plan();
    other["bonuses"][0]["pays"]["unilevel"]["rates"]["by-level"][0] = json!("0.12");
    let asked =
        company.ask("commissions-api", "POST", "/simulations", &json!({"run": RUN, "document": other}));
    let body = json!({"simulation": asked["id"], "correlation": "fault-trial"}).to_string();
    let event = json!({"Records": [{"messageId": "m-1", "body": body, "attributes": {}}]});
    let survived = survive(&company.sandbox, "commissions-simulate", &event).unwrap();
    assert_eq!(survived.faults, 4 * survived.calls.len(), "{survived:?}");
    let path = format!("/simulations/{}", asked["id"].as_str().unwrap());
    let done = company.ask("commissions-api", "GET", &path, &json!(null));
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["summary"]["losers"], 0, "{done}");
    assert!(done["summary"]["winners"].as_u64().is_some_and(|winners| winners > 0), "{done}");
}

macro_rules! trials {
    ($($name:ident = $step:literal,)*) => {$(
        #[test]
        fn $name() {
            let survived = trial($step);
            assert!(survived.faults > 0 && survived.faults == 4 * survived.calls.len(), "{survived:?}");
        }
    )*};
}

trials! {
    verify_network_survives_the_failure_of_each_call = "verify-network",
    integrate_network_survives_the_failure_of_each_call = "integrate-network",
    calculate_indicators_survives_the_failure_of_each_call = "calculate-indicators",
    calculate_rank_survives_the_failure_of_each_call = "calculate-rank",
    calculate_bonuses_survives_the_failure_of_each_call = "calculate-bonuses",
    integrate_indicators_survives_the_failure_of_each_call = "integrate-indicators",
    validate_bonuses_survives_the_failure_of_each_call = "validate-bonuses",
    apply_honorific_rank_survives_the_failure_of_each_call = "apply-honorific-rank",
    pay_survives_the_failure_of_each_call = "pay",
}

/// Names of the files of a step, which carry the hash of their bytes; without those that only a network in parts has.
fn files_of(company: &Company, step: &str) -> Vec<String> {
    let state = company.sandbox.state("run-calculate-part").unwrap();
    let is_result = |name: &&str| !["part", "manifest", "cut"].iter().any(|other| name.starts_with(other));
    let of_step = state.buckets["RUNS_BUCKET"].keys().filter(|key| key.contains(&format!("/{step}/1/")));
    of_step.filter_map(|key| key.rsplit('/').next()).filter(is_result).map(str::to_owned).collect()
}

#[test]
fn a_network_in_parts_gives_the_files_of_the_whole_and_survives_the_failure_of_each_call_of_a_part() {
    let whole = Company::found("whole", "0");
    let parts = Company::found("parts", PEOPLE_PER_PART);
    let mut faults = 0;
    for step in &STEPS[..5] {
        let (task, cut) = (whole.next(), parts.next());
        assert_eq!((&task["step"], &cut["step"]), (&json!(step), &json!(step)));
        whole.do_step(&task);
        let asked = parts.parts(&cut);
        assert_eq!(
            asked.len(),
            if step.starts_with("calculate-") && !step.ends_with("bonuses") { 2 } else { 0 },
            "{step}"
        );
        for part in &asked {
            faults += survive(&parts.sandbox, "run-calculate-part", part).unwrap().faults;
        }
        parts.do_step_alone(&cut);
        let files = files_of(&whole, step);
        assert!(*step == "verify-network" || !files.is_empty(), "{step}");
        assert_eq!(files, files_of(&parts, step), "{step}");
    }
    assert!(faults > 0);
}
