//! As much of HTTP/1.1 as the SDK, the Lambda runtime and the emulator speak.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// A request, or an answer, as it came.
pub(crate) struct Message {
    /// `POST / HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub(crate) start: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Decoded, if it came in chunks.
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    pub(crate) fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Reads a request; none at the end of the connection.
    pub(crate) fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let Some(mut message) = Self::read_head(stream)? else { return Ok(None) };
        if message.header("expect").is_some() {
            stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        message.read_body(stream, false)?;
        Ok(Some(message))
    }

    /// Reads an answer after which the connection is closed.
    pub(crate) fn read_answer(stream: &mut BufReader<TcpStream>, method: &str) -> io::Result<Self> {
        let mut message = Self::read_head(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = message.target().to_owned();
        if method != "HEAD" && status != "204" && status != "304" {
            message.read_body(stream, true)?;
        }
        Ok(message)
    }

    fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let start = line.trim_end().to_owned();
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let text = line.trim_end();
            if text.is_empty() {
                return Ok(Some(Self { start, headers, body: Vec::new() }));
            }
            let (name, value) = text.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn read_body(&mut self, stream: &mut BufReader<TcpStream>, to_the_end: bool) -> io::Result<()> {
        let chunked = self.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        if chunked {
            self.body = read_chunks(stream)?;
            self.headers.retain(|(name, _)| name != "transfer-encoding");
            return Ok(());
        }
        match self.header("content-length").and_then(|value| value.parse::<usize>().ok()) {
            Some(length) => {
                self.body = vec![0; length];
                stream.read_exact(&mut self.body)
            }
            None if to_the_end => stream.read_to_end(&mut self.body).map(drop),
            None => Ok(()),
        }
    }

    /// Writes it so that the connection ends after it. `length` stands in for that of the body, for answers to HEAD.
    pub(crate) fn write(&self, stream: &mut TcpStream, keep_length: bool) -> io::Result<()> {
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        let dropped = ["connection", "keep-alive", "expect"];
        for (name, value) in &self.headers {
            if !dropped.contains(&name.as_str()) && (keep_length || name != "content-length") {
                bytes.extend(format!("{name}: {value}\r\n").into_bytes());
            }
        }
        if !keep_length {
            bytes.extend(format!("content-length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"connection: close\r\n\r\n");
        bytes.extend(&self.body);
        stream.write_all(&bytes)
    }
}

fn read_chunks(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend(&chunk[..size]);
    }
}

/// An answer with a JSON, XML or empty body.
pub(crate) fn answer(status: &str, content_type: &str, headers: &[(&str, &str)], body: &str) -> Message {
    let own = [("content-type", content_type)];
    let headers = own.iter().chain(headers).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Message {
        start: format!("HTTP/1.1 {status}"),
        headers: headers.collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// A server on a free port of the loopback interface; it ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Serves each request on a connection of its own, in a thread of its own. `serve` may leave a request unanswered.
    pub(crate) fn start(
        serve: impl Fn(Message, &AtomicBool) -> Option<(Message, bool)> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, serve) = (Arc::clone(&stop), Arc::new(serve));
        thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                };
                let (serve, stopped) = (Arc::clone(&serve), Arc::clone(&stopped));
                // A peer that is killed breaks its connection; that is what the tests are for.
                thread::spawn(move || connection(stream, &*serve, &stopped));
            }
        });
        Ok(Self { address, stop })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn connection(
    stream: TcpStream,
    serve: &(impl Fn(Message, &AtomicBool) -> Option<(Message, bool)> + ?Sized),
    stop: &AtomicBool,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let Some(request) = Message::read_request(&mut reader)? else { return Ok(()) };
    match serve(request, stop) {
        Some((answer, keep_length)) => answer.write(reader.get_mut(), keep_length),
        None => Ok(()),
    }
}
