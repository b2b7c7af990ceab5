//! Mail: the welcome, campaigns with a result for each recipient, taking leave, bounces and complaints.

use serde_json::{Value, json};

use crate::world::{PATIENCE, World, address_of, assert_refused, await_body, post};

fn campaign(under: &str) -> Value {
    json!({
        "name": "Cierre", "filter": {"under": under},
        "texts": {"es": {"subject": "Hola, {{ name }}", "body": "Faltan tres días.\n\nTu código es {{ number }}."}},
    })
}

fn recipient(listed: &Value, person: &str) -> Value {
    let items = listed["items"].as_array().unwrap();
    items.iter().find(|item| item["person"] == person).cloned().unwrap_or_default()
}

#[test]
fn somebody_new_is_welcomed_once() {
    let world = World::open("msw");
    let ana = world.consultant("ana", None, json!({}));
    let letter =
        world.letter(&address_of(&ana), |letter| letter["Subject"].to_string().contains("bienvenida"));
    assert!(letter["BodyText"].as_str().unwrap().contains(&ana), "{letter}");
    let english = world.consultant("ben", None, json!({"locale": "en"}));
    world.letter(&address_of(&english), |letter| letter["Subject"].to_string().contains("Welcome"));
    assert_eq!(world.letters(&address_of(&ana)).len(), 1);
}

#[test]
fn a_campaign_reaches_its_filter_and_keeps_a_result_for_each_recipient() {
    let world = World::open("msc");
    let ana = world.consultant("ana", None, json!({}));
    let [ben, cem, dan, eva] =
        ["ben", "cem", "dan", "eva"].map(|name| world.consultant(name, Some(&ana), json!({})));
    let marketing = world.office("marketing");
    let blocked = marketing.put(&format!("/suppressions/{}", address_of(&cem)), &json!({})).unwrap();
    assert_eq!(blocked.body()["reason"], "manual", "{blocked}");

    let made = post(&marketing, "/campaigns", "k1", &campaign(&ana));
    assert_eq!(made.status, 202, "{made}");
    let id = made.body()["id"].as_str().unwrap().to_owned();
    assert_eq!(post(&marketing, "/campaigns", "k1", &campaign(&ana)).body()["id"], json!(id));
    let path = format!("/campaigns/{id}");
    let done = await_body(&marketing, &path, |campaign| campaign["state"] == "finished");
    assert_eq!(
        (&done["recipients"], &done["sent"], &done["suppressed"]),
        (&json!(4), &json!(3), &json!(1)),
        "{done}"
    );
    let listed = marketing.get(&format!("{path}/recipients")).unwrap().body();
    assert_eq!(recipient(&listed, &cem)["state"], "suppressed");
    assert_eq!(recipient(&listed, &ben)["state"], "sent");
    let letter = world.letter(&address_of(&ben), |letter| letter["Subject"] == "Hola, ben");
    assert_eq!(letter["MessageId"], recipient(&listed, &ben)["message_id"]);

    // Taking leave: the page changes nothing, the form does.
    let text = letter["BodyText"].as_str().unwrap();
    let query = text.split("/public/unsubscribe").nth(1).unwrap().trim();
    let page = world.nobody().get(&format!("/public/unsubscribe{query}")).unwrap();
    assert!(page.status == 200 && String::from_utf8_lossy(&page.bytes).contains("<form"), "{page}");
    let suppressed = |address: &str| {
        let listed = marketing.get("/suppressions?limit=100").unwrap().body();
        listed["items"].as_array().unwrap().iter().find(|item| item["address"] == address).cloned()
    };
    assert_eq!(suppressed(&address_of(&ben)), None);
    let left = world.nobody().request("POST", &format!("/public/unsubscribe{query}")).send().unwrap();
    assert_eq!(left.status, 200, "{left}");
    assert_eq!(suppressed(&address_of(&ben)).unwrap()["reason"], "unsubscribed");
    assert_refused(
        &world.nobody().get("/public/unsubscribe?token=e30.AAAA").unwrap(),
        400,
        "message.invalid-link",
    );

    // What the mail service tells afterwards.
    let message = |person: &str| recipient(&listed, person)["message_id"].clone();
    world.publish_feedback(&json!({
        "notificationType": "Bounce", "mail": {"messageId": message(&dan)},
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [{"emailAddress": address_of(&dan)}]},
    }));
    let complaint = json!({
        "notificationType": "Complaint", "mail": {"messageId": message(&eva)},
        "complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": address_of(&eva)}]},
    });
    world.publish_feedback(&complaint);
    world.publish_feedback(&complaint);
    let told =
        await_body(&marketing, &path, |campaign| campaign["bounced"] == 1 && campaign["complained"] == 1);
    assert_eq!((&told["sent"], &told["state"]), (&json!(1), &json!("finished")), "{told}");
    let second =
        post(&marketing, "/campaigns", "k2", &campaign(&ana)).body()["id"].as_str().unwrap().to_owned();
    let done =
        await_body(&marketing, &format!("/campaigns/{second}"), |campaign| campaign["state"] == "finished");
    assert_eq!(done["suppressed"], 4, "who left, bounced, complained or was blocked gets no more: {done}");
    assert!(marketing.delete(&format!("/suppressions/{}", address_of(&cem))).unwrap().is_success());
}

