//! A server on loopback that stands for the Hugging Face Hub, which tests do not reach: revisions, trees, files and their
//! headers, a second server for large files as the Hub's own redirects name one, and faults on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use medinjection_fr::record::hex;
use sha2::{Digest, Sha256};

pub(super) const REPOSITORY: &str = "qanastek/frenchmedmcqa";

/// What goes wrong with one answer.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Another status, with a header.
    Status(u16, &'static str, &'static str),
    /// The connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// Nothing is said for so long.
    Silence(Duration),
    /// One byte of the body is another one.
    WrongByte,
    /// The body, its length and the rest are those of another file.
    Other(&'static [u8]),
    /// The range that was asked for is ignored.
    NoRange,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) server: &'static str,
    /// Method and path.
    pub(super) line: String,
    pub(super) range: Option<String>,
    pub(super) authorization: Option<String>,
}

#[derive(Default)]
struct State {
    commit: String,
    /// By path: the content, and whether it is stored as a large file.
    files: BTreeMap<String, (Vec<u8>, bool)>,
    faults: Vec<(&'static str, Fault)>,
    seen: Vec<Seen>,
    cdn: String,
}

/// The server; it ends with the process.
pub(super) struct Hub {
    pub(super) address: String,
    state: Arc<Mutex<State>>,
}

impl Hub {
    pub(super) fn start() -> Self {
        let state = Arc::new(Mutex::new(State { commit: "c".repeat(40), ..State::default() }));
        let cdn = listen("cdn", &state);
        state.lock().unwrap().cdn = cdn;
        Self { address: listen("hub", &state), state }
    }

    /// Puts a file of the repository in place; a large one is served by the second server.
    pub(super) fn put(&self, path: &str, content: impl Into<Vec<u8>>, is_large: bool) {
        self.state.lock().unwrap().files.insert(path.to_owned(), (content.into(), is_large));
    }

    pub(super) fn remove(&self, path: &str) {
        self.state.lock().unwrap().files.remove(path);
    }

    pub(super) fn commit(&self, digit: char) {
        self.state.lock().unwrap().commit = String::from(digit).repeat(40);
    }

    /// The next request whose line has `part` in it fails so.
    pub(super) fn fail(&self, part: &'static str, fault: Fault) {
        self.state.lock().unwrap().faults.push((part, fault));
    }

    /// What was asked since the last call.
    pub(super) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

fn listen(server: &'static str, state: &Arc<Mutex<State>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, state) = (format!("http://{}", listener.local_addr().unwrap()), Arc::clone(state));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let state = Arc::clone(&state);
            // A client that goes away is no fault of the server.
            std::thread::spawn(move || stream.and_then(|stream| answer(server, &stream, &state)).ok());
        }
    });
    address
}

fn answer(server: &'static str, mut stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next().transpose()?.unwrap_or_default();
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = BTreeMap::new();
    for header in lines.map_while(Result::ok).take_while(|header| !header.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap();
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let (fault, answer) = {
        let mut state = state.lock().unwrap();
        let (range, authorization) = (headers.get("range").cloned(), headers.get("authorization").cloned());
        state.seen.push(Seen { server, line: line.clone(), range, authorization });
        let fault = state.faults.iter().position(|(part, _)| line.contains(part)).map(|at| state.faults.remove(at).1);
        (fault, route(&line, &state))
    };
    let (mut status, mut head, mut body) = answer;
    match &fault {
        Some(Fault::Status(other, name, value)) => {
            (status, head, body) = (*other, format!("{name}: {value}\r\n"), br#"{"error": "as told"}"#.to_vec());
        }
        Some(Fault::Silence(delay)) => std::thread::sleep(*delay),
        Some(Fault::WrongByte) => body[0] ^= 1,
        Some(Fault::Other(other)) => body = other.to_vec(),
        _ => {}
    }
    let asked = headers.get("range").filter(|_| status == 200 && !matches!(fault, Some(Fault::NoRange)));
    if let Some(first) = asked.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok())
    {
        status = 206;
        head = format!("{head}Content-Range: bytes {first}-{}/{}\r\n", body.len() - 1, body.len());
        body.drain(..first);
    }
    let length = format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(format!("HTTP/1.1 {status} X\r\n{head}{length}").as_bytes())?;
    if let Some(Fault::CutAfter(count)) = fault {
        body.truncate(count);
    }
    if line.starts_with("HEAD ") { Ok(()) } else { stream.write_all(&body) }
}

/// Status, headers and body.
fn route(line: &str, state: &State) -> (u16, String, Vec<u8>) {
    let address = line.split(' ').nth(1).unwrap_or_default();
    let path = address.split('?').next().unwrap_or_default();
    let json = |value: serde_json::Value| {
        (200, "Content-Type: application/json\r\n".to_owned(), value.to_string().into_bytes())
    };
    let missing = || (404, "X-Error-Code: EntryNotFound\r\n".to_owned(), Vec::new());
    if let Some(name) = path.strip_prefix("/large/") {
        let file = state.files.values().find(|(content, _)| sha256(content) == name);
        return file.map_or_else(missing, |(content, _)| {
            (200, "ETag: \"of-the-second-server\"\r\n".to_owned(), content.clone())
        });
    }
    if let Some(rest) = path.strip_prefix(&format!("/api/datasets/{REPOSITORY}")) {
        if rest.starts_with("/tree/") {
            let entry = |(path, (content, is_large)): (&String, &(Vec<u8>, bool))| {
                let lfs = is_large
                    .then(|| serde_json::json!({"oid": sha256(content), "size": content.len(), "pointerSize": 130}));
                serde_json::json!({"type": "file", "path": path, "oid": git_blob(content), "size": content.len(), "lfs": lfs})
            };
            return json(state.files.iter().map(entry).collect());
        }
        if !rest.ends_with("/absent") {
            let siblings: Vec<_> = state.files.keys().map(|path| serde_json::json!({ "rfilename": path })).collect();
            return json(serde_json::json!({"id": REPOSITORY, "sha": state.commit, "siblings": siblings}));
        }
    }
    let resolved = path.strip_prefix(&format!("/datasets/{REPOSITORY}/resolve/")).and_then(|rest| rest.split_once('/'));
    let Some((content, is_large)) = resolved.and_then(|(_, path)| state.files.get(path)) else { return missing() };
    let head = format!("X-Repo-Commit: {}\r\n", state.commit);
    if *is_large {
        let (hash, size) = (sha256(content), content.len());
        let location = format!("{}/large/{hash}?signature=secret-signature", state.cdn);
        return (
            302,
            format!("{head}X-Linked-ETag: \"{hash}\"\r\nX-Linked-Size: {size}\r\nLocation: {location}\r\n"),
            Vec::new(),
        );
    }
    (200, format!("{head}ETag: \"{}\"\r\nAccept-Ranges: bytes\r\n", git_blob(content)), content.clone())
}

pub(super) fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

pub(super) fn git_blob(content: &[u8]) -> String {
    let mut hasher = sha1::Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    hex(&hasher.finalize())
}
