//! Catalogue, orders from draft to cancelled, bulk loads: what happens, and what is refused with nothing changed.

use serde_json::{Value, json};
use testkit::api::{Client, Reply};

use crate::world::{World, assert_refused, await_body, post};

/// A cycle that is open now, whatever walkthrough has made it.
pub(crate) fn open_cycle(world: &World) -> String {
    let office = world.office("company-admin");
    let cycle = json!({"first_day": "2026-01-01", "last_day": "2027-12-31", "rates": {"COP": "1"}});
    office.put("/cycles/E2E-NOW", &cycle).unwrap();
    let person = world.consultant("clock", None, json!({}));
    let live = office.get(&format!("/people/{person}/live")).unwrap();
    live.body()["cycle"].as_str().unwrap_or_else(|| panic!("{live}")).to_owned()
}

/// A past cycle of one day of its own, open; gives its id and a moment in it.
pub(crate) fn past_cycle(world: &World) -> (String, String) {
    let made_at: i64 = world.mark.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
    let day = jiff::civil::date(1980, 1, 1);
    let day = day.checked_add(jiff::Span::new().days(made_at.rem_euclid(14_000))).unwrap();
    let id = format!("{}-past", world.mark);
    let made = world
        .office("company-admin")
        .put(&format!("/cycles/{id}"), &json!({"first_day": day, "last_day": day, "rates": {"COP": "1"}}));
    assert!(made.as_ref().unwrap().is_success(), "{}", made.unwrap());
    (id, format!("{day}T15:00:00Z"))
}

/// Puts a cycle behind the platform's back into another state: only a run closes one.
pub(crate) fn set_state(world: &World, cycle: &str, state: &str) {
    let change = |pk: String, sk: String| {
        json!({
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}}, "UpdateExpression": "SET #s = :s",
            "ExpressionAttributeNames": {"#s": "state"}, "ExpressionAttributeValues": {":s": {"S": state}},
        })
    };
    world.tamper("CalendarTable", &change("CYCLES".into(), format!("CYCLE#{cycle}")));
    for copy in 0..16 {
        world.tamper("CalendarTable", &change(format!("GATE#{cycle}#{copy}"), "GATE".into()));
    }
}

fn product_body(version: u64, price: &str) -> Value {
    json!({
        "version": version, "name": {"es": "Té verde", "en": "Green tea"}, "category": "nutricion", "vat_percent": "19",
        "vq": "4.50", "vc": "3.60", "points": "2", "price_lists": {
            "public": {"amounts": {"COP": price}}, "consultant": {"amounts": {"COP": "75.05"}},
        },
    })
}

/// A product of this walkthrough, with `stock` if it is counted; gives its id.
pub(crate) fn product(world: &World, name: &str, stock: Option<u64>) -> String {
    let id = format!("{}-{name}", world.mark);
    let mut body = product_body(0, "100.10");
    body["stock"] = json!(stock);
    let put = world.office("company-admin").put(&format!("/products/{id}"), &body).unwrap();
    assert!(put.is_success(), "{put}");
    id
}

pub(crate) fn step(client: &Client, order: &str, step: &str, key: &str, body: &Value) -> Reply {
    post(client, &format!("/orders/{order}/{step}"), key, body)
}

pub(crate) fn id_of(reply: &Reply) -> String {
    assert!(reply.is_success(), "{reply}");
    reply.body()["id"].as_str().unwrap().to_owned()
}

fn stock(world: &World, product: &str) -> Value {
    world.office("company-admin").get(&format!("/products/{product}")).unwrap().body()["stock"].clone()
}

