//! Live indicators: they follow payments, returns and cancellations, whatever the queues do.

use serde_json::{Value, json};

use crate::{
    orders::{id_of, open_cycle, past_cycle, product, set_state, step},
    world::{World, assert_refused, await_body, post},
};

/// Places and pays an order of `person` for `quantity` units of 4.50 VQ and 3.60 VC.
fn paid(world: &World, person: &str, product: &str, key: &str, quantity: u32, payment: &Value) -> String {
    let office = world.office("company-admin");
    let body = json!({"buyer": person, "lines": [{"product": product, "quantity": quantity}], "place": true});
    let id = id_of(&post(&office, "/orders", key, &body));
    let paid = step(&office, &id, "payment", &format!("{key}-payment"), payment);
    assert!(paid.is_success(), "{paid}");
    id
}

fn numbers(live: &Value) -> Value {
    let names = [
        "own_vq",
        "own_vc",
        "own_orders",
        "own_returns",
        "team_vq",
        "team_vc",
        "team_orders",
        "team_returns",
    ];
    names.into_iter().map(|name| live[name].clone()).collect()
}

#[test]
fn volumes_of_buyers_and_of_everybody_above_follow_each_payment_and_cancellation() {
    let world = World::open("livf");
    open_cycle(&world);
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let cem = world.consultant("cem", Some(&ben), json!({}));
    let tea = product(&world, "tea", None);
    let live = |person: &str| format!("/people/{person}/live");
    let own = world.person("consultant", &ana);
    paid(&world, &cem, &tea, "o1", 2, &json!({}));
    let second = paid(&world, &ben, &tea, "o2", 1, &json!({}));
    let both = await_body(&own, &live(&ana), |live| live["team_orders"] == "2");
    assert_eq!(numbers(&both), json!(["0", "0", "0", "0", "13.5", "10.8", "2", "0"]));
    let of_ben = own.get(&live(&ben)).unwrap().body();
    assert_eq!(numbers(&of_ben), json!(["4.5", "3.6", "1", "0", "9", "7.2", "1", "0"]));

    let office = world.office("company-admin");
    let denied = step(&own, &second, "cancellation", "c0", &json!({}));
    assert_refused(&denied, 403, "access.missing-permission");
    assert!(step(&office, &second, "cancellation", "c1", &json!({})).is_success());
    let less = await_body(&own, &live(&ana), |live| live["team_orders"] == "1");
    assert_eq!(numbers(&less), json!(["0", "0", "0", "0", "9", "7.2", "1", "0"]));
    let of_ben = own.get(&live(&ben)).unwrap().body();
    assert_eq!(numbers(&of_ben), json!(["0", "0", "0", "0", "9", "7.2", "1", "0"]));

    assert_refused(&world.person("consultant", &ben).get(&live(&ana)).unwrap(), 404, "not-found");
    assert_refused(&own.get(&format!("{}?cycle=none", live(&ana))).unwrap(), 404, "not-found");
}

#[test]
fn a_paid_order_of_a_closed_cycle_comes_back_in_the_present_one() {
    let world = World::open("livr");
    let now = open_cycle(&world);
    let ana = world.consultant("ana", None, json!({}));
    let tea = product(&world, "tea", None);
    let office = world.office("company-admin");
    let (past, moment) = past_cycle(&world);
    let body = json!({"buyer": ana, "lines": [{"product": tea, "quantity": 2}], "place": true});
    let id = id_of(&post(&office, "/orders", "o1", &body));
    let payment = step(&office, &id, "payment", "p1", &json!({"paid_at": moment}));
    assert_eq!(payment.body()["cycle"], json!(past), "{payment}");
    set_state(&world, &past, "closed");
    let cancelled = step(&office, &id, "cancellation", "c1", &json!({}));
    assert_eq!(cancelled.body()["returned_as"], json!(format!("{id}.return")), "{cancelled}");
    let live = |cycle: &str| format!("/people/{ana}/live?cycle={cycle}");
    let back = await_body(&office, &live(&now), |live| live["own_returns"] == "1");
    // What the order paid is undone by the next run; the volumes of this cycle stay as they are.
    assert_eq!(numbers(&back), json!(["0", "0", "0", "1", "0", "0", "0", "0"]));
    let kept = await_body(&office, &live(&past), |live| live["own_orders"] == "1");
    assert_eq!(numbers(&kept), json!(["9", "7.2", "1", "0", "0", "0", "0", "0"]));
}

#[test]
fn facts_that_come_twice_and_out_of_order_count_once() {
    let world = World::open("livt");
    let cycle = open_cycle(&world);
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let fact = |id: &str, vq: &str, more: Value| {
        let mut detail = json!({
            "fact": format!("{}-{id}", world.mark), "version": 1, "occurred_at": "2026-10-15T12:00:00Z",
            "known_at": "2026-10-15T12:00:00Z", "correlation": "e2e-live-facts", "order": format!("{}-o", world.mark),
            "person": ben, "cycle": cycle, "currency": "COP", "net": "1.00", "gross": "1.00", "vq": vq, "vc": vq,
            "points": "0", "units": "1",
        });
        for (member, value) in more.as_object().unwrap() {
            detail[member] = value.clone();
        }
        json!({"detail-type": "any", "source": "ceiba.orders", "detail": detail})
    };
    let sale = json!({"paid_at": "2026-10-15T12:00:00Z", "kind": "sale", "first_of_person": false, "reverses": null, "loaded": false});
    let cancelled = json!({"was_paid": true, "returned_as": null});
    let facts =
        [fact("cancel", "7.25", cancelled), fact("pay", "7.25", sale.clone()), fact("other", "2.50", sale)];
    for number in [0, 2, 1, 0, 1, 2, 2, 0] {
        world.enqueue("LiveQueue", &facts[number]);
    }
    let office = world.office("company-admin");
    let path = format!("/people/{ana}/live");
    let once = await_body(&office, &path, |live| live["team_vq"] == "2.5" && live["team_orders"] == "1");
    assert_eq!(numbers(&once), json!(["0", "0", "0", "0", "2.5", "2.5", "1", "0"]));
    // The rest of the deliveries change nothing any more.
    world.enqueue("LiveQueue", &facts[1]);
    std::thread::sleep(std::time::Duration::from_secs(4));
    assert_eq!(office.get(&path).unwrap().body(), once);
}
