//! Commission runs: a plan, a process, a cycle with orders; by API and by hand, refused, rejected, approved, paid, read.

use jiff::{ToSpan, civil::date};
use serde_json::{Value, json};
use testkit::api::Client;

use crate::world::{World, assert_refused, await_body, post};

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

/// A process with a plan and a cycle of its own: a day long ago that no other walkthrough has.
pub(crate) struct Company {
    pub(crate) world: World,
    pub(crate) office: Client,
    pub(crate) process: String,
    pub(crate) cycle: String,
    /// Ends the ids of the cycle's orders.
    orders: String,
    day: jiff::civil::Date,
}

pub(crate) fn plan(version: u32) -> Value {
    json!({
        "format": 1, "name": {"es": "Plan de prueba", "en": "Test plan"}, "version": version, "time_zone": "America/Bogota",
        "currencies": {"base": "COP"},
        "activity": {"rule": "own_vq >= 100"},
        "catalogue": {"enabled": ["PVQ", "PVC", "TVQ"], "hidden": ["TVQ"]},
        "ranks": {"steps": [{"code": "bronce", "name": {"es": "Bronce", "en": "Bronze"}, "rule": "own_vq >= 100"}]},
        "bonuses": [{
            "code": "residual", "name": {"es": "Bono residual", "en": "Residual bonus"},
            "pays": {"unilevel": {
                "on": {"orders": "vc"}, "rates": {"by-level": ["0.10", "0.05"]}, "qualified": "active", "compression": "dynamic",
            }},
        }],
    })
}

impl Company {
    pub(crate) fn found(area: &str) -> Self {
        let world = World::open(area);
        let office = world.office("company-admin");
        let digits: i64 = world.mark.trim_start_matches(|mark: char| !mark.is_ascii_digit()).parse().unwrap();
        let day = date(1990, 1, 1).checked_add((digits / 7 % 10_000).days()).unwrap();
        let (process, cycle) = (format!("p{digits}"), format!("c{digits}"));
        let name = format!("/plans?name={process}");
        let saved = post(&office, &name, "plan", &plan(1));
        assert_eq!(saved.status, 201, "{saved}");
        let published = post(&office, &format!("/plans/{process}/1/publication"), "publish", &json!({}));
        assert_eq!(published.body()["state"], "published", "{published}");
        let made =
            office.put(&format!("/cycles/{cycle}"), &json!({"first_day": day, "last_day": day})).unwrap();
        assert!(made.is_success(), "{made}");
        let company = Self { world, office, process, cycle, orders: "o".to_owned(), day };
        let configured = company.office.put(&company.process_path(), &company.configuration(&STEPS)).unwrap();
        assert!(configured.is_success(), "{configured}");
        company
    }

    fn process_path(&self) -> String {
        format!("/processes/{}", self.process)
    }

    fn configuration(&self, steps: &[&str]) -> Value {
        json!({
            "name": {"es": "Prueba", "en": "Test"}, "category": "monthly", "calendar": "commercial", "plan": self.process,
            "steps": steps, "mail": [self.mailbox()],
        })
    }

    fn mailbox(&self) -> String {
        format!("{}@ceiba.example", self.process)
    }

    /// Goes on to the day after.
    pub(crate) fn next_cycle(&mut self) {
        self.day = self.day.tomorrow().unwrap();
        self.cycle = format!("{}n", self.cycle);
        self.orders = format!("{}n", self.orders);
        let days = json!({"first_day": self.day, "last_day": self.day});
        let made = self.office.put(&format!("/cycles/{}", self.cycle), &days).unwrap();
        assert!(made.is_success(), "{made}");
    }

    /// Loads a paid order of 200 points for each person, at noon of the cycle's day.
    pub(crate) fn sell(&self, people: &[&str]) {
        let line = |person: &&str| {
            format!("{person}-{},{person},{}T17:00:00Z,COP,200,238,200,200\n", self.orders, self.day)
        };
        let file = "id,person,paid_at,currency,net,gross,vq,vc\n".to_owned()
            + &people.iter().map(line).collect::<String>();
        let made =
            post(&self.office, "/order-loads", &format!("load-{}-{}", self.process, self.orders), &json!({}));
        assert_eq!(made.status, 201, "{made}");
        let load = format!("/order-loads/{}", made.body()["id"].as_str().unwrap());
        self.office
            .upload(made.body()["upload"]["url"].as_str().unwrap(), "text/csv", file.into_bytes())
            .unwrap();
        assert!(post(&self.office, &format!("{load}/start"), "start", &json!({})).is_success());
        let done =
            await_body(&self.office, &load, |load| load["state"] == "done" || load["state"] == "failed");
        assert_eq!(done["state"], "done", "{done}");
    }