fn round_trips(reply: &Reply) -> u32 {
    let timing = reply.header("server-timing").unwrap_or_else(|| panic!("{reply}"));
    timing.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[test]
fn an_order_keeps_its_price_from_draft_to_payment_with_every_part() {
    let world = World::open("ordw");
    let cycle = open_cycle(&world);
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let tea = product(&world, "tea", Some(10));
    let (own, office) = (world.person("consultant", &ana), world.office("company-admin"));

    let body =
        json!({"buyer": ben, "lines": [{"product": tea, "quantity": 3}], "comment": "para el viernes"});
    let draft = post(&own, "/orders", "k1", &body);
    assert_eq!(draft.status, 201, "{draft}");
    let line = &draft.body()["lines"][0];
    let found =
        ["unit_price", "net", "vat", "gross", "vq", "vc", "customer_price"].map(|part| line[part].clone());
    assert_eq!(
        json!(found),
        json!(["75.05", "225.15", "42.78", "267.93", "13.50", "10.80", "300.30"]),
        "{draft}"
    );
    assert_eq!(stock(&world, &tea), 10, "a draft reserves nothing");

    let id = id_of(&draft);
    let placed = step(&own, &id, "placement", "k2", &json!({}));
    assert!(placed.is_success(), "{placed}");
    assert!(round_trips(&placed) <= 3, "{} round trips", round_trips(&placed));
    assert_eq!(placed.body()["totals"], draft.body()["totals"], "placing gives what the draft said");
    assert_eq!(stock(&world, &tea), 7);
    assert_refused(&step(&own, &id, "payment", "k3", &json!({})), 403, "access.missing-permission");
    let paid = step(&office, &id, "payment", "k3", &json!({"comment": "transferencia"}));
    assert!(paid.is_success(), "{paid}");
    assert_eq!((&paid.body()["state"], &paid.body()["cycle"]), (&json!("paid"), &json!(cycle)), "{paid}");
    let said = step(&own, &id, "comments", "k4", &json!({"step": "shipping", "text": "portería"}));
    let said = said.success::<Value>().unwrap();
    let steps: Vec<_> = said["comments"].as_array().unwrap().iter().map(|comment| &comment["step"]).collect();
    assert_eq!(steps, ["draft", "payment", "shipping"]);
    let states: Vec<_> =
        said["history"].as_array().unwrap().iter().map(|reached| &reached["state"]).collect();
    assert_eq!(states, ["draft", "placed", "paid"]);
    assert_eq!(own.get(&format!("/orders/{id}")).unwrap().body(), said);

    let at_once = json!({"buyer": ben, "lines": [{"product": tea, "quantity": 1}], "place": true});
    let second = post(&own, "/orders", "k5", &at_once);
    assert_eq!((second.status, second.body()["state"].as_str()), (201, Some("placed")), "{second}");
    assert!(round_trips(&second) <= 3, "{} round trips", round_trips(&second));
    let page = own.get(&format!("/people/{ben}/orders?limit=1")).unwrap().body();
    assert_eq!(page["items"][0]["id"], second.body()["id"], "newest first: {page}");
    let next = page["next"].as_str().unwrap();
    let page = own.get(&format!("/people/{ben}/orders?limit=1&cursor={next}")).unwrap().body();
    assert_eq!(page["items"][0]["id"], json!(id), "{page}");
}

#[test]
fn placing_twice_with_one_key_is_one_order() {
    let world = World::open("ordk");
    let ana = world.consultant("ana", None, json!({}));
    let tea = product(&world, "tea", Some(10));
    let own = world.person("consultant", &ana);
    let body = json!({"lines": [{"product": tea, "quantity": 2}], "place": true});
    let first = post(&own, "/orders", "same", &body);
    assert_eq!(first.status, 201, "{first}");
    assert_eq!(post(&own, "/orders", "same", &body).body(), first.body());
    assert_eq!(stock(&world, &tea), 8);
    let other = json!({"lines": [{"product": tea, "quantity": 3}], "place": true});
    assert_refused(&post(&own, "/orders", "same", &other), 409, "idempotency.key-reused");

    let draft = id_of(&post(&own, "/orders", "draft", &json!({"lines": [{"product": tea, "quantity": 1}]})));
    let placed = step(&own, &draft, "placement", "place", &json!({}));
    assert!(placed.is_success(), "{placed}");
    assert_eq!(step(&own, &draft, "placement", "place", &json!({})).body(), placed.body());
    assert_refused(&step(&own, &draft, "placement", "again", &json!({})), 409, "order.wrong-state");
    let reused = step(&own, &draft, "placement", "place", &json!({"comment": "x"}));
    assert_refused(&reused, 409, "idempotency.key-reused");
    assert_eq!(stock(&world, &tea), 7);
    assert_refused(&own.post("/orders", &body).unwrap(), 400, "request.malformed");
}

#[test]
fn what_cannot_be_ordered_is_refused_and_nothing_changed() {
    let world = World::open("ordr");
    let office = world.office("company-admin");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let customer = world.consultant("cus", Some(&ana), json!({"kind": "customer"}));
    let gone = product(&world, "gone", None);
    let mut off = product_body(1, "100.10");
    off["active"] = json!(false);
    assert!(office.put(&format!("/products/{gone}"), &off).unwrap().is_success());
    let tea = product(&world, "tea", Some(5));
    let line =
        |product: &str, quantity: Value| json!({"lines": [{"product": product, "quantity": quantity}]});
    let with = |mut body: Value, member: &str, value: Value| {
        body[member] = value;
        body
    };
    let one = || line(&tea, json!(1));
    let cases = [
        ("unknown product", line("NOTHING", json!(1)), 422, "order.unknown-product"),
        ("inactive product", line(&gone, json!(1)), 422, "order.inactive-product"),
        ("negative quantity", line(&tea, json!(-1)), 400, "request.malformed"),
        ("no quantity", line(&tea, json!(0)), 400, "order.quantity"),
        ("huge quantity", line(&tea, json!(10_001)), 400, "order.quantity"),
        ("a fraction", line(&tea, json!(1.5)), 400, "request.malformed"),
        ("more than there is", line(&tea, json!(6)), 409, "order.out-of-stock"),
        ("empty", json!({"lines": []}), 422, "order.empty"),
        (
            "twice the same",
            json!({"lines": [{"product": tea, "quantity": 1}, {"product": tea, "quantity": 1}]}),
            400,
            "order.repeated-product",
        ),
        ("no price in it", with(one(), "currency", json!("USD")), 422, "order.no-price"),
        ("no currency", with(one(), "currency", json!("XXX")), 400, "request.malformed"),
        ("the upline", with(one(), "buyer", json!(ana)), 404, "not-found"),
        ("nobody", with(one(), "buyer", json!("NOBODY")), 404, "not-found"),
        ("a price of one's own", with(one(), "price", json!("1")), 400, "request.malformed"),
    ];
    let own = world.person("consultant", &ben);
    for (name, body, status, code) in cases {
        let reply = post(&own, "/orders", &name.replace(' ', "-"), &with(body, "place", json!(true)));
        let found = reply.problem().unwrap_or_else(|| panic!("{name}: {reply}"));
        assert_eq!((reply.status, found.code.as_str()), (status, code), "{name}: {reply}");
    }
    let buying = world.person("customer", &customer);
    let for_other = with(one(), "buyer", json!(ben));
    assert_refused(&post(&buying, "/orders", "other", &for_other), 404, "not-found");
    let bought = post(&buying, "/orders", "own", &one());
    assert_eq!(bought.body()["lines"][0]["price_list"], "public", "{bought}");
    let hidden = post(&world.person("consultant", &ana), "/orders", "ana", &one());
    assert_refused(&own.get(&format!("/orders/{}", id_of(&hidden))).unwrap(), 404, "not-found");
    assert_eq!(stock(&world, &tea), 5);
    assert_eq!(own.get(&format!("/people/{ben}/orders")).unwrap().body()["items"], json!([]));

    for (name, price) in [("fine", "0.001"), ("negative", "-1"), ("text", "uno"), ("empty", "")] {
        let refused =
            office.put(&format!("/products/{}-{name}", world.mark), &product_body(0, price)).unwrap();
        assert_eq!(refused.status, 400, "{name}: {refused}");
    }
    let denied = own.put(&format!("/products/{tea}"), &product_body(1, "1.00")).unwrap();
    assert_refused(&denied, 403, "access.missing-permission");
    assert_refused(
        &office.put(&format!("/products/{tea}"), &product_body(9, "1")).unwrap(),
        409,
        "product.stale",
    );
}

#[test]
fn a_price_that_changed_is_refused_until_the_draft_is_priced_again() {
    let world = World::open("ordp");
    let office = world.office("company-admin");
    let ana = world.consultant("ana", None, json!({}));
    let tea = product(&world, "tea", None);
    let own = world.person("consultant", &ana);
    let lines = json!([{"product": tea, "quantity": 2}]);
    let draft = post(&own, "/orders", "k1", &json!({"lines": lines}));
    let id = id_of(&draft);
    let mut change = product_body(1, "100.10");
    change["price_lists"]["consultant"]["amounts"]["COP"] = json!("80.00");
    assert!(office.put(&format!("/products/{tea}"), &change).unwrap().is_success());
    assert_refused(&step(&own, &id, "placement", "k2", &json!({})), 409, "order.prices-changed");
    assert_eq!(own.get(&format!("/orders/{id}")).unwrap().body(), draft.body(), "nothing changed");

    let patch = |version: u64| {
        let body = json!({"version": version, "lines": lines});
        own.request("PATCH", &format!("/orders/{id}")).json(&body).unwrap().send().unwrap()
    };
    assert_refused(&patch(7), 409, "order.stale");
    let priced = patch(1);
    assert_eq!(priced.body()["totals"]["net"], "160.00", "{priced}");
    let placed = step(&own, &id, "placement", "k3", &json!({}));
    assert_eq!(placed.body()["totals"], priced.body()["totals"], "{placed}");
    assert_refused(&patch(3), 409, "order.wrong-state");
}

#[test]
fn stock_never_falls_below_zero_and_comes_back() {
    let world = World::open("ords");
    let ana = world.consultant("ana", None, json!({}));
    let tea = product(&world, "tea", Some(10));
    let own = world.person("consultant", &ana);
    let body = json!({"lines": [{"product": tea, "quantity": 3}], "place": true});
    let place = |key: &str| loop {
        // Busy is for the caller to try again, with the same key.
        let reply = post(&own, "/orders", key, &body);
        if reply.status != 503 {
            return reply;
        }
    };
    let keys: Vec<String> = (0..6).map(|number| format!("k{number}")).collect();
    let replies: Vec<Reply> = std::thread::scope(|threads| {
        let placing: Vec<_> = keys.iter().map(|key| threads.spawn(|| place(key))).collect();
        placing.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let placed: Vec<_> = replies.iter().filter(|reply| reply.status == 201).map(id_of).collect();
    assert_eq!(placed.len(), 3);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_refused(reply, 409, "order.out-of-stock");
    }
    assert_eq!(stock(&world, &tea), 1);
    let cancelled = step(&own, &placed[0], "cancellation", "c1", &json!({"comment": "ya no"}));
    assert_eq!(cancelled.body()["state"], "cancelled", "{cancelled}");
    assert_eq!(
        step(&own, &placed[0], "cancellation", "c1", &json!({"comment": "ya no"})).body(),
        cancelled.body()
    );
    assert_refused(&step(&own, &placed[0], "cancellation", "c2", &json!({})), 409, "order.wrong-state");
    assert_eq!(stock(&world, &tea), 4);
}

#[test]
fn nothing_is_paid_into_a_cycle_that_is_not_open() {
    let world = World::open("ordc");
    open_cycle(&world);
    let office = world.office("company-admin");
    let ana = world.consultant("ana", None, json!({}));
    let tea = product(&world, "tea", None);
    let (past, moment) = past_cycle(&world);
    let body = json!({"buyer": ana, "lines": [{"product": tea, "quantity": 1}]});
    let id = id_of(&post(&office, "/orders", "k1", &body));
    assert_refused(&step(&office, &id, "payment", "p1", &json!({})), 409, "order.wrong-state");
    assert!(step(&office, &id, "placement", "p2", &json!({})).is_success());
    set_state(&world, &past, "closed");
    let cases = [
        (json!({"paid_at": moment}), 422, "calendar.cycle-closed"),
        (json!({"paid_at": "1970-01-01T00:00:00Z"}), 422, "calendar.no-cycle"),
        (json!({"paid_at": "2027-12-30T00:00:00Z"}), 422, "order.paid-in-future"),
        (json!({"paid_at": "yesterday"}), 400, "request.malformed"),
    ];
    for (number, (body, status, code)) in cases.into_iter().enumerate() {
        assert_refused(&step(&office, &id, "payment", &format!("q{number}"), &body), status, code);
    }
    assert_eq!(office.get(&format!("/orders/{id}")).unwrap().body()["state"], "placed");
}

/// Sends `file` as a bulk load and waits until it is done.
pub(crate) fn load(world: &World, key: &str, file: &str) -> Value {
    let office = world.office("company-admin");
    let made = post(&office, "/order-loads", key, &json!({}));
    let path = format!("/order-loads/{}", id_of(&made));
    assert_refused(&post(&office, &format!("{path}/start"), "s", &json!({})), 422, "load.no-file");
    let url = made.body()["upload"]["url"].as_str().unwrap().to_owned();
    office.upload(&url, "text/csv", file.as_bytes().to_vec()).unwrap();
    let started = post(&office, &format!("{path}/start"), "s", &json!({}));
    assert_eq!(started.status, 202, "{started}");
    await_body(&office, &path, |load| load["state"] == "done" || load["state"] == "failed")
}

#[test]
fn a_bulk_load_names_each_refused_line_and_loads_the_others_once() {
    let world = World::open("ordl");
    let office = world.office("company-admin");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let (cycle, moment) = past_cycle(&world);
    set_state(&world, &cycle, "closed");
    let mark = &world.mark;
    let file = format!(
        "id,person,paid_at,kind,net,gross,vq,vc,reverses\n\
         {mark}-1,{ben},{moment},sale,100.00,119.00,50.00,40.00,\n\
         {mark}-2,{ana},{moment},,10,11.90,5,4,\n\
         {mark}-3,{ben},{moment},return,20.00,23.80,10.00,8.00,{mark}-1\n\
         {mark}-4,{ben},{moment},return,20.00,23.80,10.00,8.00,{mark}-none\n\
         {mark}-5,NOBODY,{moment},sale,1,1,1,1,\n\
         {mark}-6,{ben},1970-01-01T00:00:00Z,sale,1,1,1,1,\n\
         {mark}-7,{ben},{moment},sale,-1,1,1,1,\n\
         {mark}-8,{ben},{moment},sale,1,1,1\n\
         {mark}-1,{ben},{moment},sale,1,1,1,1,\n"
    );
    let first = load(&world, "k1", &file);
    assert_eq!(first["state"], "done", "{first}");
    assert_eq!(
        json!([first["lines"], first["loaded"], first["already"], first["refused"]]),
        json!([9, 3, 0, 6])
    );
    assert_eq!((&first["cycles"], &first["recalculate"]), (&json!([cycle]), &json!([cycle])));
    let result = office.download(first["result_url"].as_str().unwrap()).unwrap();
    let result = String::from_utf8(result).unwrap();
    let refused: Vec<Vec<&str>> = result.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let mut codes: Vec<_> = refused.iter().map(|fields| (fields[0], fields[2])).collect();
    codes.sort_unstable();
    let expected = [
        ("10", "order.exists"),
        ("5", "order.unknown-order"),
        ("6", "order.unknown-person"),
        ("7", "order.no-cycle"),
        ("8", "order.malformed"),
        ("9", "order.malformed"),
    ];
    assert_eq!(codes, expected, "{result}");

    let live = |person: &str| format!("/people/{person}/live?cycle={cycle}");
    let of_ana = await_body(&office, &live(&ana), |live| live["team_vq"] == "40" && live["own_vq"] == "5");
    assert_eq!((&of_ana["team_orders"], &of_ana["team_returns"]), (&json!("1"), &json!("1")), "{of_ana}");
    let again = load(&world, "k2", &file);
    assert_eq!(json!([again["loaded"], again["already"], again["refused"]]), json!([0, 3, 6]), "{again}");
    world.enqueue("OrderLoadsQueue", &json!({"load": again["id"], "correlation": "e2e-redelivery"}));
    world.enqueue("OrderLoadsQueue", &json!({"load": first["id"], "correlation": "e2e-redelivery"}));
    let shown = office.get(&format!("/orders/{mark}-1")).unwrap().body();
    assert_eq!((&shown["state"], &shown["load"]), (&json!("paid"), &first["id"]), "{shown}");
    assert_eq!(office.get(&live(&ana)).unwrap().body(), of_ana, "nothing is counted twice");

    set_state(&world, &cycle, "settled");
    let settled = load(&world, "k3", &format!("id,person,paid_at\n{mark}-9,{ben},{moment}\n"));
    assert_eq!(json!([settled["loaded"], settled["refused"]]), json!([0, 1]), "{settled}");
    let unreadable = load(&world, "k4", "id,person,colour\nO1,P1,red\n");
    assert_eq!(unreadable["state"], "failed", "{unreadable}");
    let denied = post(&world.person("consultant", &ana), "/order-loads", "k5", &json!({}));
    assert_refused(&denied, 403, "access.missing-permission");
}
