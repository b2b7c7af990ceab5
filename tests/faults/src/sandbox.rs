//! Tables, buckets and queues of one's own beside a stack, and functions that run on them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{PoisonError, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use foundation::permission::Permission;
use serde_json::{Value, json};
use testkit::stack::Stack;

use crate::{
    proxy::{self, Call, Fault, Watched},
    runtime,
    service::Service,
    state::State,
};

/// How long an invocation may take.
const PATIENCE: Duration = Duration::from_mins(2);
const TABLE: &str = "AWS::DynamoDB::Table";
const BUCKET: &str = "AWS::S3::Bucket";
const QUEUE: &str = "AWS::SQS::Queue";

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an answer.
    Answered(Value),
    /// With an error.
    Failed(Value),
    /// The process was stopped.
    Stopped,
}

/// One run of a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// How it ended.
    pub ending: Ending,
    /// Its AWS calls.
    pub calls: Vec<Call>,
    /// What it logged.
    pub log: String,
}

impl Invocation {
    /// The answer of an invocation that did all it was asked to; workers of queues answer with what they could not do.
    pub fn success(&self) -> Result<&Value> {
        let left = |answer: &Value| {
            answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty())
        };
        match &self.ending {
            Ending::Answered(answer) if !left(answer) => Ok(answer),
            other => bail!("the invocation ended with {other:?}; its log:\n{}", self.log),
        }
    }
}

/// A place of its own for functions of a stack.
#[derive(Debug)]
pub struct Sandbox {
    stack: Stack,
    service: Service,
    /// Copies by what they are copies of: names of tables and buckets, addresses of queues.
    tables: BTreeMap<String, String>,
    buckets: BTreeMap<String, String>,
    queues: BTreeMap<String, String>,
    /// Variables that are other here than in the stack.
    settings: BTreeMap<String, String>,
}

impl Sandbox {
    /// Gives a variable of all functions another value than it has in the stack.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Empty copies of everything that holds data in `stack`, under names with `mark`.
    pub fn beside(stack: Stack, mark: &str) -> Result<Self> {
        let service = Service::of(&stack)?;
        let mut sandbox = Self {
            stack,
            service,
            tables: BTreeMap::new(),
            buckets: BTreeMap::new(),
            queues: BTreeMap::new(),
            settings: BTreeMap::new(),
        };
        let name =
            |logical: &str| format!("faults-{mark}-{}-{}", std::process::id(), logical.to_ascii_lowercase());
        let resources = sandbox.stack.resources.clone();
        let of = |kind: &str| resources.get(kind).cloned().unwrap_or_default();
        for (logical, original) in of(TABLE) {
            let copy = name(&logical);
            sandbox.service.copy_table(&original, &copy)?;
            sandbox.tables.insert(original, copy);
        }
        for (logical, original) in of(BUCKET) {
            let copy = name(&logical);
            sandbox.service.make_bucket(&copy)?;
            sandbox.buckets.insert(original, copy);
        }
        for (logical, original) in of(QUEUE) {
            let copy = sandbox.service.make_queue(&name(&logical))?;
            sandbox.queues.insert(original, copy);
        }
        Ok(sandbox)
    }

