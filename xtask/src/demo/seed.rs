//! A generated company, brought in through the public API and bulk loads.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use foundation::digest::sha256_hex;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use testkit::{api::Client, company, emulator, stack::Stack};

use super::office::{Office, await_body, post, text};
use crate::{run, workspace::Workspace};

pub(super) const PLAN_NAME: &str = "ceiba";
pub(super) const PROCESS: &str = "monthly";
const RANKS: [&str; 8] = ["", "asociado", "bronce", "plata", "oro", "platino", "esmeralda", "diamante"];
const PLAN_FILE: &str = "shared/testkit/company/plan.json";

/// The generated company and where its files lie.
pub(super) struct Company {
    generated: company::Company,
    pub(super) folder: PathBuf,
    pub(super) plan: Value,
}

impl Company {
    /// Draws the company and writes its files under the cache folder.
    pub(super) fn generate(workspace: &Workspace, people: usize) -> Result<Self> {
        run::progress(&format!("draw a company of {people} people"));
        let ranks = RANKS.map(str::to_owned).to_vec();
        let generated =
            company::generate(&company::Options { people, ranks, ..company::Options::default() })?;
        let folder = workspace.path(".ceiba/demo").join(people.to_string());
        fs::create_dir_all(&folder)?;
        company::write(&generated, &folder)?;
        let plan = fs::read_to_string(workspace.path(PLAN_FILE)).context("the demo has no plan")?;
        Ok(Self { generated, folder, plan: serde_json::from_str(&plan)? })
    }

    pub(super) fn people(&self) -> usize {
        self.generated.people.len()
    }

    pub(super) fn orders(&self) -> usize {
        self.generated.cycles.iter().map(|cycle| cycle.orders.len()).sum()
    }

    /// The ids of the cycles.
    pub(super) fn cycles(&self) -> impl Iterator<Item = &str> {
        self.generated.cycles.iter().map(|cycle| cycle.dates.id.as_str())
    }

    pub(super) fn last_cycle(&self) -> &str {
        self.generated.cycles.last().map_or("", |cycle| cycle.dates.id.as_str())
    }

    /// The cycles' facts as the oracle reads them, up to and with `number`.
    pub(super) fn facts(&self, number: usize) -> Result<Vec<oracle::CycleInput>> {
        let people = oracle::facts::read_people(&self.folder.join("people.csv"))?;
        let cycles = self.generated.cycles.iter().take(number + 1);
        let facts = cycles.map(|cycle| {
            let dates = &cycle.dates;
            oracle::CycleInput::read(&self.folder, &dates.id, dates.first_day, dates.last_day, &people)
        });
        facts.collect()
    }
}

/// Settings, cycles, catalogue, plan and process.
pub(super) fn configure(office: &Office, company: &Company) -> Result<()> {
    run::progress("configure settings, cycles, catalogue, plan and process");
    let admin = &office.admin;
    for cycle in &company.generated.cycles {
        let dates = &cycle.dates;
        let path = format!("/cycles/{}", dates.id);
        if admin.get(&path)?.status == 404 {
            let draft =
                json!({ "first_day": dates.first_day.to_string(), "last_day": dates.last_day.to_string() });
            admin.put(&path, &draft)?.success::<Value>()?;
        }
    }
    let catalogue = company::catalogue();
    for product in catalogue["products"].as_array().context("the catalogue has no products")? {
        let path = format!("/products/{}", text(product, "/id")?);
        if admin.get(&path)?.status == 404 {
            admin.put(&path, &product_draft(product))?.success::<Value>()?;
        }
    }
    publish_plan(admin, &company.plan)?;
    put_process(admin, false)
}

fn product_draft(product: &Value) -> Value {
    json!({
        "version": 0,
        "name": product["name"],
        "category": product["category"],
        "vat_percent": product["vat_percent"],
        "price_lists": {
            "public": { "amounts": product["prices"] },
            "consultant": { "amounts": product["consultant_prices"] },
        },
        "vq": product["vq"],
        "vc": product["vc"],
        "points": product["points"].to_string().trim_matches('"'),
    })
}

fn publish_plan(admin: &Client, plan: &Value) -> Result<()> {
    let versions: Value = admin.get("/plans")?.success()?;
    let ours =
        versions["items"].as_array().into_iter().flatten().find(|version| version["name"] == PLAN_NAME);
    if ours.is_some_and(|version| version["state"] == "published") {
        return Ok(());
    }
    let saved: Value = post(admin, &format!("/plans?name={PLAN_NAME}"), "demo-plan", plan)?.success()?;
    let path = format!("/plans/{PLAN_NAME}/{}/publication", saved["version"]);
    post(admin, &path, "demo-plan-publication", &json!({}))?.success::<Value>()?;
    Ok(())
}

