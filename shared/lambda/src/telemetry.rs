//! Structured logs with one correlation id from the API to the last step, and metrics in embedded metric format.

use std::{future::Future, io::Write, sync::Once};

use lambda_runtime::Context;
use serde_json::{Value, json};
use tracing::Instrument;

/// The header that carries a caller's correlation id, and ours in the answer.
pub const CORRELATION_HEADER: &str = "x-correlation-id";
/// The member of facts, messages and step inputs that carries it on.
pub const CORRELATION_FIELD: &str = "correlation";
const NAMESPACE: &str = "Ceiba";

tokio::task_local! {
    static CORRELATION: String;
}

static STARTED: Once = Once::new();

pub(crate) fn start() {
    STARTED.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_target(true)
            .with_max_level(tracing::Level::INFO)
            .init();
    });
}

/// The correlation id of the work at hand; empty outside of any.
pub fn correlation() -> String {
    CORRELATION.try_with(Clone::clone).unwrap_or_default()
}

/// A correlation id that came along: in a REST header, or as a member of a step's input.
pub(crate) fn correlation_of(event: &Value) -> Option<String> {
    let header = event.get("headers").and_then(Value::as_object).and_then(|headers| {
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(CORRELATION_HEADER)).map(|(_, value)| value)
    });
    let found = header.or_else(|| event.get(CORRELATION_FIELD))?.as_str()?;
    is_sound(found).then(|| found.to_owned())
}

/// Whether a foreign id may go into logs and headers: 8 to 64 of letters, digits and hyphens.
fn is_sound(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(crate) async fn within<T>(correlation: String, context: &Context, work: impl Future<Output = T>) -> T {
    let span = tracing::info_span!(
        "invocation",
        correlation = %correlation,
        request = %context.request_id,
        function = %context.env_config.function_name,
        trace = context.xray_trace_id.as_deref().unwrap_or_default(),
    );
    CORRELATION.scope(correlation, work.instrument(span)).await
}

/// Work under a correlation id that was found in a message.
pub async fn under<T>(found: Option<&str>, work: impl Future<Output = T>) -> T {
    match found.filter(|id| is_sound(id)) {
        Some(id) => {
            let span = tracing::info_span!("message", correlation = %id);
            CORRELATION.scope(id.to_owned(), work.instrument(span)).await
        }
        None => work.await,
    }
}

/// Counts something as a CloudWatch metric. `dimensions` are few and never name a person.
pub fn count(name: &str, value: u64, dimensions: &[(&str, &str)]) {
    metric(name, "Count", value, dimensions);
}

/// A duration as a CloudWatch metric.
pub fn milliseconds(name: &str, value: u64, dimensions: &[(&str, &str)]) {
    metric(name, "Milliseconds", value, dimensions);
}

fn metric(name: &str, unit: &str, value: u64, dimensions: &[(&str, &str)]) {
    let names: Vec<_> = dimensions.iter().map(|(dimension, _)| *dimension).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": crate::now().as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": name, "Unit": unit}],
            }],
        },
        name: value,
        CORRELATION_FIELD: correlation(),
    });
    for (dimension, text) in dimensions {
        line[*dimension] = json!(text);
    }
    // A metric that cannot be written must not fail the request it counts.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sound_correlation_ids_are_taken_over() {
        assert_eq!(
            correlation_of(&json!({"headers": {"X-Correlation-Id": "abcd-1234"}})).as_deref(),
            Some("abcd-1234")
        );
        assert_eq!(correlation_of(&json!({"correlation": "abcd-1234"})).as_deref(), Some("abcd-1234"));
        assert_eq!(correlation_of(&json!({"headers": {"X-Correlation-Id": "a\nb-123456"}})), None);
        assert_eq!(correlation_of(&json!({"correlation": "short"})), None);
    }
}
