//! Simulations: a stored run under its own plan, under a draft, under a document; refused, failed, interrupted, hidden.

use serde_json::{Value, json};
use testkit::api::{Client, Reply};

use crate::{
    runs::{Company, id_of, plan},
    world::{assert_refused, await_body, post},
};

/// A plan that pays 0.12 instead of 0.10 on the first level.
fn dearer(version: u32) -> Value {
    let mut plan = plan(version);
    plan["bonuses"][0]["pays"]["unilevel"]["rates"]["by-level"][0] = json!("0.12");
    plan
}

/// A company with ben under ana, who sold 200 each, and a run of it that waits for approval.
fn settled(area: &str) -> (Company, [String; 2], String) {
    let company = Company::found(area);
    let ana = company.world.consultant("ana", None, json!({}));
    let ben = company.world.consultant("ben", Some(&ana), json!({}));
    company.sell(&[&ana, &ben]);
    let run = id_of(&company.start("run", "all"));
    company.until(&run, "waiting");
    (company, [ana, ben], run)
}

impl Company {
    fn simulate(&self, key: &str, body: &Value) -> Reply {
        post(&self.office, "/simulations", key, body)
    }

    fn of_cycle(&self, plan: (&str, Value)) -> Value {
        let mut body = json!({"process": self.process, "cycle": self.cycle});
        body[plan.0] = plan.1;
        body
    }

    fn version(&self, version: u32) -> (&'static str, Value) {
        ("plan", json!({"name": self.process, "version": version}))
    }

    /// Asks for a simulation and waits for its end.
    fn simulated(&self, key: &str, body: &Value) -> Value {
        let id = id_of(&self.simulate(key, body));
        ended(&self.office, &id)
    }

    fn file(&self, simulation: &Value, name: &str) -> Vec<u8> {
        let files = simulation["files"].as_array().unwrap();
        let file = files.iter().find(|file| file["name"] == name).unwrap();
        let bytes = self.office.download(file["url"].as_str().unwrap()).unwrap();
        assert_eq!(file["bytes"], json!(bytes.len()), "{name}");
        bytes
    }

    fn changes(&self, simulation: &Value) -> Vec<String> {
        let text = String::from_utf8(self.file(simulation, "changes.csv")).unwrap();
        let mut lines = text.lines().map(str::to_owned);
        assert_eq!(lines.next().as_deref(), Some("person,a,b,difference,rank_a,rank_b"));
        lines.collect()
    }
}

fn ended(caller: &Client, id: &str) -> Value {
    await_body(caller, &format!("/simulations/{id}"), |one| {
        one["state"] == "done" || one["state"] == "failed"
    })
}

#[test]
fn a_cycle_under_its_own_plan_changes_nothing_and_under_a_draft_what_the_draft_changes() {
    let (company, [ana, ben], run) = settled("sima");

    let same = company.simulated("same", &company.of_cycle(company.version(1)));
    assert_eq!(same["state"], "done", "{same}");
    let summary = &same["summary"];
    assert_eq!((&summary["winners"], &summary["losers"]), (&json!(0), &json!(0)), "{summary}");
    assert_eq!((&summary["cost_a"], &summary["cost_b"]), (&json!("20.00"), &json!("20.00")));
    assert_eq!((&summary["payout_ratio_a"], &summary["rank_flow"]), (&json!("0.05"), &json!([])));
    assert_eq!(company.changes(&same), [""; 0]);

    let saved = post(&company.office, &format!("/plans?name={}", company.process), "save", &dearer(2));
    assert_eq!(saved.body()["state"], "draft", "{saved}");
    let of_draft = company.of_cycle(company.version(2));
    let first = company.simulate("draft", &of_draft);
    assert_eq!(
        id_of(&company.simulate("draft", &of_draft)),
        id_of(&first),
        "the same key, the same simulation"
    );
    assert_refused(
        &company.simulate("draft", &company.of_cycle(company.version(1))),
        409,
        "idempotency.key-reused",
    );
    let draft = ended(&company.office, &id_of(&first));
    let summary = &draft["summary"];
    assert_eq!((&summary["winners"], &summary["losers"]), (&json!(1), &json!(0)), "{draft}");
    assert_eq!((&summary["cost_b"], &summary["payout_ratio_b"]), (&json!("24.00"), &json!("0.06")));
    assert_eq!(summary["bonuses"], json!([{"bonus": "residual", "a": "20.00", "b": "24.00"}]));
    assert_eq!(draft["plan"]["hash"], saved.body()["hash"]);
    assert_eq!(company.changes(&draft), [format!("{ana},20,24,4,bronce,bronce")]);
    let told: Value = serde_json::from_slice(&company.file(&draft, "comparison.json")).unwrap();
    assert_eq!(
        (&told["summary"], &told["by_cycle"]),
        (summary, &draft["by_cycle"]),
        "the file says the same"
    );
    assert_eq!(draft["by_cycle"], json!([{"cycle": company.cycle, "run": run, "summary": summary}]));
    assert_eq!(draft["progress"], json!({"done": 1, "total": 1}));
    assert_eq!(company.file(&draft, "changes.parquet")[..4], *b"PAR1");
    for file in ["people", "orders", "indicators", "ranks", "payouts"] {
        assert_eq!(
            company.file(&draft, &format!("{}/{file}.parquet", company.cycle))[..4],
            *b"PAR1",
            "{file}"
        );
    }

    let mut steeper = dearer(9);
    steeper["ranks"]["steps"][0]["rule"] = json!("own_vq >= 300");
    let inline = company.simulated("inline", &json!({"run": run, "document": steeper}));
    assert_eq!(inline["summary"]["rank_flow"], json!([{"a": "bronce", "b": "", "people": 2}]), "{inline}");
    assert_eq!(inline["plan"].get("name"), None);
    let changes = company.changes(&inline);
    assert_eq!(changes, [format!("{ana},20,24,4,bronce,"), format!("{ben},0,0,0,bronce,")]);

    let listed = company.office.get(&format!("/simulations?process={}", company.process)).unwrap().body();
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, [inline["id"].clone(), draft["id"].clone(), same["id"].clone()], "newest first");
    assert!(listed["items"][0].get("files").is_none());
    let page = company.office.get("/simulations?limit=1").unwrap().body();
    assert!(page["next"].is_string(), "{page}");
}

