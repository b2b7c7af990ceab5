//! The REST edge: routes with their permission, callers, problem documents.

use std::{collections::BTreeSet, future::Future, str::FromStr, sync::Arc};

use foundation::{
    id::PersonId,
    permission::Permission,
    problem::{Fault, FieldError, Kind, Malformed, NotFound, Problem},
    reach::Reach,
};
use jiff::Timestamp;
use lambda_http::{Body, Request, RequestExt, Response, request::RequestContext, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    Error,
    objects::Objects,
    runtime::Boxed,
    telemetry::{self, CORRELATION_HEADER},
};

/// A body may have so many bytes; larger things go through an upload link.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// A method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes, or does.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may call a route. There is no route without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a token.
    Public,
    /// Everybody with a valid token, whatever it allows.
    Authenticated,
    /// Callers with this permission.
    Needs(Permission),
}

/// Who calls: what the authorizer found in the token and in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's subject, for audit.
    pub subject: String,
    /// The person of the network who calls, if the caller is one.
    pub person: Option<PersonId>,
    /// Role names.
    pub roles: Vec<String>,
    /// What the roles allow.
    pub permissions: BTreeSet<Permission>,
}

impl Caller {
    /// Whether the caller may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Whose data the caller may see and act on.
    pub fn reach(&self) -> Reach {
        Reach::of(&self.permissions, self.person.as_ref())
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    caller: Option<Caller>,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// The caller lacks a permission.
#[derive(Debug, thiserror::Error)]
#[error("this needs the permission {0}")]
pub struct MissingPermission(pub Permission);

impl Problem for MissingPermission {
    fn kind(&self) -> Kind {
        Kind::Forbidden
    }
    fn code(&self) -> &'static str {
        "access.missing-permission"
    }
}

/// Nobody known is asking.
#[derive(Debug, thiserror::Error)]
#[error("this needs a valid bearer token")]
pub struct Unauthenticated;

impl Problem for Unauthenticated {
    fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }
    fn code(&self) -> &'static str {
        "access.unauthenticated"
    }
}

/// A body over the limit.
#[derive(Debug, thiserror::Error)]
#[error("a request body has at most {BODY_BYTES_MAX} bytes; found {found}")]
pub struct BodyTooLarge {
    /// Its size in bytes.
    pub found: usize,
}

impl Problem for BodyTooLarge {
    fn kind(&self) -> Kind {
        Kind::TooLarge
    }
    fn code(&self) -> &'static str {
        "request.too-large"
    }
}

impl Call {
    /// Who calls. Routes that need a permission always have a caller.
    pub fn caller(&self) -> Result<&Caller, Unauthenticated> {
        self.caller.as_ref().ok_or(Unauthenticated)
    }

