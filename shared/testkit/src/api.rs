//! A blocking client for the API: JSON in and out, refusals as data, polling.
//!
//! Plain HTTP only, for stacks on the own machine.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{Agent, http};

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// Speaks to one deployment, as one caller.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A caller nobody knows, of the API at `base` (with its stage, for example `http://127.0.0.1:4566/restapis/x/v1`).
    pub fn new(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A first call starts a function, which takes its time on a busy machine.
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        Self { agent: config.new_agent(), base: base.trim_end_matches('/').to_owned(), token: None }
    }

    /// The same API, called with `token`.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Reads `path`, which begins with a slash and may end in a query.
    pub fn get(&self, path: &str) -> anyhow::Result<Reply> {
        self.request("GET", path).send()
    }

    /// Posts `body`.
    pub fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Reply> {
        self.request("POST", path).json(body)?.send()
    }

    /// Puts `body`.
    pub fn put(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Reply> {
        self.request("PUT", path).json(body)?.send()
    }

    /// Deletes what is at `path`.
    pub fn delete(&self, path: &str) -> anyhow::Result<Reply> {
        self.request("DELETE", path).send()
    }

    /// Begins a request of any other kind.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        let mut request = Request {
            agent: &self.agent,
            method: method.to_owned(),
            url: format!("{}{path}", self.base),
            headers: Vec::new(),
            body: None,
        };
        if let Some(token) = &self.token {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        request
    }

    /// Fetches a short-lived link as it is: no token goes with it.
    pub fn download(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        let reply = self.link("GET", url).send()?;
        if reply.status != 200 {
            bail!("downloading {url} gave {reply}");
        }
        Ok(reply.bytes)
    }

    /// Puts `bytes` where a short-lived link points.
    pub fn upload(&self, url: &str, content_type: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        let reply = self.link("PUT", url).header("Content-Type", content_type).bytes(bytes).send()?;
        if !reply.is_success() {
            bail!("uploading to {url} gave {reply}");
        }
        Ok(())
    }

    fn link(&self, method: &str, url: &str) -> Request<'_> {
        Request {
            agent: &self.agent,
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }
}

/// A request in the making.
#[derive(Debug)]
pub struct Request<'a> {
    agent: &'a Agent,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request<'_> {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an `Idempotency-Key`: the same key with the same body is carried out once.
    #[must_use]
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// Sends `body` as JSON.
    pub fn json(self, body: &impl Serialize) -> anyhow::Result<Self> {
        let bytes = serde_json::to_vec(body)?;
        Ok(self.header("Content-Type", "application/json").bytes(bytes))
    }

    /// Sends `bytes` as they are, malformed or not.
    #[must_use]
    pub fn bytes(mut self, bytes: Vec<u8>) -> Self {
        self.body = Some(bytes);
        self
    }

    /// Sends it. Fails if there is no answer; an answer of any status is a [`Reply`].
    pub fn send(self) -> anyhow::Result<Reply> {
        let what = format!("{} {}", self.method, self.url);
        let mut builder = http::Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let answer = match self.body {
            Some(bytes) => self.agent.run(builder.body(bytes)?),
            None => self.agent.run(builder.body(())?),
        };
        let (parts, mut body) = answer.with_context(|| what.clone())?.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec().with_context(|| what.clone())?;
        Ok(Reply { what, status: parts.status.as_u16(), headers, bytes })
    }
}

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Method and address it answers, for messages.
    pub what: String,
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of the first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is empty or none.
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The body of a success. Any other status is an error that tells the request and what was answered.
    pub fn success<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        if !self.is_success() {
            bail!("{self}");
        }
        serde_json::from_slice(&self.bytes).with_context(|| format!("{self}"))
    }

    /// The refusal, if this is one in the API's form.
    pub fn problem(&self) -> Option<ProblemDocument> {
        if self.is_success() {
            return None;
        }
        serde_json::from_slice(&self.bytes).ok()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.bytes);
        let shown: String = text.chars().take(2_000).collect();
        write!(f, "{} answered {}: {shown}", self.what, self.status)
    }
}