/// What a cycle hands on under the other plan is seen by the next: nobody who was never bronze keeps it by grace.
#[test]
fn several_cycles_go_on_from_each_other_under_the_other_plan() {
    let (mut company, [ana, ben], run) = settled("simn");
    let approval = json!({"decision": "approve", "comment": "Revisado"});
    assert_eq!(post(&company.office, &format!("/runs/{run}/approval"), "a", &approval).status, 200);
    company.until(&run, "paid-pending");
    company.next_cycle();
    company.sell(&[&ana, &ben]);
    let next = id_of(&company.start("next", "all"));
    company.until(&next, "waiting");

    let mut other = dearer(2);
    other["ranks"]["steps"][0]["rule"] = json!("own_vq >= 300");
    other["ranks"]["grace"] = json!({"cycles": 1});
    let mut body = company.of_cycle(("document", other));
    let one = company.simulated("one", &body);
    assert_eq!(one["summary"]["rank_flow"], json!([]), "bronze of the stored cycle before is kept: {one}");
    body["cycles"] = json!(2);
    let two = company.simulated("two", &body);
    assert_eq!(two["summary"]["rank_flow"], json!([{"a": "bronce", "b": "", "people": 2}]), "{two}");
    assert_eq!((&two["summary"]["cost_a"], &two["summary"]["cost_b"]), (&json!("40.00"), &json!("48.00")));
    assert_eq!(two["progress"], json!({"done": 2, "total": 2}));
    let runs: Vec<_> = two["by_cycle"].as_array().unwrap().iter().map(|one| one["run"].clone()).collect();
    assert_eq!(runs, [json!(run), json!(next)], "the earliest first");
    assert_eq!(two["by_cycle"][1]["summary"]["cost_b"], "24.00");
    let told: Value = serde_json::from_slice(&company.file(&two, "comparison.json")).unwrap();
    let flow = |of: &Value| of["by_cycle"][1]["summary"]["rank_flow"].clone();
    assert_eq!((flow(&two), flow(&told)), (json!([]), two["summary"]["rank_flow"].clone()), "{told}");
    let changes = company.changes(&two);
    assert_eq!(changes, [format!("{ana},40,48,8,bronce,"), format!("{ben},0,0,0,bronce,")]);
}