    /// The environment of a function of the stack, by its folder, with the copies instead of the originals.
    pub fn environment(&self, function: &str) -> Result<BTreeMap<String, String>> {
        let mut environment = self.service.environment(self.stack.function(function)?)?;
        for value in environment.values_mut() {
            let copy = [&self.tables, &self.buckets, &self.queues].into_iter().find_map(|all| all.get(value));
            if let Some(copy) = copy {
                value.clone_from(copy);
            }
        }
        let endpoint = self.stack.endpoint.clone().unwrap_or_default();
        let own = [
            ("AWS_REGION", self.stack.region.as_str()),
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        environment.extend(self.settings.clone());
        Ok(environment)
    }

    /// What the function's tables and buckets hold.
    pub fn state(&self, function: &str) -> Result<State> {
        let mut state = State::default();
        for (variable, value) in self.environment(function)? {
            if self.tables.values().any(|copy| *copy == value) {
                state.tables.insert(variable, self.service.rows(&value)?);
            } else if self.buckets.values().any(|copy| *copy == value) {
                state.buckets.insert(variable, self.service.objects(&value)?);
            }
        }
        Ok(state)
    }

    /// Lets the function's tables and buckets hold `wanted`.
    pub fn restore(&self, function: &str, wanted: &State) -> Result<()> {
        let found = self.state(function)?;
        for (variable, value) in self.environment(function)? {
            if let (Some(found), Some(wanted)) = (found.tables.get(&variable), wanted.tables.get(&variable)) {
                self.service.set_rows(&value, found, wanted)?;
            }
            if let (Some(found), Some(wanted)) = (found.buckets.get(&variable), wanted.buckets.get(&variable))
            {
                self.service.set_objects(&value, found, wanted)?;
            }
        }
        Ok(())
    }

    /// Asks a function that serves REST paths as API Gateway would, for a caller of the back office who may do everything.
    /// Gives the body of a success.
    pub fn request(&self, function: &str, method: &str, target: &str, body: &Value) -> Result<Value> {
        let permissions: Vec<_> = Permission::ALL.iter().map(|permission| permission.name()).collect();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let headers = json!({ "Content-Type": "application/json", "Idempotency-Key": target });
        let lists = |all: &Value| -> Value {
            let all = all.as_object().into_iter().flatten();
            all.map(|(name, value)| (name.clone(), json!([value]))).collect::<serde_json::Map<_, _>>().into()
        };
        let event = json!({
            "resource": path, "path": path, "httpMethod": method,
            "multiValueHeaders": lists(&headers), "headers": headers,
            "multiValueQueryStringParameters": lists(&json!(query)), "queryStringParameters": query,
            "requestContext": {
                "path": path, "httpMethod": method, "stage": "v1", "requestId": "1", "requestTimeEpoch": 0, "identity": {},
                "authorizer": { "principalId": "office-1", "subject": "office-1", "permissions": permissions.join(" ") },
            },
            "body": body.to_string(), "isBase64Encoded": false,
        });
        let invocation = self.invoke(function, &event, None)?;
        let answer = invocation.success()?;
        if !answer["statusCode"].as_u64().is_some_and(|status| (200..300).contains(&status)) {
            bail!("{method} {target} answered {answer}; its log:\n{}", invocation.log);
        }
        Ok(serde_json::from_str(answer["body"].as_str().unwrap_or("null"))?)
    }

    /// Runs the function on `event` in a process of its own, with a fault or without.
    pub fn invoke(&self, function: &str, event: &Value, fault: Option<Fault>) -> Result<Invocation> {
        let endpoint = self.stack.endpoint.as_deref().unwrap_or_default();
        let host = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (endings, ended) = mpsc::channel();
        let watched = Watched::default();
        let proxy = proxy::serve(host, fault, watched.clone(), endings.clone())?;
        let runtime = runtime::serve(event, endings)?;
        let log = tempfile::tempfile()?;
        let bootstrap = bootstrap(function)?;
        let mut command = Command::new(&bootstrap);
        command
            .env_clear()
            .envs(self.environment(function)?)
            .env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address))
            .env("AWS_LAMBDA_RUNTIME_API", runtime.address.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        let child = command.spawn().with_context(|| format!("cannot start {}", bootstrap.display()))?;
        *watched.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let ending = wait(&ended, &watched);
        watched.stop();
        let log = text(log)?;
        let ending = ending.with_context(|| format!("{function} did not end; its log:\n{log}"))?;
        Ok(Invocation { ending, calls: watched.calls(), log })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // What cannot be removed goes with the emulator.
        for table in self.tables.values() {
            let _ = self.service.drop_table(table);
        }
        for bucket in self.buckets.values() {
            let _ = self.service.drop_bucket(bucket);
        }
        for queue in self.queues.values() {
            let _ = self.service.drop_queue(queue);
        }
    }
}

fn wait(ended: &mpsc::Receiver<Ending>, watched: &Watched) -> Result<Ending> {
    let started = Instant::now();
    loop {
        if let Ok(ending) = ended.recv_timeout(Duration::from_millis(50)) {
            return Ok(ending);
        }
        if let Some(status) = watched.ended()? {
            // Whoever stopped it, or its last answer, may be heard a moment later.
            let last = ended.recv_timeout(Duration::from_secs(1));
            return last.with_context(|| format!("the process ended by itself: {status}"));
        }
        if started.elapsed() > PATIENCE {
            bail!("no answer after {PATIENCE:?}");
        }
    }
}

/// The binary that `cargo xtask build` made of a function.
fn bootstrap(function: &str) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("target/lambda").join(function).join("bootstrap");
    path.canonicalize().with_context(|| format!("{} is not built", path.display()))
}

fn text(mut log: File) -> Result<String> {
    log.rewind()?;
    let mut text = Vec::new();
    log.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
