//! The Lambda runtime API for one event.

use std::{
    io,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    http::{Message, Server, answer},
    sandbox::Ending,
};

const PREFIX: &str = "/2018-06-01/runtime";
const JSON: &str = "application/json";

/// Gives `event` to the first who asks for one, and tells how it ended.
pub(crate) fn serve(event: &Value, endings: Sender<Ending>) -> io::Result<Server> {
    let event = event.to_string();
    let given = AtomicBool::new(false);
    Server::start(move |request: Message, stop: &AtomicBool| {
        let path = request.target().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let body = || serde_json::from_slice(&request.body).unwrap_or_default();
        if path == "/invocation/next" {
            if given.swap(true, Ordering::Relaxed) {
                // There is no second event: wait as Lambda would.
                while !stop.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(10));
                }
                return None;
            }
            let headers = [
                ("lambda-runtime-aws-request-id", "fault-trial-1"),
                ("lambda-runtime-deadline-ms", "4102444800000"),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:000000000000:function:trial",
                ),
            ];
            return Some((answer("200 OK", JSON, &headers, &event), false));
        }
        let ending =
            if path.ends_with("/response") { Ending::Answered(body()) } else { Ending::Failed(body()) };
        // Whoever started the process may have given up on it.
        let _ = endings.send(ending);
        Some((answer("202 Accepted", JSON, &[], "{}"), false))
    })
}
