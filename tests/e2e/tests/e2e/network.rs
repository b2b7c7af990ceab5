//! Registration one by one, in public and from files; levels, paths, and who may see whom.

use serde_json::{Value, json};
use testkit::api::{Client, Reply};

use crate::world::{World, assert_refused, await_body, post};

fn newcomer(world: &World, name: &str, parent: &str) -> Value {
    json!({
        "id": format!("{}-{name}", world.mark), "kind": "consultant", "parent": parent, "name": format!("Nuevo {name}"),
        "country": "CO", "document": {"type": "CC", "number": format!("{}{name}", world.mark)},
        "email": format!("{name}@{}.example", world.mark),
    })
}

#[test]
fn a_registration_happens_once_for_its_key() {
    let world = World::open("netk");
    let ana = world.consultant("ana", None, json!({}));
    let office = world.office("support");
    let mut ben = newcomer(&world, "ben", &ana);
    ben.as_object_mut().unwrap().remove("id");
    let first = post(&office, "/people", "k1", &ben);
    assert_eq!(first.status, 201, "{first}");
    assert_eq!(post(&office, "/people", "k1", &ben).body(), first.body());
    ben["name"] = json!("Otro Ben");
    assert_refused(&post(&office, "/people", "k1", &ben), 409, "idempotency.key-reused");
    let unkeyed = office.post("/people", &ben).unwrap();
    assert_refused(&unkeyed, 400, "request.malformed");
}

