//! Payables held, released and paid; payment files that are wrong, come twice or stop half way; the ledger's proof.

use std::collections::BTreeMap;

use foundation::{id::RunId, money::Money};
use jiff::Timestamp;
use ledger::store::Ledger;
use payouts::{
    batch::{Earning, earned},
    store::Payouts,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use testkit::api::Client;

use crate::world::{World, assert_refused, await_body, post};

/// A run whose people earned these amounts, in hundredths of a peso.
struct Owed {
    world: World,
    treasury: Client,
    run: RunId,
}

impl Owed {
    fn new(area: &str, earnings: &[(&str, i64)]) -> Self {
        let world = World::open(area);
        let run: RunId = world.mark.parse().unwrap();
        let treasury = world.office("treasury");
        let earnings = earnings.iter().map(|(person, minor)| Earning {
            person: person.parse().unwrap(),
            name: format!("=Ana {person}"),
            document: "CC 1".into(),
            amount: Money::exactly(Decimal::new(*minor, 2), "COP".parse().unwrap()).unwrap(),
        });
        let cycle = "2026-10".parse().unwrap();
        let batches = earned(&run, &cycle, earnings.collect()).unwrap();
        let (payouts, ledger) = stores(&world);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for batch in &batches {
            // Twice, as a step that is retried does.
            let first = runtime.block_on(payouts.owe(&ledger, batch, Timestamp::UNIX_EPOCH)).unwrap();
            let second = runtime.block_on(payouts.owe(&ledger, batch, Timestamp::UNIX_EPOCH)).unwrap();
            assert_eq!(first, second);
        }
        Self { world, treasury, run }
    }

    fn id(&self, person: &str) -> String {
        format!("{}~{person}~COP", self.run)
    }

    fn list(&self) -> Value {
        let path = format!("/runs/{}/payables?limit=100", self.run);
        self.treasury.get(&path).unwrap().success().unwrap()
    }

    fn states(&self) -> BTreeMap<String, String> {
        let list = self.list();
        let text = |payable: &Value, name: &str| payable[name].as_str().unwrap().to_owned();
        list["items"].as_array().unwrap().iter().map(|one| (text(one, "id"), text(one, "state"))).collect()
    }

    fn treasury_lines(&self) -> Vec<String> {
        let link: Value =
            self.treasury.get(&format!("/runs/{}/treasury-file", self.run)).unwrap().success().unwrap();
        let csv = self.treasury.download(link["url"].as_str().unwrap()).unwrap();
        String::from_utf8(csv).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    /// Uploads and starts a file with these lines; gives it when it is done.
    fn pay(&self, key: &str, lines: &[String]) -> Value {
        let file = post(&self.treasury, "/payment-files", key, &json!({}));
        assert_eq!(file.status, 201, "{file}");
        let file = file.body();
        let csv = format!("payable,currency,amount,status,reference\n{}\n", lines.join("\n"));
        self.treasury.upload(file["upload"]["url"].as_str().unwrap(), "text/csv", csv.into_bytes()).unwrap();
        let path = format!("/payment-files/{}", file["id"].as_str().unwrap());
        let started = self.treasury.post(&format!("{path}/start"), &json!({})).unwrap();
        assert_eq!(started.status, 202, "{started}");
        await_body(&self.treasury, &path, |file| file["finished_at"].is_string())
    }

    fn line(&self, person: &str, amount: &str, status: &str) -> String {
        format!("{},COP,{amount},{status},ref {person}", self.id(person))
    }

    fn balance(&self, person: &str, purpose: &str) -> Decimal {
        let path = format!("/ledger/accounts/{person}?unit=COP&purpose={purpose}");
        let account: Value = self.treasury.get(&path).unwrap().success().unwrap();
        account["balance"].as_str().unwrap().parse().unwrap()
    }
}

fn stores(world: &World) -> (Payouts, Ledger) {
    let stack = &world.stack;
    let values = [
        ("AWS_REGION", stack.region.as_str()),
        ("AWS_ENDPOINT_URL", stack.endpoint.as_deref().expect("done on an emulator only")),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("PAYOUTS_TABLE", stack.table("PayoutsTable").unwrap()),
        ("LEDGER_TABLE", stack.table("LedgerTable").unwrap()),
        ("PAYMENTS_BUCKET", stack.bucket("PaymentsBucket").unwrap()),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut env = aws::Env::of(BTreeMap::from(values));
    let aws = aws::Aws::new(&mut env);
    let stores = (Payouts::new(&aws, &mut env), Ledger::new(&aws, &mut env));
    env.complete().unwrap();
    stores
}

#[test]
fn what_is_due_leaves_as_a_file_and_is_paid_once() {
    let owed = Owed::new("pay", &[("PA", 12_500), ("PB", 300), ("PC", 700), ("PD", -900)]);
    let summary = owed.list()["summary"].clone();
    assert_eq!(summary["payables"], 3);
    let total = json!([{"amount": "135.00", "currency": "COP"}]);
    assert_eq!(summary["pending"], json!({"payables": 3, "amounts": total}));
    assert_eq!(
        owed.treasury_lines()[0],
        format!("{},PA,'=Ana PA,CC 1,bank-transfer,COP,125.00", owed.id("PA"))
    );

    let lines =
        [owed.line("PA", "125.00", "paid"), owed.line("PB", "3", "paid"), owed.line("PC", "7.00", "failed")];
    let file = owed.pay("k1", &lines);
    assert_eq!(file["state"], "applied", "{file}");
    assert_eq!((&file["paid"], &file["failed"]), (&json!(2), &json!(1)));
    let again = post(&owed.treasury, "/payment-files", "k1", &json!({})).body();
    assert_eq!(again["id"], file["id"], "the same key is the same file");
    assert_eq!(owed.treasury_lines().len(), 1, "what the bank refused is due again");

    let path = format!("/payment-files/{}/start", file["id"].as_str().unwrap());
    let restarted = owed.treasury.post(&path, &json!({})).unwrap();
    assert_refused(&restarted, 409, "payment-file.wrong-state");
    let twice = owed.pay("k2", &lines[..1]);
    assert_eq!(twice["state"], "refused", "{twice}");
    assert!(twice["mistakes"][0]["detail"].as_str().unwrap().contains("paid already"));

    assert_eq!(owed.pay("k3", &[owed.line("PC", "7.00", "paid")])["state"], "applied");
    let done = owed.list();
    assert_eq!(done["summary"]["paid"], json!({"payables": 3, "amounts": total}));
    let paid = &done["items"][0];
    assert_eq!((&paid["note"], &paid["file"]), (&json!("ref PA"), &file["id"]));
    let change = &paid["history"][0];
    assert_eq!((&change["from"], &change["to"]), (&json!("pending"), &json!("paid")));
    assert!(change["by"].as_str().unwrap().ends_with("-treasury"));
}

#[test]
fn a_file_with_a_mistake_changes_nothing() {
    let owed = Owed::new("mis", &[("PA", 12_500), ("PB", 300)]);
    let held = format!("/payables/{}/hold", owed.id("PB"));
    let reply = post(&owed.treasury, &held, "h1", &json!({"reason": "sin documentos"}));
    assert!(reply.is_success(), "{reply}");
    let before = owed.states();
    let good = owed.line("PA", "125.00", "paid");
    let unknown = owed.line("PZ", "1.00", "paid");
    let cases = [
        ("a wrong amount", vec![owed.line("PA", "125.01", "paid")], 2),
        ("a line that comes twice", vec![good.clone(), good.clone()], 3),
        ("an unknown payable", vec![good.clone(), unknown], 3),
        ("a held payable", vec![good.clone(), owed.line("PB", "3.00", "paid")], 3),
        ("an unknown status", vec![owed.line("PA", "125.00", "perhaps")], 2),
        ("another currency", vec![good.replace(",COP,", ",USD,")], 2),
    ];
    for (number, (name, lines, line)) in cases.into_iter().enumerate() {
        let file = owed.pay(&format!("k{number}"), &lines);
        assert_eq!(file["state"], "refused", "{name}: {file}");
        assert_eq!(file["mistakes"][0]["line"], line, "{name}: {file}");
        let list = owed.treasury.download(file["mistakes_file"]["url"].as_str().unwrap()).unwrap();
        assert!(String::from_utf8(list).unwrap().starts_with(&format!("line,detail\n{line},")), "{name}");
        assert_eq!(owed.states(), before, "{name}");
    }
}

#[test]
fn a_file_is_applied_once_however_often_it_is_delivered() {
    let people: Vec<String> = (0..40).map(|number| format!("P{number:02}")).collect();
    let earnings: Vec<_> = people.iter().map(|person| (person.as_str(), 1_000)).collect();
    let owed = Owed::new("twi", &earnings);
    let lines: Vec<_> = people.iter().map(|person| owed.line(person, "10", "paid")).collect();
    let file = owed.pay("k1", &lines);
    assert_eq!((&file["state"], &file["paid"]), (&json!("applied"), &json!(40)), "{file}");

    // As if the worker had stopped after its last batch and before it said so.
    let id = file["id"].as_str().unwrap();
    let key = json!({"pk": {"S": format!("PAYMENT-FILE#{id}")}, "sk": {"S": "PAYMENT-FILE"}});
    owed.world.tamper(
        "PayoutsTable",
        &json!({
            "Key": key, "UpdateExpression": "SET #s = :s REMOVE finished_at",
            "ExpressionAttributeNames": {"#s": "state"}, "ExpressionAttributeValues": {":s": {"S": "applying"}},
        }),
    );
    let message = json!({"file": id, "correlation": "twice-delivered"});
    owed.world.enqueue("PaymentFiles", &message);
    owed.world.enqueue("PaymentFiles", &message);
    let again =
        await_body(&owed.treasury, &format!("/payment-files/{id}"), |file| file["finished_at"].is_string());
    assert_eq!((&again["state"], &again["paid"]), (&json!("applied"), &json!(40)), "{again}");
    let list = owed.list();
    assert_eq!(list["summary"]["paid"]["payables"], 40);
    assert!(list["items"].as_array().unwrap().iter().all(|payable| payable["version"] == 2));
}

#[test]
fn holding_takes_a_reason_and_is_told_with_who_and_why() {
    let owed = Owed::new("hld", &[("PA", 12_500), ("PB", 300)]);
    let path = format!("/payables/{}", owed.id("PA"));
    let hold = |key: &str, body: Value| post(&owed.treasury, &format!("{path}/hold"), key, &body);
    assert_refused(&hold("k0", json!({})), 400, "request.malformed");
    assert_refused(&hold("k0", json!({"reason": " "})), 400, "payable.reason");
    let reason = json!({"reason": "documentos por revisar"});
    let held = hold("k1", reason.clone());
    assert_eq!((held.status, &held.body()["state"]), (200, &json!("held")), "{held}");
    assert_eq!(hold("k1", reason.clone()).body(), held.body(), "the same key is the same hold");
    assert_refused(&hold("k1", json!({"reason": "otra"})), 409, "idempotency.key-reused");
    assert_refused(&hold("k2", reason.clone()), 409, "payable.wrong-state");
    assert_eq!(owed.treasury_lines().len(), 1);
    assert_eq!(owed.list()["summary"]["held"]["amounts"][0]["amount"], "125.00");

    // A client may write the tilde as it likes.
    let escaped = format!("{}/release", path.replace('~', "%7E"));
    let released = post(&owed.treasury, &escaped, "k3", &json!({}));
    assert_eq!(released.status, 200, "{released}");
    let history = released.body()["history"].clone();
    assert_eq!(history[0]["note"], "documentos por revisar");
    assert!(history[0]["by"].as_str().unwrap().ends_with("-treasury"));
    assert_eq!((&history[1]["from"], &history[1]["to"]), (&json!("held"), &json!("pending")));
    assert_eq!(owed.treasury_lines().len(), 2);

    let unknown = format!("/payables/{}/hold", owed.id("PZ"));
    assert_refused(&post(&owed.treasury, &unknown, "k4", &reason), 404, "not-found");
    let reader = owed.world.office("commercial");
    assert_refused(&post(&reader, &format!("{path}/hold"), "k1", &reason), 403, "access.missing-permission");
    let malformed = post(&owed.treasury, "/payables/PA/hold", "k5", &reason);
    assert_refused(&malformed, 400, "request.malformed");
}

#[test]
fn a_file_is_not_started_before_it_was_uploaded() {
    let owed = Owed::new("upl", &[("PA", 100)]);
    let file = post(&owed.treasury, "/payment-files", "k1", &json!({})).body();
    let start = format!("/payment-files/{}/start", file["id"].as_str().unwrap());
    let started = owed.treasury.post(&start, &json!({})).unwrap();
    assert_refused(&started, 422, "payment-file.not-uploaded");
    let huge = vec![b'x'; 33 * 1024 * 1024];
    owed.treasury.upload(file["upload"]["url"].as_str().unwrap(), "text/csv", huge).unwrap();
    assert_refused(&owed.treasury.post(&start, &json!({})).unwrap(), 413, "payment-file.too-large");
    let unknown = owed.treasury.post("/payment-files/F0/start", &json!({})).unwrap();
    assert_refused(&unknown, 404, "not-found");
}

#[test]
fn the_ledger_shows_what_is_owed_paid_and_carried_and_is_proved() {
    let world = World::open("led");
    let (ana, ben) = (world.consultant("ana", None, json!({})), world.consultant("ben", None, json!({})));
    let owed = Owed::new("led", &[(&ana, 12_500), (&ben, -900)]);
    assert_eq!(owed.balance(&ana, "commissions"), Decimal::from(125));
    assert_eq!(owed.balance(&ben, "commissions-carried"), Decimal::from(-9));
    assert_eq!(owed.pay("k1", &[owed.line(&ana, "125", "paid")])["state"], "applied");
    assert_eq!(owed.balance(&ana, "commissions"), Decimal::ZERO);
    // A later run repays the debt before it owes anything.
    let later = Owed::new("led", &[(&ben, 1_000)]);
    assert_eq!(later.list()["items"][0]["amount"]["amount"], "1.00");
    assert_eq!(owed.balance(&ben, "commissions-carried"), Decimal::ZERO);

    let path = format!("/ledger/accounts/{ana}?unit=COP");
    let account: Value = owed.treasury.get(&format!("{path}&limit=1")).unwrap().success().unwrap();
    assert_eq!(account["items"][0]["reason"], "commission.paid");
    let next = account["next"].as_str().unwrap();
    let rest: Value = owed.treasury.get(&format!("{path}&cursor={next}")).unwrap().success().unwrap();
    assert_eq!(rest["items"][0]["reason"], "commission.earned");
    let consultant = world.person("consultant", &ana);
    assert_refused(&consultant.get(&path).unwrap(), 403, "access.missing-permission");
    let nobody = owed.treasury.get("/ledger/accounts/NOBODY?unit=COP").unwrap();
    assert_refused(&nobody, 404, "not-found");

    let asked: Value = post(&owed.treasury, "/ledger/proof", "k2", &json!({})).success().unwrap();
    let asked: Timestamp = asked["requested_at"].as_str().unwrap().parse().unwrap();
    // There may be no proof yet: a first one is awaited by its kind of answer.
    let proof =
        testkit::api::until("a proof", crate::world::PATIENCE, std::time::Duration::from_millis(500), || {
            let reply = owed.treasury.get("/ledger/proof")?;
            let proof = reply.body();
            let made_at = proof["made_at"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            Ok(made_at.is_some_and(|made_at| made_at >= asked).then_some(proof))
        });
    let proof = proof.unwrap();
    assert_eq!(proof["balanced"], true, "{proof}");
    assert_eq!(proof["units"]["COP"].as_str().unwrap().parse::<Decimal>().unwrap(), Decimal::ZERO);
}
