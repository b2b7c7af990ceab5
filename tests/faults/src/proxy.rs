//! Stands between a function and AWS, counts its calls and fails one of them.

use std::{
    io::{self, BufReader},
    net::TcpStream,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
};

use crate::{
    http::{Message, Server, answer},
    sandbox::Ending,
};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is answered with a throttling error, which the SDK tries again.
    Throttled,
    /// It is answered with an error that is not tried again.
    Refused,
    /// The process ends before it reaches AWS.
    StoppedBefore,
    /// The process ends after it was carried out and before its answer arrives.
    StoppedAfter,
}

impl Failure {
    /// All of them.
    pub const ALL: [Failure; 4] = [Self::Throttled, Self::Refused, Self::StoppedBefore, Self::StoppedAfter];
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The call's number, from 1.
    pub call: usize,
    /// How it fails.
    pub failure: Failure,
}

/// A call, as far as it can be told from outside: `dynamodb TransactWriteItems`.
pub type Call = String;

/// What is shared with whoever runs the process.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    pub(crate) child: Arc<Mutex<Option<Child>>>,
    pub(crate) calls: Arc<Mutex<Vec<Call>>>,
}

impl Watched {
    /// Ends the process at once, as Lambda does at a timeout.
    pub(crate) fn stop(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = child.as_mut() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// How the process ended, if it has.
    pub(crate) fn ended(&self) -> io::Result<Option<ExitStatus>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(child.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, call: Call) -> usize {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(call);
        calls.len()
    }
}

/// A proxy before `host` (`127.0.0.1:4566`).
pub(crate) fn serve(
    host: String,
    fault: Option<Fault>,
    watched: Watched,
    endings: Sender<Ending>,
) -> io::Result<Server> {
    Server::start(move |request, _| {
        let number = watched.count(name(&request));
        let failure = fault.filter(|fault| fault.call == number).map(|fault| fault.failure);
        let stop = || {
            watched.stop();
            let _ = endings.send(Ending::Stopped);
        };
        match failure {
            Some(Failure::Throttled) => return Some((refusal(&request, true), false)),
            Some(Failure::Refused) => return Some((refusal(&request, false), false)),
            Some(Failure::StoppedBefore) => {
                stop();
                return None;
            }
            Some(Failure::StoppedAfter) | None => {}
        }
        let forwarded = forward(&host, &request);
        if failure == Some(Failure::StoppedAfter) {
            stop();
            return None;
        }
        let is_head = request.method() == "HEAD";
        forwarded.ok().map(|answer| (answer, is_head))
    })
}

fn forward(host: &str, request: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    request.write(&mut stream, false)?;
    Message::read_answer(&mut BufReader::new(stream), request.method())
}

fn name(request: &Message) -> Call {
    match request.header("x-amz-target").and_then(|target| target.split_once('.')) {
        Some((service, operation)) => {
            format!("{} {operation}", service.split('_').next().unwrap_or_default().to_lowercase())
        }
        None => format!("{} {}", request.method(), request.target().split('?').next().unwrap_or_default()),
    }
}

fn refusal(request: &Message, throttled: bool) -> Message {
    if request.header("x-amz-target").is_some() {
        let code = if throttled { "ThrottlingException" } else { "AccessDeniedException" };
        let body = format!(r#"{{"__type":"{code}","message":"a fault trial"}}"#);
        return answer("400 Bad Request", "application/x-amz-json-1.0", &[], &body);
    }
    let (status, code) =
        if throttled { ("503 Slow Down", "SlowDown") } else { ("403 Forbidden", "AccessDenied") };
    let body = format!("<Error><Code>{code}</Code><Message>a fault trial</Message></Error>");
    answer(status, "application/xml", &[], &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: Option<&str>) -> Message {
        let headers = target.iter().map(|target| ("x-amz-target".to_owned(), (*target).to_owned()));
        Message { start: "PUT /bucket/key?x-id=1 HTTP/1.1".into(), headers: headers.collect(), body: vec![] }
    }

    #[test]
    fn a_call_is_named_by_its_service_and_operation() {
        assert_eq!(name(&request(Some("DynamoDB_20120810.PutItem"))), "dynamodb PutItem");
        assert_eq!(name(&request(None)), "PUT /bucket/key");
    }

    #[test]
    fn a_refusal_speaks_the_protocol_of_the_service() {
        let text = |message: Message| String::from_utf8(message.body).unwrap();
        assert!(text(refusal(&request(Some("AmazonSQS.SendMessage")), true)).contains("ThrottlingException"));
        assert!(text(refusal(&request(None), false)).contains("<Code>AccessDenied</Code>"));
    }
}