#[test]
fn a_consultant_mails_the_own_downline_only_and_sees_no_other_campaign() {
    let world = World::open("msd");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let cem = world.consultant("cem", None, json!({}));
    let senior = world.person("senior-consultant", &ana);
    assert_refused(&post(&senior, "/campaigns", "k1", &campaign(&cem)), 404, "not-found");
    let mut to_all = campaign(&ana);
    to_all["filter"] = json!({});
    let id = post(&senior, "/campaigns", "k2", &to_all).body()["id"].as_str().unwrap().to_owned();
    let done = await_body(&senior, &format!("/campaigns/{id}"), |campaign| campaign["state"] == "finished");
    assert_eq!(done["recipients"], 2, "oneself and the downline: {done}");
    let listed = senior.get(&format!("/campaigns/{id}/recipients")).unwrap().body();
    assert_eq!(recipient(&listed, &ben)["state"], "sent");
    assert_eq!(recipient(&listed, &cem), Value::Null);
    let other = world.person("senior-consultant", &cem).get(&format!("/campaigns/{id}")).unwrap();
    assert_refused(&other, 404, "not-found");
    assert_refused(&senior.get("/suppressions").unwrap(), 403, "access.missing-permission");
    let plain = post(&world.person("consultant", &ana), "/campaigns", "k3", &to_all);
    assert_refused(&plain, 403, "access.missing-permission");
}

#[test]
fn a_campaign_that_cannot_be_rendered_is_refused_and_one_for_later_waits_for_its_time() {
    let world = World::open("msl");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let marketing = world.office("marketing");
    let mut wrong = campaign(&ana);
    wrong["texts"]["es"]["body"] = json!("Hola, {{ nombre }}");
    let refused = post(&marketing, "/campaigns", "k1", &wrong);
    assert_refused(&refused, 400, "request.malformed");
    assert_eq!(refused.body()["errors"][0]["pointer"], "/texts/es/body");
    let mut later = campaign(&ana);
    let soon = jiff::SignedDuration::from_secs(5);
    #[expect(clippy::disallowed_methods, reason = "the campaign is to start soon")]
    let send_at = jiff::Timestamp::now().checked_add(soon).unwrap();
    later["send_at"] = json!(send_at);
    let made = post(&marketing, "/campaigns", "k2", &later).body();
    assert_eq!(made["state"], "scheduled");
    let path = format!("/campaigns/{}", made["id"].as_str().unwrap());
    // The tick comes once a minute.
    let patience = PATIENCE * 2;
    let finished =
        testkit::api::until("the scheduled campaign", patience, std::time::Duration::from_secs(1), || {
            let body: Value = marketing.get(&path)?.success()?;
            Ok((body["state"] == "finished").then_some(body))
        });
    assert_eq!(finished.unwrap()["sent"], 1, "{ben}");
}

/// At least once: a letter goes out again only if its sender died between the claim and the result, and only once the claim ran out.
#[test]
fn a_second_delivery_sends_nothing_unless_the_first_sender_died() {
    let world = World::open("msx");
    let ana = world.consultant("ana", None, json!({}));
    let ben = world.consultant("ben", Some(&ana), json!({}));
    let marketing = world.office("marketing");
    let id = post(&marketing, "/campaigns", "k1", &campaign(&ana)).body()["id"].as_str().unwrap().to_owned();
    let path = format!("/campaigns/{id}");
    await_body(&marketing, &path, |campaign| campaign["state"] == "finished");
    let again = json!({"campaign": id, "people": [ben], "correlation": "second-delivery"});
    let letters =
        || world.letters(&address_of(&ben)).iter().filter(|letter| letter["Subject"] == "Hola, ben").count();
    let claimed_until = |seconds: &str| {
        world.tamper(
            "MessagesTable",
            &json!({
                "Key": {"pk": {"S": format!("CAMPAIGN#{id}")}, "sk": {"S": format!("RECIPIENT#{ben}")}},
                "UpdateExpression": "SET #s = :s, claim = :c, claimed_until = :u",
                "ExpressionAttributeNames": {"#s": "state"},
                "ExpressionAttributeValues": {":s": {"S": "sending"}, ":c": {"S": "dead"}, ":u": {"N": seconds}},
            }),
        );
    };
    let moment = std::time::Duration::from_secs(4);

    world.enqueue("CampaignMailQueue", &again);
    std::thread::sleep(moment);
    assert_eq!(letters(), 1, "it has its result");

    claimed_until("9999999999");
    world.enqueue("CampaignMailQueue", &again);
    std::thread::sleep(moment);
    assert_eq!(letters(), 1, "another sender is at it");

    claimed_until("1");
    world.enqueue("CampaignMailQueue", &again);
    let listed = await_body(&marketing, &format!("{path}/recipients"), |listed| {
        recipient(listed, &ben)["state"] == "sent"
    });
    assert_eq!(letters(), 2, "nobody knew whether the first had left");
    assert_eq!(recipient(&listed, &ben)["attempts"], 2);
}