/// Writes the monthly process, with or without its schedule.
pub(super) fn put_process(admin: &Client, scheduled: bool) -> Result<()> {
    let known: Value = admin.get("/processes")?.success()?;
    let ours = known["items"].as_array().into_iter().flatten().find(|process| process["id"] == PROCESS);
    let version = ours.map_or(json!(0), |process| process["version"].clone());
    if ours.is_some_and(|process| process["scheduled"] == scheduled) {
        return Ok(());
    }
    let draft = json!({
        "name": { "es": "Liquidación mensual", "en": "Monthly commissions" },
        "category": "monthly",
        "calendar": "commercial",
        "plan": PLAN_NAME,
        "steps": [
            "verify-network", "integrate-network", "calculate-indicators", "calculate-rank", "calculate-bonuses",
            "integrate-indicators", "validate-bonuses", "apply-honorific-rank", "pay",
        ],
        "scheduled": scheduled,
        "approvers": [],
        "mail": ["comisiones@ceiba.example"],
        "version": version,
    });
    admin.put(&format!("/processes/{PROCESS}"), &draft)?.success::<Value>()?;
    Ok(())
}

/// Loads people, then the orders of each cycle. What is there already is passed over.
pub(super) fn load(office: &Office, company: &Company) -> Result<()> {
    let people = bulk_load(office, "/people-loads", &company.folder.join("people-load.csv"))?;
    ensure!(people == company.people(), "{people} of {} people were loaded", company.people());
    for cycle in &company.generated.cycles {
        let settled: Value = office.admin.get(&format!("/cycles/{}", cycle.dates.id))?.success()?;
        if settled["state"] == "settled" {
            continue;
        }
        let file = company.folder.join(format!("orders-{}.csv", cycle.dates.id));
        let orders = bulk_load(office, "/order-loads", &file)?;
        ensure!(orders == cycle.orders.len(), "{orders} of {} orders were loaded", cycle.orders.len());
    }
    Ok(())
}

/// Uploads a file, starts its load, waits for it; gives how many lines are in.
fn bulk_load(office: &Office, path: &str, file: &std::path::Path) -> Result<usize> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let content = sha256_hex(&bytes);
    run::progress(&format!(
        "load {} ({} KiB) through {path}",
        file.file_name().unwrap_or_default().display(),
        bytes.len() / 1024
    ));
    let load: Value = post(&office.admin, path, &format!("demo-{content}"), &json!({}))?.success()?;
    let id = text(&load, "/id")?;
    let place = format!("{path}/{id}");
    let known: Value = office.admin.get(&place)?.success()?;
    if known["state"] == "awaiting" {
        let url = known.pointer("/upload/url").or(load.pointer("/upload/url")).and_then(Value::as_str);
        office.admin.upload(url.context("the load has no upload link")?, "text/csv", bytes)?;
        post(&office.admin, &format!("{place}/start"), &format!("demo-start-{id}"), &json!({}))?
            .success::<Value>()?;
    }
    let done = await_body(&office.admin, &place, |load| match load["state"].as_str() {
        Some("done") => Ok(Some(load.clone())),
        Some("failed") => bail!("the load failed: {load}"),
        _ => Ok(None),
    })?;
    let count = |name: &str| usize::try_from(done[name].as_u64().unwrap_or_default()).unwrap_or_default();
    ensure!(count("refused") == 0, "{} lines were refused, see {}", count("refused"), done["result_url"]);
    Ok(count("loaded") + count("already"))
}

/// Waits until the live indicators have heard of every order of the cycle: the facts are on their way by stream, bus and queue.
pub(super) fn await_live(office: &Office, company: &Company, number: usize) -> Result<()> {
    let cycle = &company.generated.cycles[number];
    let id = &cycle.dates.id;
    let root = company.generated.people.iter().position(|person| person.parent.is_none());
    let root = company.generated.person_id(u32::try_from(root.context("the company has no root")?)?);
    run::progress(&format!("wait until the live indicators of {id} have followed"));
    let path = format!("/people/{root}/live?cycle={id}");
    let expected = Decimal::from(cycle.orders.len());
    await_body(&office.admin, &path, |live| {
        let counts = ["own_orders", "team_orders", "own_returns", "team_returns"];
        let counted: Decimal =
            counts.iter().filter_map(|name| live[*name].as_str()?.parse::<Decimal>().ok()).sum();
        Ok((counted == expected).then_some(()))
    })
}

/// The live items of a cycle by person.
pub(super) fn live_items(stack: &Stack, cycle: &str) -> Result<BTreeMap<String, Value>> {
    let prefix = format!("LIVE#{cycle}#");
    let items = emulator::scan(stack, "InsightTable")?.into_iter().filter_map(|item| {
        let person = item["pk"]["S"].as_str()?.strip_prefix(&prefix)?.to_owned();
        (item["sk"]["S"] == "LIVE").then_some((person, item))
    });
    Ok(items.collect())
}