#[test]
fn what_cannot_be_registered_is_refused_and_nothing_changed() {
    let world = World::open("netr");
    let ana = world.consultant("ana", None, json!({}));
    let office = world.office("support");
    let customer = {
        let mut body = newcomer(&world, "cus", &ana);
        body["kind"] = json!("customer");
        body
    };
    assert_eq!(post(&office, "/people", "cus", &customer).status, 201);
    let customer_id = customer["id"].as_str().unwrap();
    let with = |name: &str, field: &str, value: Value| {
        let mut body = newcomer(&world, name, &ana);
        body[field] = value;
        body
    };
    let cases = [
        ("unknown parent", with("b1", "parent", json!("NOBODY")), 422, "network.unknown-parent"),
        ("unknown sponsor", with("b2", "sponsor", json!("NOBODY")), 422, "network.unknown-sponsor"),
        ("customer as parent", with("b3", "parent", json!(customer_id)), 422, "network.customer-above"),
        ("a second root", with("b4", "parent", Value::Null), 409, "network.second-root"),
        (
            "a document that is there",
            with("b5", "document", customer["document"].clone()),
            409,
            "network.document-taken",
        ),
        (
            "an e-mail that is there",
            with("b6", "email", customer["email"].clone()),
            409,
            "network.email-taken",
        ),
        ("an id that is there", with("b7", "id", json!(ana)), 409, "network.id-taken"),
        ("a day ahead", with("b8", "joined_on", json!("2999-01-01")), 422, "network.joins-later"),
        ("no e-mail", with("b9", "email", json!("x")), 400, "request.malformed"),
        ("a member nobody knows", with("b10", "nickname", json!("x")), 400, "request.malformed"),
    ];
    for (name, body, status, code) in cases {
        let reply = post(&office, "/people", name.replace(' ', "-").as_str(), &body);
        let found = reply.problem().unwrap_or_else(|| panic!("{name}: {reply}"));
        assert_eq!((reply.status, found.code.as_str()), (status, code), "{name}: {reply}");
        assert!(!reply.to_string().contains("Nuevo cus"), "{name} tells of somebody else");
    }
    let listed = office.get(&format!("/people/{ana}/children")).unwrap().body();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn one_sees_and_registers_within_ones_downline_only() {
    let world = World::open("netd");
    let ana = world.consultant("ana", None, json!({}));
    let [ben, dan] = ["ben", "dan"].map(|name| world.consultant(name, Some(&ana), json!({})));
    let cem = world.consultant("cem", Some(&ben), json!({}));
    let as_ben = world.person("consultant", &ben);
    for (person, status) in [(&ben, 200), (&cem, 200), (&ana, 404), (&dan, 404)] {
        for tail in ["", "/children", "/path"] {
            let reply = as_ben.get(&format!("/people/{person}{tail}")).unwrap();
            assert_eq!(reply.status, status, "{reply}");
        }
    }
    assert_eq!(ids(&as_ben.get(&format!("/people/{cem}/path")).unwrap()), [ben.clone(), cem.clone()]);
    let whole = ids(&world.office("support").get(&format!("/people/{cem}/path")).unwrap());
    assert_eq!(whole[1..], [ana.clone(), ben.clone(), cem.clone()]);
    let detail = as_ben.get(&format!("/people/{cem}")).unwrap().body();
    assert_eq!((&detail["level"], &detail["document"]), (&json!(3), &Value::Null), "{detail}");

    let under = |parent: &str, name: &str| post(&as_ben, "/people", name, &newcomer(&world, name, parent));
    assert_refused(&under(&dan, "x1"), 422, "network.unknown-parent");
    assert_refused(&under(&ana, "x2"), 422, "network.unknown-parent");
    assert_eq!(under(&cem, "x3").status, 201);
    let mut own = newcomer(&world, "x4", "-");
    own.as_object_mut().unwrap().remove("parent");
    assert_eq!(post(&as_ben, "/people", "x4", &own).body()["parent"], json!(ben));
    assert_refused(
        &world.person("customer", &ben).get(&format!("/people/{ben}")).unwrap(),
        403,
        "access.missing-permission",
    );
    let loads = post(&as_ben, "/people-loads", "l1", &json!({}));
    assert_refused(&loads, 403, "access.missing-permission");
}

#[test]
fn levels_are_read_page_by_page() {
    let world = World::open("netp");
    let ana = world.consultant("ana", None, json!({}));
    let mut children: Vec<_> =
        ["c1", "c2", "c3", "c4", "c5"].map(|name| world.consultant(name, Some(&ana), json!({}))).to_vec();
    let office = world.office("support");
    let mut found = Vec::new();
    let mut path = format!("/people/{ana}/children?limit=2");
    loop {
        let page = office.get(&path).unwrap();
        found.extend(ids(&page));
        let Some(next) = page.body()["next"].as_str().map(str::to_owned) else { break };
        let foreign = office.get(&format!("/people/{}/children?cursor={next}", children[0])).unwrap();
        assert_refused(&foreign, 400, "request.malformed");
        path = format!("/people/{ana}/children?limit=2&cursor={next}");
    }
    children.sort();
    found.sort();
    assert_eq!(found, children);
}

fn ids(reply: &Reply) -> Vec<String> {
    let body: Value = reply.success().unwrap();
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn somebody_registers_on_a_public_page() {
    let world = World::open("netw");
    let ana = world.consultant("ana", None, json!({}));
    let mut eva = newcomer(&world, "eva", &ana);
    let fields = eva.as_object_mut().unwrap();
    fields.remove("id");
    fields.remove("parent");
    let public = |key: &str, body: &Value| {
        post(&world.nobody(), "/public/registrations", &format!("{}-{key}", world.mark), body)
    };
    assert_refused(&public("k0", &eva), 400, "request.malformed");
    eva["sponsor"] = json!(ana);
    let made = public("k1", &eva);
    assert_eq!((made.status, &made.body()["parent"]), (201, &json!(ana)), "{made}");
    assert_refused(&public("k2", &eva), 409, "network.document-taken");
    eva["parent"] = json!(ana);
    assert_refused(&public("k3", &eva), 400, "request.malformed");
}

const COLUMNS: &str = "id,kind,parent,sponsor,joined_on,status,country,currency,zone,tags,name,document_type,document,email,phone,previous_rank\n";

fn line(world: &World, name: &str, parent: &str) -> String {
    let mark = &world.mark;
    format!(
        "{mark}-{name},consultant,{parent},{parent},2026-01-01,active,CO,COP,andina,vip,Carga {name},CC,{mark}{name},{name}@{mark}.example,+573001234567,bronce\n"
    )
}

/// Loads `file` and gives the load when it is done.
fn load(office: &Client, key: &str, file: String) -> Value {
    let made = post(office, "/people-loads", key, &json!({}));
    assert_eq!(made.status, 201, "{made}");
    let path = format!("/people-loads/{}", made.body()["id"].as_str().unwrap());
    let early = post(office, &format!("{path}/start"), "s0", &json!({}));
    assert_refused(&early, 422, "network.load-not-uploaded");
    office.upload(made.body()["upload"]["url"].as_str().unwrap(), "text/csv", file.into_bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(post(office, &format!("{path}/start"), "s1", &json!({})).status, 202);
    }
    await_body(office, &path, |load| load["state"] == "done" || load["state"] == "failed")
}

#[test]
fn a_file_is_loaded_once_and_each_refused_line_is_named() {
    let world = World::open("netl");
    let ana = world.consultant("ana", None, json!({}));
    let office = world.office("company-admin");
    let of = |name: &str| format!("{}-{name}", world.mark);
    let mut file = COLUMNS.to_owned();
    // Children before their parents, over several parts.
    for number in (0..600).rev() {
        let parent = if number == 0 { ana.clone() } else { of(&format!("n{}", (number - 1) / 3)) };
        file += &line(&world, &format!("n{number}"), &parent);
    }
    file += &line(&world, "x", "NOBODY");
    file += &line(&world, "y", &of("z"));
    file += &line(&world, "z", &of("y"));
    file += &line(&world, "w", &ana).replace("COP", "pesos");
    file += &line(&world, "v", &ana).replace(&format!("v@{}", world.mark), &format!("n5@{}", world.mark));
    let done = load(&office, "one", file.clone());
    assert_eq!(
        (&done["lines"], &done["loaded"], &done["refused"]),
        (&json!(605), &json!(600), &json!(5)),
        "{done}"
    );
    let result = office.download(done["result_url"].as_str().unwrap()).unwrap();
    let result = String::from_utf8(result).unwrap();
    let codes: Vec<_> = result.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    let expected = [
        "network.unknown-parent",
        "network.circular",
        "network.circular",
        "request.malformed",
        "network.repeated-line",
    ];
    assert_eq!(codes, expected, "{result}");
    let deep = office.get(&format!("/people/{}", of("n599"))).unwrap().body();
    assert_eq!((&deep["parent"], &deep["rank"]), (&json!(of("n199")), &json!("bronce")), "{deep}");

    let again = load(&office, "two", file);
    assert_eq!(
        (&again["loaded"], &again["already"], &again["refused"]),
        (&json!(0), &json!(600), &json!(5)),
        "{again}"
    );
}

#[test]
fn a_file_that_is_no_load_fails_as_a_whole() {
    let world = World::open("netf");
    let failed = load(&world.office("company-admin"), "one", "id;name\nA;Ana\n".to_owned());
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["failure"].as_str().unwrap().contains("columns"), "{failed}");
}