/// A refusal: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProblemDocument {
    /// `urn:problem:` and the code.
    #[serde(default, rename = "type")]
    pub problem_type: String,
    /// A short text for the status.
    #[serde(default)]
    pub title: String,
    /// The HTTP status once more.
    #[serde(default)]
    pub status: u16,
    /// What is wrong; absent when it is the platform's fault.
    #[serde(default)]
    pub detail: Option<String>,
    /// The stable name.
    pub code: String,
    /// The places that are wrong, as they came.
    #[serde(default)]
    pub errors: Vec<Value>,
}

/// Asks `ready` every `step` until it gives a value, at most for `deadline`.
///
/// Fails at once if `ready` does, and after `deadline` with what was awaited.
pub fn until<T>(
    awaited: &str,
    deadline: Duration,
    step: Duration,
    mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if started.elapsed() + step > deadline {
            bail!("waited {} s in vain: {awaited}", started.elapsed().as_secs());
        }
        std::thread::sleep(step);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        thread::JoinHandle,
    };

    use serde_json::json;

    use super::*;

    /// Answers one request on a free port with `answer`; joining gives the request's lines and body.
    fn one_answer(answer: &'static str) -> (String, JoinHandle<(Vec<String>, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap());
        let handle = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim_end().to_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                lines.push(line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            (lines, String::from_utf8(body).unwrap())
        });
        (base, handle)
    }

    #[test]
    fn a_refusal_is_data() {
        let (base, server) = one_answer(
            "HTTP/1.1 422 Unprocessable\r\nContent-Type: application/problem+json\r\nContent-Length: 63\r\n\
             Connection: close\r\n\r\n{\"type\":\"urn:problem:order.empty\",\"code\":\"order.empty\",\"x\":123}",
        );
        let client = Client::new(&base).with_token("abc");
        let request =
            client.request("POST", "/orders").idempotency_key("k-1").json(&json!({"lines": []})).unwrap();
        let reply = request.send().unwrap();
        assert_eq!(reply.status, 422);
        assert_eq!(reply.problem().unwrap().code, "order.empty");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let error = reply.success::<Value>().unwrap_err().to_string();
        assert!(error.contains("POST http") && error.contains("422"), "{error}");
        let (lines, body) = server.join().unwrap();
        assert_eq!(lines[0], "post /v1/orders http/1.1");
        for header in ["authorization: bearer abc", "idempotency-key: k-1", "content-type: application/json"]
        {
            assert!(lines.iter().any(|line| line == header), "{header} in {lines:?}");
        }
        assert_eq!(body, r#"{"lines":[]}"#);
    }

    #[test]
    fn a_link_is_fetched_without_the_token() {
        let (base, server) =
            one_answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\na,b");
        let client = Client::new("http://127.0.0.1:1").with_token("secret");
        assert_eq!(client.download(&format!("{base}report.csv?sig=1")).unwrap(), b"a,b");
        let (lines, _) = server.join().unwrap();
        assert_eq!(lines[0], "get /v1/report.csv?sig=1 http/1.1");
        assert!(!lines.iter().any(|line| line.contains("secret")), "{lines:?}");
    }

    #[test]
    fn no_answer_is_an_error_that_names_the_request() {
        let error = Client::new("http://127.0.0.1:1").get("/people").unwrap_err();
        assert!(error.to_string().contains("GET http://127.0.0.1:1/people"), "{error}");
    }

    #[test]
    fn polling_ends_with_the_value_the_error_or_the_deadline() {
        let (deadline, step) = (Duration::from_mins(1), Duration::from_millis(1));
        let mut asked = 0;
        let value = until("three", deadline, step, || {
            asked += 1;
            Ok((asked == 3).then_some(asked))
        });
        assert_eq!(value.unwrap(), 3);
        let error = until::<()>("a fault", deadline, step, || bail!("broken")).unwrap_err();
        assert_eq!(error.to_string(), "broken");
        let error = until::<()>("the moon", Duration::from_millis(30), step, || Ok(None)).unwrap_err();
        assert!(error.to_string().contains("the moon"), "{error}");
    }
}
