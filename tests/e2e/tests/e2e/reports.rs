//! Reports: asked for, made in the background, fetched by a link; each caller sees their own part.

use std::io::Read;

use serde_json::{Value, json};
use testkit::api::Client;

use crate::world::{World, assert_refused, await_body, post};

fn period() -> Value {
    json!({"kind": "detailed-sales", "from": "2020-01-01T00:00:00Z", "to": "2040-01-01T00:00:00Z", "format": "csv"})
}

/// Asks for the report, waits for it and fetches its file.
fn fetched(caller: &Client, key: &str, request: &Value) -> Vec<u8> {
    let asked = post(caller, "/reports", key, request);
    assert_eq!(asked.status, 202, "{asked}");
    let path = format!("/reports/{}", asked.body()["id"].as_str().unwrap());
    let ready = await_body(caller, &path, |report| report["state"] == "ready" || report["state"] == "failed");
    assert_eq!(ready["state"], "ready", "{ready}");
    let file = caller.download(ready["link"].as_str().unwrap()).unwrap();
    assert_eq!(ready["bytes"], json!(file.len()));
    file
}

/// Sells one product to `person`, in a cycle that is open now; gives the order.
fn sold(world: &World, person: &str) -> String {
    let office = world.office("company-admin");
    // Refused if another walkthrough has opened a cycle for today, which does as well.
    let cycle = json!({"first_day": "2026-01-01", "last_day": "2027-12-31", "rates": {"COP": "1"}});
    office.put("/cycles/E2E-NOW", &cycle).unwrap();
    let product = format!("T-{person}");
    let body = json!({
        "version": 0, "name": {"es": "Té verde", "en": "Green tea"}, "category": "nutricion", "vat_percent": "19", "vq": "10",
        "vc": "8", "points": "3", "price_lists": {"public": {"includes_vat": true, "amounts": {"COP": "119"}}},
    });
    let put = office.put(&format!("/products/{product}"), &body).unwrap();
    assert!(put.is_success(), "{put}");
    let order = json!({"buyer": person, "lines": [{"product": product, "quantity": 2}], "place": true});
    let placed = post(&office, "/orders", &format!("order-{person}"), &order);
    assert!(placed.is_success(), "{placed}");
    let id = placed.body()["id"].as_str().unwrap().to_owned();
    let paid = post(&office, &format!("/orders/{id}/payment"), &format!("pay-{person}"), &json!({}));
    assert!(paid.is_success(), "{paid}");
    id
}

#[test]
fn detailed_sales_show_what_the_caller_may_see_in_both_forms() {
    let world = World::open("rep");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let cem = world.consultant("cem", None, json!({}));
    let (of_ben, of_cem) = (sold(&world, &ben), sold(&world, &cem));

    let own = world.person("consultant", &ana);
    let text = String::from_utf8(fetched(&own, "k1", &period())).unwrap();
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    assert!(lines.next().unwrap().starts_with("Pedido,Pagado (UTC),Ciclo,"));
    assert!(text.contains(&of_ben) && text.contains("Té verde") && !text.contains(&of_cem), "{text}");

    let mut all = period();
    all["format"] = json!("xlsx");
    all["filters"] = json!({"person": cem});
    let file = fetched(&world.office("commercial"), "k2", &all);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut sheet = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    assert!(sheet.contains(&of_cem) && !sheet.contains(&of_ben));
}

#[test]
fn reports_are_their_askers_and_what_is_unclear_is_refused() {
    let world = World::open("rer");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let (own, other) = (world.person("consultant", &ana), world.person("consultant", &ben));
    let asked = post(&own, "/reports", "k1", &period()).body();
    let path = format!("/reports/{}", asked["id"].as_str().unwrap());
    assert_eq!(
        post(&own, "/reports", "k1", &period()).body()["id"],
        asked["id"],
        "the same key is the same report"
    );
    assert_refused(&other.get(&path).unwrap(), 404, "not-found");
    assert_refused(
        &post(&own, "/reports", "k2", &json!({"kind": "detailed-sales"})),
        400,
        "request.malformed",
    );
    assert_refused(
        &post(&own, "/reports", "k3", &json!({"kind": "everything", "cycle": "x"})),
        400,
        "request.malformed",
    );
    let unknown =
        post(&own, "/reports", "k4", &json!({"kind": "detailed-sales", "cycle": "no-such-cycle"})).body();
    let path = format!("/reports/{}", unknown["id"].as_str().unwrap());
    let failed = await_body(&own, &path, |report| report["state"] == "failed");
    assert_eq!(failed["reason"], "report.unknown-cycle");
    assert_refused(
        &post(&world.office("support"), "/reports", "k5", &json!([])),
        403,
        "access.missing-permission",
    );
}
