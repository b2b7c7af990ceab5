//! Tokens, roles, settings, cycles: who gets in, what a role allows, who changed what.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{
    api::Client,
    issuer::{Issuer, TokenRequest},
};

use crate::world::{World, assert_refused};

#[expect(clippy::disallowed_methods, reason = "tokens are issued now")]
fn with_token(world: &World, roles: &[&str], valid: SignedDuration) -> Client {
    let issuer = Issuer::read(world.stack.issuer.as_ref().unwrap()).unwrap();
    let request = TokenRequest { subject: &world.mark, roles, person: None, now: Timestamp::now(), valid };
    world.nobody().with_token(&issuer.token(&request))
}

#[test]
fn nobody_gets_in_without_a_sound_token() {
    let world = World::open("acct");
    let forged = {
        let folder = std::env::temp_dir().join(&world.mark);
        std::fs::create_dir_all(&folder).unwrap();
        let mut files = world.stack.issuer.clone().unwrap();
        files.private_key = folder.join("key.pem");
        Issuer::ensure_key(&files.private_key).unwrap();
        let issuer = Issuer::read(&files).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        #[expect(clippy::disallowed_methods, reason = "tokens are issued now")]
        let now = Timestamp::now();
        let valid = SignedDuration::from_mins(5);
        issuer.token(&TokenRequest { subject: "u1", roles: &["company-admin"], person: None, now, valid })
    };
    let cases = [
        ("no token", world.nobody()),
        ("no bearer token", world.nobody().with_token("a b")),
        ("a forged one", world.nobody().with_token(&forged)),
        ("an expired one", with_token(&world, &["company-admin"], SignedDuration::from_secs(-60))),
    ];
    for (name, client) in cases {
        let reply = client.get("/me").unwrap();
        assert_eq!(reply.status, 401, "{name}: {reply}");
        // The emulator answers a token that does not even look like one in its own words.
        let code = reply.problem().map(|problem| problem.code);
        assert!(code.is_none_or(|code| code == "access.unauthenticated"), "{name}: {reply}");
    }
    let me =
        with_token(&world, &["customer", "no-such-role"], SignedDuration::from_mins(5)).get("/me").unwrap();
    assert_eq!(me.status, 200, "{me}");
    assert!(me.body()["permissions"].as_array().unwrap().contains(&json!("ORDERS_WRITE")), "{me}");
}

#[test]
fn a_role_allows_what_the_company_says_and_changes_are_kept() {
    let world = World::open("accr");
    let office = world.office("company-admin");
    let role = world.mark.clone();
    let path = format!("/roles/{role}");
    let draft = json!({"permissions": ["SETTINGS_READ"], "version": 0});
    let made = office.put(&path, &draft).unwrap();
    assert_eq!(made.body()["version"], 1, "{made}");
    assert_refused(&office.put(&path, &draft).unwrap(), 409, "access.changed");
    assert_refused(
        &office.put(&path, &json!({"permissions": ["FLY"], "version": 1})).unwrap(),
        400,
        "request.malformed",
    );
    let key = json!({"permissions": [], "version": 0});
    assert_refused(&office.put("/roles/company-admin", &key).unwrap(), 422, "access.last-key");

    let holder = with_token(&world, &[&role], SignedDuration::from_mins(5));
    // Roles are remembered for a minute at the gate.
    let read = testkit::api::until(
        "the new role",
        crate::world::PATIENCE,
        std::time::Duration::from_secs(2),
        || {
            // Each token is remembered too, so another one is asked with.
            let reply = with_token(&world, &[&role], SignedDuration::from_mins(6)).get("/settings")?;
            Ok(reply.is_success().then_some(reply))
        },
    );
    assert!(read.is_ok());
    assert_refused(&holder.put("/settings", &json!({})).unwrap(), 403, "access.missing-permission");

    let changes: Value = office.get("/settings/changes?limit=100").unwrap().success().unwrap();
    let mine =
        changes["items"].as_array().unwrap().iter().find(|change| change["subject"]["role"] == json!(role));
    let mine = mine.unwrap();
    assert_eq!((&mine["before"], &mine["after"]["permissions"]), (&Value::Null, &json!(["SETTINGS_READ"])));
}

#[test]
fn settings_are_checked_and_versioned() {
    let world = World::open("accs");
    let office = world.office("company-admin");
    let mut settings = office.get("/settings").unwrap().body();
    settings["time_zone"] = json!("Mars/Olympus");
    let refused = office.put("/settings", &settings).unwrap();
    assert_refused(&refused, 400, "request.malformed");
    assert_eq!(refused.problem().unwrap().errors[0]["pointer"], "/time_zone");
    settings["time_zone"] = json!("America/Bogota");
    settings["version"] = json!(999_999);
    assert_refused(&office.put("/settings", &settings).unwrap(), 409, "access.changed");
    assert_refused(
        &world.office("support").put("/settings", &settings).unwrap(),
        403,
        "access.missing-permission",
    );
}

#[test]
fn cycles_of_a_calendar_share_no_day() {
    let world = World::open("acal");
    let office = world.office("company-admin");
    let put = |id: &str, first: &str, last: &str, version: Option<u64>| {
        let body = json!({"calendar": world.mark, "first_day": first, "last_day": last, "rates": {"USD": "4012.50"}, "version": version});
        office.put(&format!("/cycles/{}-{id}", world.mark), &body).unwrap()
    };
    let one = put("1", "2031-01-01", "2031-01-31", None);
    assert_eq!((one.status, one.body()["state"].as_str()), (200, Some("open")), "{one}");
    assert_eq!(one.body()["start"], "2031-01-01T05:00:00Z", "{one}");
    assert_refused(&put("2", "2031-01-31", "2031-02-28", None), 409, "calendar.overlap");
    assert_eq!(put("2", "2031-02-01", "2031-02-28", None).status, 200);
    assert_refused(&put("1", "2031-01-01", "2031-01-30", None), 409, "calendar.changed");
    assert_eq!(put("1", "2031-01-01", "2031-01-30", Some(1)).body()["version"], 2);
    assert_refused(&put("3", "2031-03-31", "2031-03-01", None), 400, "request.malformed");
    let listed = office.get(&format!("/cycles?calendar={}", world.mark)).unwrap().body();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
    assert_refused(&office.get("/cycles/none").unwrap(), 404, "not-found");
}