#[test]
fn what_cannot_be_simulated_is_refused_with_every_mistake() {
    let (company, [ana, _], run) = settled("simx");
    let consultant = company.world.person("consultant", &ana);
    let body = company.of_cycle(company.version(1));
    assert_refused(&post(&consultant, "/simulations", "k1", &body), 403, "access.missing-permission");
    assert_refused(&consultant.get("/simulations").unwrap(), 403, "access.missing-permission");
    assert_eq!(post(&company.world.nobody(), "/simulations", "k1", &body).status, 401);
    assert_refused(&company.office.get("/simulations/no-such").unwrap(), 404, "not-found");

    let refused = |key: &str, body: &Value, status, code: &str| {
        let reply = company.simulate(key, body);
        assert_refused(&reply, status, code);
        let errors = reply.body()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(refused("m1", &json!({"cycle": company.cycle}), 400, "request.malformed"), ["/run", "/plan"]);
    refused("n1", &company.of_cycle(company.version(7)), 404, "not-found");
    refused("n2", &json!({"run": "no-such", "document": plan(1)}), 404, "not-found");
    let elsewhere = json!({"process": company.process, "cycle": "no-such", "document": plan(1)});
    refused("n3", &elsewhere, 404, "not-found");

    let mut wrong = plan(2);
    wrong["activity"]["rule"] = json!("own_vqq >= 1");
    wrong["ranks"]["steps"][0]["rule"] = json!("own_vq >= nothing");
    let pointers = refused("w1", &company.of_cycle(("document", wrong)), 422, "plan.invalid");
    assert_eq!(pointers, ["/document/activity/rule", "/document/ranks/steps/0/rule"]);
    let mut foreign = plan(2);
    foreign["currencies"]["base"] = json!("USD");
    foreign["time_zone"] = json!("UTC");
    let pointers = refused("w2", &company.of_cycle(("document", foreign)), 422, "simulation.other-basis");
    assert_eq!(pointers, ["/document/currencies/base", "/document/time_zone"]);

    let at = |path: &str| format!("/plans/{}/2/{path}", company.process);
    let saved = post(&company.office, &format!("/plans?name={}", company.process), "save", &dearer(2));
    assert!(saved.is_success(), "{saved}");
    for (path, key) in [("publication", "p"), ("retirement", "r")] {
        assert!(post(&company.office, &at(path), key, &json!({})).is_success(), "{path}");
    }
    refused("r1", &company.of_cycle(company.version(2)), 409, "plan.state");
    let mut too_many = company.of_cycle(company.version(1));
    too_many["cycles"] = json!(2);
    refused("c1", &too_many, 409, "simulation.too-few-cycles");
    too_many["cycles"] = json!(13);
    assert_eq!(refused("c2", &too_many, 400, "request.malformed"), ["/cycles"]);

    // Drops the bonuses: there is nothing to compare with any more.
    let again = post(
        &company.office,
        &format!("/runs/{run}/steps/calculate-rank"),
        "back",
        &json!({"mode": "single"}),
    );
    assert_eq!(again.status, 202, "{again}");
    company.until(&run, "paused");
    refused("b1", &company.of_cycle(company.version(1)), 409, "simulation.no-bonuses");
}

#[test]
fn one_that_fails_says_why_and_one_that_was_interrupted_is_done_once() {
    let (company, ..) = settled("simf");
    let mut endless = plan(3);
    endless["volumes"] = json!({"vc_value": "1000000000"});
    endless["bonuses"][0]["pays"]["unilevel"]["rates"]["by-level"][0] = json!("1000000");
    let failed = company.simulated("k1", &company.of_cycle(("document", endless)));
    assert_eq!(failed["state"], "failed", "{failed}");
    assert_eq!(
        (&failed["problem"]["code"], &failed["problem"]["status"]),
        (&json!("run.overflow"), &json!(422))
    );
    assert!(failed["problem"]["detail"].as_str().unwrap().contains("is too large"), "{failed}");

    let done = company.simulated("k2", &company.of_cycle(("document", dearer(2))));
    assert_eq!(done["summary"]["winners"], 1, "{done}");
    let id = done["id"].as_str().unwrap();
    let message = json!({"simulation": id, "correlation": "e2e-redelivery"});
    // As if the function had been killed after it wrote its files.
    company.world.tamper(
        "CommissionsTable",
        &json!({
            "Key": {"pk": {"S": format!("SIMULATION#{id}")}, "sk": {"S": "SIMULATION"}},
            "UpdateExpression": "SET #s = :s REMOVE summary, by_cycle, files, finished_at",
            "ExpressionAttributeNames": {"#s": "state"}, "ExpressionAttributeValues": {":s": {"S": "computing"}},
        }),
    );
    company.world.enqueue("SimulationQueue", &message);
    let again = ended(&company.office, id);
    assert_eq!(again["summary"], done["summary"]);
    let bytes = |simulation: &Value| {
        let files = simulation["files"].as_array().unwrap();
        files.iter().map(|file| (file["name"].clone(), file["sha256"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(bytes(&again), bytes(&done), "done again, the files are the same");

    company.world.enqueue("SimulationQueue", &message);
    company.simulated("k3", &company.of_cycle(("document", plan(2))));
    let after = company.office.get(&format!("/simulations/{id}")).unwrap().body();
    assert_eq!(after["finished_at"], again["finished_at"], "a second delivery changes nothing");
}

#[test]
fn what_is_not_published_is_told_to_who_may_see_partial_results() {
    let (company, ..) = settled("simv");
    let done = company.simulated("k1", &company.of_cycle(("document", dearer(2))));
    assert!(done["summary"].is_object(), "{done}");
    let treasury = company.world.office("treasury");
    let shown = treasury.get(&format!("/simulations/{}", done["id"].as_str().unwrap())).unwrap().body();
    assert_eq!(
        (shown["state"].as_str(), shown.get("summary"), shown.get("files")),
        (Some("done"), None, None)
    );
}