    /// The JSON body. A wrong or unknown member is reported with its pointer.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| {
            let pointer: String = error
                .path()
                .iter()
                .map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => format!("/{index}"),
                    serde_path_to_error::Segment::Map { key } => format!("/{key}"),
                    _ => String::new(),
                })
                .collect();
            Malformed::at(pointer, error.inner().to_string())
        })?;
        reader.end().map_err(|error| Malformed::at("", error.to_string()))?;
        Ok(value)
    }

    /// The JSON body of a request that needs none: without one, what it says if nothing is said.
    pub fn body_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Malformed> {
        if self.body.is_empty() { Ok(T::default()) } else { self.body() }
    }

    /// A path parameter.
    pub fn path<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, Malformed> {
        let found = self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
        found.parse().map_err(|error: T::Err| Malformed::at(format!("path:{name}"), error.to_string()))
    }

    /// A query parameter, if it is there. One that says nothing is refused: it is not the same as none.
    pub fn query<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Malformed> {
        let found = self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        if found.is_some_and(String::is_empty) {
            return Err(Malformed::at(format!("query:{name}"), "expected a value; found an empty text"));
        }
        let parsed = found.map(|value| value.parse()).transpose();
        parsed.map_err(|error: T::Err| Malformed::at(format!("query:{name}"), error.to_string()))
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The key under which repetitions of this request are the same request.
    pub fn idempotency_key(&self) -> Result<&str, Malformed> {
        self.header("Idempotency-Key").ok_or_else(|| {
            Malformed::at("header:Idempotency-Key", "expected a key of your making; found none")
        })
    }

    /// How many things a page shows: `limit`, 1 to 100, 50 if not said.
    pub fn limit(&self) -> Result<u16, Malformed> {
        match self.query::<u16>("limit")? {
            None => Ok(50),
            Some(limit) if (1..=100).contains(&limit) => Ok(limit),
            Some(found) => Err(Malformed::at("query:limit", format!("expected 1 to 100; found {found}"))),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    body: Option<Vec<u8>>,
    headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: &impl Serialize) -> Result<Self, Fault> {
        Self::with(200, body)
    }

    /// 201 with a body and where it stands.
    pub fn created(location: String, body: &impl Serialize) -> Result<Self, Fault> {
        let mut reply = Self::with(201, body)?;
        reply.headers.push(("location", location));
        Ok(reply)
    }

    /// 202: it will be done; where to look.
    pub fn accepted(location: String, body: &impl Serialize) -> Result<Self, Fault> {
        let mut reply = Self::with(202, body)?;
        reply.headers.push(("location", location));
        Ok(reply)
    }

    /// 200 with a page for a person's browser.
    pub fn page(html: String) -> Self {
        let headers = vec![
            ("content-type", "text/html; charset=utf-8".to_owned()),
            // A page of ours has no scripts and is shown in no frame.
            (
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
                    .to_owned(),
            ),
        ];
        Self { status: 200, body: Some(html.into_bytes()), headers }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: 204, body: None, headers: Vec::new() }
    }

    fn with(status: u16, body: &impl Serialize) -> Result<Self, Fault> {
        let body = serde_json::to_vec(body).map_err(Unserializable)?;
        Ok(Self { status, body: Some(body), headers: vec![("content-type", "application/json".to_owned())] })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an answer could not be written")]
struct Unserializable(#[source] serde_json::Error);

impl Problem for Unserializable {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn code(&self) -> &'static str {
        "platform.answer"
    }
}

type RouteHandler = Box<dyn Fn(Call) -> Boxed<Result<Reply, Fault>> + Send + Sync>;

struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    handler: RouteHandler,
}

/// The REST paths of one function over what they share (stores, buckets, queues).
pub struct Routes<S> {
    shared: Arc<S>,
    routes: Vec<Route>,
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn over(shared: S) -> Self {
        Self { shared: Arc::new(shared), routes: Vec::new() }
    }

    /// Adds a route. `path` is as in the OpenAPI file: `/people/{personId}`.
    #[must_use]
    pub fn on<F, H>(mut self, method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Fn(Arc<S>, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Fault>> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let handler: RouteHandler = Box::new(move |call| Box::pin(handler(Arc::clone(&shared), call)));
        self.routes.push(Route { method, path, access, handler });
        self
    }

    /// Serves until the process is stopped.
    pub async fn serve(self) -> Result<(), Error> {
        run(self.routes).await
    }
}

async fn run(routes: Vec<Route>) -> Result<(), Error> {
    telemetry::start();
    let routes = Arc::new(routes);
    let service = service_fn(move |request: Request| {
        let routes = Arc::clone(&routes);
        let answer: Boxed<Result<Response<Body>, Error>> =
            Box::pin(async move { answer(&routes, request).await });
        answer
    });
    lambda_http::run(service).await
}

async fn answer(routes: &[Route], request: Request) -> Result<Response<Body>, Error> {
    let context = request.lambda_context();
    let headers = json!({ "headers": { CORRELATION_HEADER: request.headers().get(CORRELATION_HEADER).and_then(|value| value.to_str().ok()) } });
    let correlation = telemetry::correlation_of(&headers).unwrap_or_else(crate::new_id);
    let trips_before = aws::round_trips();
    let started = std::time::Instant::now();
    telemetry::within(correlation.clone(), &context, async {
        let method = request.method().as_str().to_owned();
        let path = request.raw_http_path().to_owned();
        let route = routes.iter().find_map(|route| {
            (route.method.name() == method)
                .then(|| matched(route.path, &path))
                .flatten()
                .map(|parameters| (route, parameters))
        });
        let name = route.as_ref().map_or("unknown", |(route, _)| route.path);
        let outcome = match route {
            None => Err(Fault::from(NotFound("path"))),
            Some((route, parameters)) => match call_of(&request, route.access, parameters) {
                Ok(call) => (route.handler)(call).await,
                Err(fault) => Err(fault),
            },
        };
        let trips = aws::round_trips() - trips_before;
        let reply = outcome.unwrap_or_else(|fault| problem_reply(&fault, &correlation));
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            method,
            route = name,
            status = reply.status,
            dynamodb_round_trips = trips,
            duration_ms,
            "{method} {name}: {}",
            reply.status
        );
        telemetry::milliseconds("RequestDuration", duration_ms, &[("Route", name)]);
        response(reply, &correlation, trips)
    })
    .await
}

/// The parameters of `path` under `template`, if it fits.
fn matched(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut found = path.trim_matches('/').split('/');
    for part in template.trim_matches('/').split('/') {
        let value = found.next()?;
        match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => parameters.push((name.to_owned(), value.to_owned())),
            None if part == value => {}
            None => return None,
        }
    }
    found.next().is_none().then_some(parameters)
}

