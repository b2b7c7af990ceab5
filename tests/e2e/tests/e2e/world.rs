//! The stack the walkthroughs run on: callers by role, people of one's own, mail that was sent.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{
    api::{Client, Reply, until},
    issuer::{Issuer, TokenRequest},
    stack::Stack,
};

/// How long is waited for what happens in the background.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const STEP: Duration = Duration::from_millis(500);
/// The root all walkthroughs share: registering it again is the same registration.
const ROOT: &str = "E2E-ROOT";

/// A stack, and the key that signs tokens for it.
pub(crate) struct World {
    pub(crate) stack: Stack,
    issuer: Issuer,
    /// Marks what this walkthrough makes.
    pub(crate) mark: String,
}

impl World {
    /// The stack named by the environment, with a fresh mark.
    #[expect(clippy::disallowed_methods, reason = "a test reads the clock for a mark of its own")]
    pub(crate) fn open(area: &str) -> Self {
        let stack = Stack::from_env().unwrap();
        let issuer =
            Issuer::read(stack.issuer.as_ref().expect("the stack has a development issuer")).unwrap();
        let mark = format!("{area}{}", Timestamp::now().as_microsecond());
        Self { stack, issuer, mark }
    }

    /// Somebody of the back office with `role`.
    pub(crate) fn office(&self, role: &str) -> Client {
        self.caller(&format!("{}-{role}", self.mark), role, None)
    }

    /// `person` of the network with `role`.
    pub(crate) fn person(&self, role: &str, person: &str) -> Client {
        self.caller(&format!("u-{person}"), role, Some(person))
    }

    /// A caller without a token.
    pub(crate) fn nobody(&self) -> Client {
        Client::new(&self.stack.api_url)
    }

    #[expect(clippy::disallowed_methods, reason = "tokens are issued now")]
    fn caller(&self, subject: &str, role: &str, person: Option<&str>) -> Client {
        let roles = [role];
        let valid = SignedDuration::from_hours(1);
        let request = TokenRequest { subject, roles: &roles, person, now: Timestamp::now(), valid };
        Client::new(&self.stack.api_url).with_token(&self.issuer.token(&request))
    }

    /// A new consultant under `parent` (or the shared root) whose id starts with the mark; gives the id.
    pub(crate) fn consultant(&self, name: &str, parent: Option<&str>, more: Value) -> String {
        let office = self.office("company-admin");
        let root = registration(ROOT, "Raíz de pruebas", &json!({"joined_on": "2026-01-01"}));
        let reply = post(&office, "/people", "e2e-root", &root);
        assert!(reply.is_success(), "{reply}");
        let id = format!("{}-{name}", self.mark);
        let mut fields = more;
        fields["parent"] = json!(parent.unwrap_or(ROOT));
        fields["sponsor"] = fields["parent"].clone();
        let reply = post(&office, "/people", &id, &registration(&id, name, &fields));
        assert!(reply.is_success(), "{reply}");
        id
    }

    /// Waits until a letter to `address` fits, and gives it: `Subject`, `BodyText`, `BodyHtml`, `MessageId`.
    pub(crate) fn letter(&self, address: &str, fits: impl Fn(&Value) -> bool) -> Value {
        until(&format!("a letter to {address}"), PATIENCE, STEP, || {
            Ok(self.letters(address).into_iter().find(|letter| fits(letter)))
        })
        .unwrap()
    }

    /// Every letter to `address` that the emulator's mail service took.
    pub(crate) fn letters(&self, address: &str) -> Vec<Value> {
        let endpoint = self.stack.endpoint.as_deref().expect("letters are read from an emulator");
        let reply = Client::new(endpoint).get("/_ministack/ses/messages").unwrap();
        let all: Value = reply.success().unwrap();
        let of_accounts = all["messages"].as_object().into_iter().flat_map(|accounts| accounts.values());
        let letters = of_accounts.filter_map(Value::as_array).flatten();
        letters.filter(|letter| letter["To"].to_string().contains(address)).cloned().collect()
    }

    /// Publishes `message` to the topic of bounces and complaints.
    pub(crate) fn publish_feedback(&self, message: &Value) {
        let endpoint = self.stack.endpoint.as_deref().expect("feedback is published to an emulator");
        let topic = &self.stack.outputs["MailFeedbackTopicArn"];
        let message = message.to_string();
        let fields =
            [("Action", "Publish"), ("Version", "2010-03-31"), ("TopicArn", topic), ("Message", &message)];
        let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let reply = Client::new(endpoint)
            .request("POST", "/")
            .header("Authorization", &self.scope("sns"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .bytes(body.join("&").into_bytes())
            .send()
            .unwrap();
        assert!(reply.is_success(), "{reply}");
    }
}

impl World {
    /// Puts `body` onto a queue, as a second delivery of a message would.
    pub(crate) fn enqueue(&self, queue: &str, body: &Value) {
        let url = self.stack.queue(queue).unwrap();
        self.service(
            "sqs",
            "AmazonSQS.SendMessage",
            &json!({"QueueUrl": url, "MessageBody": body.to_string()}),
        );
    }

    /// Changes an item behind the platform's back, as a crash would leave it.
    pub(crate) fn tamper(&self, table: &str, change: &Value) {
        let mut request = change.clone();
        request["TableName"] = json!(self.stack.table(table).unwrap());
        self.service("dynamodb", "DynamoDB_20120810.UpdateItem", &request);
    }

    fn service(&self, service: &str, target: &str, body: &Value) {
        let endpoint = self.stack.endpoint.as_deref().expect("done on an emulator only");
        let reply = Client::new(endpoint)
            .request("POST", "/")
            .header("Authorization", &self.scope(service))
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.0")
            .bytes(body.to_string().into_bytes())
            .send()
            .unwrap();
        assert!(reply.is_success(), "{reply}");
    }

    /// Emulators take any signature; the scope says which service is meant.
    fn scope(&self, service: &str) -> String {
        let scope = format!("Credential=test/20260101/{}/{service}/aws4_request", self.stack.region);
        format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00")
    }
}

/// Posts under an idempotency key.
pub(crate) fn post(client: &Client, path: &str, key: &str, body: &Value) -> Reply {
    client.request("POST", path).idempotency_key(key).json(body).unwrap().send().unwrap()
}

/// Reads `path` until its body fits.
pub(crate) fn await_body(client: &Client, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    until(path, PATIENCE, STEP, || {
        let body: Value = client.get(path)?.success()?;
        Ok(fits(&body).then_some(body))
    })
    .unwrap()
}

/// Asserts a refusal.
pub(crate) fn assert_refused(reply: &Reply, status: u16, code: &str) {
    let found = reply.problem().unwrap_or_else(|| panic!("expected {status} {code}: {reply}"));
    assert_eq!((reply.status, found.code.as_str()), (status, code), "{reply}");
}

/// The address of a person made by [`World::consultant`].
pub(crate) fn address_of(id: &str) -> String {
    format!("{}@ceiba.example", id.to_lowercase())
}

fn registration(id: &str, name: &str, more: &Value) -> Value {
    let mut body = json!({
        "id": id, "kind": "consultant", "name": name, "country": "CO", "document": {"type": "CC", "number": number(id)},
        "email": address_of(id),
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    body
}

/// A document number of the id's letters and digits.
fn number(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