    pub(crate) fn start(&self, key: &str, mode: &str) -> testkit::api::Reply {
        let body = json!({"process": self.process, "cycle": self.cycle, "mode": mode});
        post(&self.office, "/runs", key, &body)
    }

    pub(crate) fn until(&self, run: &str, state: &str) -> Value {
        await_body(&self.office, &format!("/runs/{run}"), |run| {
            assert!(run["state"] != "failed" || state == "failed", "the run failed: {}", run["failure"]);
            run["state"] == state
        })
    }

    fn statement(&self, caller: &Client, person: &str) -> testkit::api::Reply {
        caller.get(&format!("/people/{person}/statements/{}?process={}", self.cycle, self.process)).unwrap()
    }
}

pub(crate) fn id_of(reply: &testkit::api::Reply) -> String {
    assert_eq!(reply.status, 202, "{reply}");
    reply.body()["id"].as_str().unwrap().to_owned()
}

fn step_states(run: &Value) -> Vec<String> {
    let steps = run["steps"].as_array().unwrap();
    steps.iter().map(|step| step["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cycle_is_run_approved_paid_and_read_by_those_who_may() {
    let company = Company::found("runa");
    let world = &company.world;
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    company.sell(&[&ana, &ben]);

    let first = company.start("k1", "all");
    let run = id_of(&first);
    assert_eq!(id_of(&company.start("k1", "all")), run, "the same key is the same run");
    let again = company.start("k2", "all");
    assert_refused(&again, 409, "run.already-there");

    let waiting = company.until(&run, "waiting");
    assert_eq!(waiting["waiting_for"]["step"], "validate-bonuses");
    assert_eq!(waiting["progress"], json!({"done": 6, "total": 9}));
    assert!(!waiting.to_string().contains("token"), "{waiting}");
    world.letter(&company.mailbox(), |letter| letter.to_string().contains(&company.cycle));

    let as_ana = world.person("consultant", &ana);
    let before = company.statement(&as_ana, &ana);
    assert!(before.is_success(), "{before}");
    assert_eq!(before.body()["paid_rank"]["code"], "bronce");
    assert_eq!(before.body().get("total"), None, "bonuses are not shown before approval");
    assert_eq!(
        company.statement(&company.office, &ana).body()["total"],
        json!({"amount": "20.00", "currency": "COP"})
    );

    let path = format!("/runs/{run}/approval");
    let approval = json!({"decision": "approve", "comment": "Revisado"});
    assert_refused(&post(&as_ana, &path, "a0", &approval), 403, "access.missing-permission");
    for _ in 0..2 {
        let approved = post(&company.office, &path, "a1", &approval);
        assert_eq!(approved.status, 200, "{approved}");
    }
    company.until(&run, "paid-pending");

    let statement = company.statement(&as_ana, &ana);
    assert!(
        statement.header("server-timing").unwrap().ends_with("\"2\""),
        "a statement takes two round trips: {statement}"
    );
    let body = statement.body();
    let line = &body["lines"][0];
    assert_eq!(body["lines"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&line["source"], &line["order"], &line["level_paid"]),
        (&json!(ben), &json!(format!("{ben}-o")), &json!(1))
    );
    assert_eq!((&line["base"], &line["rate"]), (&json!("200"), &json!("0.1")));
    assert!(
        line["text"]["es"].as_str().unwrap().starts_with("10 % de 200 de volumen comisionable"),
        "{line}"
    );
    let codes: Vec<_> =
        body["indicators"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(
        codes.contains(&json!("PVQ")) && !codes.contains(&json!("TVQ")),
        "hidden ones stay hidden: {codes:?}"
    );

    assert!(company.statement(&as_ana, &ben).is_success(), "one's downline is within reach");
    assert_refused(&company.statement(&world.person("consultant", &ben), &ana), 404, "not-found");
    let link = as_ana
        .get(&format!("/people/{ana}/statements/{}/file?process={}", company.cycle, company.process))
        .unwrap();
    let csv = String::from_utf8(as_ana.download(link.body()["url"].as_str().unwrap()).unwrap()).unwrap();
    assert!(csv.lines().nth(1).unwrap().contains(&format!("{ben}-o")), "{csv}");

    let settlements = company.office.get(&format!("/runs/{run}/settlements?limit=100")).unwrap().body();
    assert!(settlements["items"].as_array().unwrap().iter().all(|one| one["state"] == "payable"));
    let refused = post(&company.office, &format!("/runs/{run}/steps/calculate-bonuses"), "s1", &json!({}));
    assert_refused(&refused, 409, "run.published");
    assert_refused(&company.start("k3", "all"), 409, "run.cycle-settled");
}

#[test]
fn by_hand_a_run_goes_step_by_step_and_an_earlier_step_drops_what_came_after() {
    let company = Company::found("runh");
    let ana = company.world.consultant("ana", None, json!({}));
    company.sell(&[&ana]);
    let run = id_of(&company.start("k1", "single"));
    let ask =
        |step: &str, key: &str| post(&company.office, &format!("/runs/{run}/steps/{step}"), key, &json!({}));
    assert_refused(&ask("calculate-rank", "o1"), 409, "run.step-out-of-order");
    assert_refused(&ask("dance", "o2"), 400, "request.malformed");
    for step in &STEPS[..4] {
        assert_eq!(ask(step, step).status, 202);
        assert_eq!(ask(step, step).status, 202, "the same key is the same attempt");
        company.until(&run, "paused");
    }
    assert_eq!(ask("integrate-network", "again").status, 202);
    let run = company.until(&run, "paused");
    let states = step_states(&run);
    assert_eq!(states[..4], ["done", "done", "todo", "todo"]);
    assert_eq!(run["steps"][1]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(run["steps"][2]["attempts"][0]["attempt"], 1, "what was written stays");
}

#[test]
fn rejected_bonuses_are_not_shown_and_the_run_can_be_done_again() {
    let company = Company::found("runr");
    let ana = company.world.consultant("ana", None, json!({}));
    company.sell(&[&ana]);
    let run = id_of(&company.start("k1", "all"));
    company.until(&run, "waiting");
    let rejection = json!({"decision": "reject", "comment": "Falta un pedido"});
    let path = format!("/runs/{run}/approval");
    assert_eq!(post(&company.office, &path, "r1", &rejection).body()["state"], "rejected");
    assert_refused(&post(&company.office, &path, "r2", &rejection), 409, "run.state");
    let as_ana = company.world.person("consultant", &ana);
    assert_eq!(company.statement(&as_ana, &ana).body().get("total"), None);

    let other = id_of(&company.start("k2", "all"));
    assert_ne!(other, run);
    company.until(&run, "superseded");
    company.until(&other, "waiting");
    let late = post(&company.office, &format!("/runs/{run}/steps/pay"), "s1", &json!({}));
    assert_refused(&late, 409, "run.state");
}

#[test]
fn runs_processes_and_plans_that_cannot_be_are_refused_with_every_mistake() {
    let company = Company::found("runx");
    let open = json!({"first_day": "2090-01-01", "last_day": "2090-01-31", "calendar": company.process});
    let future = format!("f{}", company.process);
    assert!(company.office.put(&format!("/cycles/{future}"), &open).unwrap().is_success());
    let mut configuration = company.configuration(&STEPS);
    configuration["calendar"] = json!(company.process);
    let process = format!("/processes/x{}", company.process);
    assert!(company.office.put(&process, &configuration).unwrap().is_success());
    assert_refused(&company.office.put(&process, &configuration).unwrap(), 409, "process.version");
    let early = json!({"process": format!("x{}", company.process), "cycle": future});
    assert_refused(&post(&company.office, "/runs", "k1", &early), 422, "run.cycle-open");

    configuration["steps"] = json!(["integrate-network", "adjust-indicators"]);
    configuration["mail"] = json!(["nobody"]);
    let refused = company.office.put(&process, &configuration).unwrap();
    assert_refused(&refused, 422, "process.invalid");
    let pointers: Vec<_> =
        refused.body()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/mail/0", "/steps/0", "/steps/1", "/steps/1"]);

    let mut wrong = plan(2);
    wrong["activity"]["rule"] = json!("own_vq >=\n nothing");
    wrong["ranks"]["steps"][0]["rule"] = json!("own_vqq >= 1");
    let refused = post(&company.office, &format!("/plans?name={}", company.process), "w1", &wrong);
    assert_refused(&refused, 422, "plan.invalid");
    let errors = refused.body()["errors"].as_array().unwrap().clone();
    assert!(errors.len() >= 2, "{errors:?}");
    assert!(
        errors.iter().any(|error| error["detail"].as_str().unwrap().starts_with("line 2, column")),
        "{errors:?}"
    );

    let mut changed = plan(1);
    changed["activity"]["rule"] = json!("own_vq >= 50");
    let refused = post(&company.office, &format!("/plans?name={}", company.process), "w2", &changed);
    assert_refused(&refused, 409, "plan.immutable");
    let consultant = company.world.person("consultant", "nobody");
    assert_refused(&consultant.get("/runs").unwrap(), 403, "access.missing-permission");
    assert_eq!(company.world.nobody().get("/runs").unwrap().status, 401);
}