fn call_of(request: &Request, access: Access, path: Vec<(String, String)>) -> Result<Call, Fault> {
    let caller = caller_of(request);
    match (access, caller.as_ref()) {
        (Access::Public, _) | (Access::Authenticated, Some(_)) => {}
        (Access::Needs(permission), Some(known)) if known.may(permission) => {}
        (Access::Needs(permission), Some(_)) => return Err(MissingPermission(permission).into()),
        (_, None) => return Err(Unauthenticated.into()),
    }
    let body = request.body().as_ref().to_vec();
    if body.len() > BODY_BYTES_MAX {
        return Err(BodyTooLarge { found: body.len() }.into());
    }
    let query = request.query_string_parameters();
    let headers = request.headers().iter();
    Ok(Call {
        caller,
        path,
        query: query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: headers
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect(),
        body,
        received_at: crate::now(),
    })
}

/// What the authorizer put into the context; API Gateway turns every value into text.
fn caller_of(request: &Request) -> Option<Caller> {
    let RequestContext::ApiGatewayV1(context) = request.request_context_ref()? else { return None };
    let fields = &context.authorizer.fields;
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let subject = field("subject");
    if subject.is_empty() {
        return None;
    }
    Some(Caller {
        subject: subject.to_owned(),
        person: field("person").parse().ok(),
        roles: field("roles").split_whitespace().map(str::to_owned).collect(),
        permissions: field("permissions").split_whitespace().filter_map(|name| name.parse().ok()).collect(),
    })
}

#[derive(Serialize)]
struct ProblemDocument {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    instance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

fn status_of(kind: Kind) -> (u16, &'static str) {
    match kind {
        Kind::Invalid => (400, "Bad Request"),
        Kind::Unauthenticated => (401, "Unauthorized"),
        Kind::Forbidden => (403, "Forbidden"),
        Kind::NotFound => (404, "Not Found"),
        Kind::Conflict => (409, "Conflict"),
        Kind::TooLarge => (413, "Content Too Large"),
        Kind::Rejected => (422, "Unprocessable Content"),
        Kind::Unavailable => (503, "Service Unavailable"),
        Kind::Internal => (500, "Internal Server Error"),
    }
}

fn document_of(fault: &Fault, correlation: &str) -> ProblemDocument {
    let (status, title) = status_of(fault.kind());
    ProblemDocument {
        r#type: format!("urn:problem:{}", fault.code()),
        title,
        status,
        code: fault.code(),
        detail: (status < 500).then(|| fault.to_string()),
        instance: format!("urn:correlation:{correlation}"),
        errors: fault.problem().fields(),
    }
}

/// A fault as the API tells it, for work in the background whose end is asked for later. Nothing of a fault of ours is told but its code.
pub fn problem_document(fault: &Fault, correlation: &str) -> Value {
    serde_json::to_value(document_of(fault, correlation)).unwrap_or_default()
}

fn problem_reply(fault: &Fault, correlation: &str) -> Reply {
    let document = document_of(fault, correlation);
    let status = document.status;
    if status >= 500 {
        // Logged once, here; the caller learns the correlation id and nothing else.
        tracing::error!(code = fault.code(), error = ?fault, "request failed");
    }
    let mut headers = vec![("content-type", "application/problem+json".to_owned())];
    if status == 503 {
        headers.push(("retry-after", "1".to_owned()));
    }
    Reply { status, body: serde_json::to_vec(&document).ok(), headers }
}

fn response(reply: Reply, correlation: &str, trips: u64) -> Result<Response<Body>, Error> {
    let mut response = Response::builder()
        .status(reply.status)
        .header(CORRELATION_HEADER, correlation)
        .header("server-timing", format!("dynamodb;desc=\"{trips}\""))
        .header("cache-control", "no-store");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.body {
        Some(bytes) => Body::Text(String::from_utf8(bytes)?),
        None => Body::Empty,
    };
    Ok(response.body(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template_or_not() {
        assert_eq!(matched("/people", "/people"), Some(vec![]));
        assert_eq!(matched("/people/{id}/path", "/people/P1/path"), Some(vec![("id".into(), "P1".into())]));
        for path in ["/people", "/people/P1", "/people/P1/path/x", "/orders/P1/path"] {
            assert_eq!(matched("/people/{id}/path", path), None, "{path}");
        }
    }

    #[test]
    fn a_fault_of_ours_says_nothing_but_its_code() {
        let fault = Fault::from(Unserializable(serde_json::from_str::<u8>("secret").unwrap_err()));
        let reply = problem_reply(&fault, "c-1");
        let document: Value = serde_json::from_slice(&reply.body.unwrap()).unwrap();
        assert_eq!(reply.status, 500);
        assert_eq!(document.get("detail"), None);
        assert_eq!(document["code"], "platform.answer");
    }

    #[test]
    fn a_wrong_member_is_named_by_its_pointer() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Line {
            #[expect(dead_code, reason = "only the error matters")]
            quantity: u32,
        }
        let call = Call {
            caller: None,
            path: vec![],
            query: vec![],
            headers: vec![],
            body: br#"[{"quantity":1},{"quantity":-1}]"#.to_vec(),
            received_at: Timestamp::UNIX_EPOCH,
        };
        let Malformed(fields) = call.body::<Vec<Line>>().unwrap_err();
        assert_eq!(fields[0].pointer, "/1/quantity");
    }
}
