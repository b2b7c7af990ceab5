//! Tickets: opened, answered, worked on; what is refused; what is told by mail.

use serde_json::{Value, json};

use crate::world::{World, address_of, assert_refused, post};

fn new_ticket() -> Value {
    json!({"type": "pedido", "subject": "Pedido sin entregar", "text": "Hace una semana"})
}

#[test]
fn a_ticket_goes_from_open_to_solved_with_its_history_and_its_mails() {
    let world = World::open("svc");
    let ana = world.consultant("ana", None, json!({}));
    let (consultant, support) = (world.person("consultant", &ana), world.office("support"));

    let opened = post(&consultant, "/tickets", "k1", &new_ticket());
    assert_eq!(opened.status, 201, "{opened}");
    let ticket = opened.body();
    let id = ticket["id"].as_str().unwrap();
    assert_eq!(
        (&ticket["about"], &ticket["state"], &ticket["queue"]),
        (&json!(ana), &json!("open"), &json!("orders"))
    );
    assert_eq!(
        post(&consultant, "/tickets", "k1", &new_ticket()).body()["id"],
        json!(id),
        "the same key is the same ticket"
    );
    let other = json!({"type": "otro", "subject": "Otra cosa", "text": "x"});
    assert_refused(&post(&consultant, "/tickets", "k1", &other), 409, "idempotency.key-reused");

    let path = format!("/tickets/{id}");
    let note = json!({"text": "Revisar con bodega", "internal": true});
    assert!(post(&support, &format!("{path}/replies"), "k2", &note).is_success());
    assert!(
        post(&support, &format!("{path}/replies"), "k3", &json!({"text": "Ya va en camino"})).is_success()
    );
    let step = json!({"state": "solved", "assignee": "u-7"});
    assert!(post(&support, &format!("{path}/state"), "k4", &step).is_success());
    assert!(
        post(&support, &format!("{path}/state"), "k4", &step).is_success(),
        "a repetition is not refused"
    );
    let wrong = post(&support, &format!("{path}/state"), "k5", &json!({"state": "open"}));
    assert_refused(&wrong, 409, "ticket.wrong-transition");
    assert!(wrong.body()["detail"].as_str().unwrap().contains("solved"));

    let whats = |view: Value| -> Vec<String> {
        view["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["what"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(whats(consultant.get(&path).unwrap().body()), ["opened", "replied", "changed"]);
    assert_eq!(whats(support.get(&path).unwrap().body()), ["opened", "noted", "replied", "changed"]);

    let address = address_of(&ana);
    for words in ["Recibimos tu caso", "Respuesta a tu caso", "Resuelto"] {
        world.letter(&address, |letter| {
            letter["Subject"].as_str().is_some_and(|subject| subject.contains(words))
        });
    }
    let told = world.letters(&address);
    assert!(!told.iter().any(|letter| letter.to_string().contains("bodega")), "notes stay inside");
}

#[test]
fn tickets_are_found_by_person_queue_and_state_within_reach() {
    let world = World::open("svl");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let cem = world.consultant("cem", None, json!({}));
    let (above, beside) = (world.person("consultant", &ana), world.person("consultant", &cem));
    let mut about_ben = new_ticket();
    about_ben["about"] = json!(ben);
    let id = post(&above, "/tickets", "k1", &about_ben).body()["id"].as_str().unwrap().to_owned();

    assert_refused(&post(&beside, "/tickets", "k1", &about_ben), 404, "not-found");
    assert_refused(&beside.get(&format!("/tickets/{id}")).unwrap(), 404, "not-found");
    assert_refused(&beside.get(&format!("/tickets?person={ben}")).unwrap(), 404, "not-found");
    let ids = |reply: testkit::api::Reply| -> Vec<String> {
        let items = reply.body()["items"].as_array().cloned().unwrap_or_else(|| panic!("{reply}"));
        items.iter().map(|ticket| ticket["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(above.get(&format!("/tickets?person={ben}")).unwrap()), std::slice::from_ref(&id));
    assert_eq!(ids(above.get(&format!("/tickets?person={ben}&state=closed")).unwrap()), Vec::<String>::new());
    assert_eq!(
        ids(above.get("/tickets?queue=orders").unwrap()),
        Vec::<String>::new(),
        "a consultant's listing is their own"
    );

    let support = world.office("support");
    assert_refused(&support.get("/tickets").unwrap(), 400, "request.malformed");
    let mut found = Vec::new();
    let mut path = "/tickets?queue=orders&state=open&limit=1".to_owned();
    // The newest come first, and other walkthroughs add more: a few pages are enough to find ours.
    for _ in 0..20 {
        let page = support.get(&path).unwrap().body();
        found.extend(page["items"].as_array().unwrap().iter().map(|ticket| ticket["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/tickets?queue=orders&state=open&limit=1&cursor={next}");
    }
    assert!(found.contains(&json!(id)), "{id} in {found:?}");
}

#[test]
fn what_is_not_a_ticket_is_refused_and_who_may_not_work_on_one_cannot() {
    let world = World::open("svr");
    let ana = world.consultant("ana", None, json!({}));
    let consultant = world.person("consultant", &ana);
    let cases = [
        (json!({"type": "queja", "subject": "x", "text": "x"}), "ticket.unknown-code"),
        (json!({"type": "pedido", "subject": " ", "text": "x"}), "ticket.text-length"),
        (json!({"type": "pedido", "subject": "x", "text": "x", "urgent": true}), "request.malformed"),
        (json!({"type": "pedido", "subject": "x"}), "request.malformed"),
    ];
    for (number, (body, code)) in cases.into_iter().enumerate() {
        assert_refused(&post(&consultant, "/tickets", &format!("k{number}"), &body), 400, code);
    }
    let without_key = consultant.post("/tickets", &new_ticket()).unwrap();
    assert_refused(&without_key, 400, "request.malformed");
    let id = post(&consultant, "/tickets", "k9", &new_ticket()).body()["id"].as_str().unwrap().to_owned();
    let step = post(&consultant, &format!("/tickets/{id}/state"), "k10", &json!({"state": "solved"}));
    assert_refused(&step, 403, "access.missing-permission");
    let note =
        post(&consultant, &format!("/tickets/{id}/replies"), "k11", &json!({"text": "x", "internal": true}));
    assert_refused(&note, 403, "access.missing-permission");
    assert_eq!(world.nobody().get(&format!("/tickets/{id}")).unwrap().status, 401);
}
