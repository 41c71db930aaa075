//! A server on loopback that can be written to as the Hugging Face Hub can: repositories, preupload, Git LFS, commits with
//! a parent, tags, files of each commit; and faults on demand. Only what this program and `huggingface_hub` ask for is there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::server::{git_blob, sha256};

/// The token that may write; the server knows one more, which may read.
pub(super) const WRITER: &str = "hf_plantedWriter0123456789";
pub(super) const READER: &str = "hf_plantedReader0123456789";

/// What goes wrong with one answer.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Another status; nothing is done.
    Status(u16),
    /// The connection is closed after half of the request's body.
    CutHalfway,
    /// The request is done, and the connection closed before the answer.
    NoAnswer,
    /// Somebody else commits first.
    MovedHead,
    /// A file is written while the request is on its way.
    Writes(std::path::PathBuf),
}

type Files = BTreeMap<String, (Vec<u8>, bool)>;

/// One repository: its commits by name, tags, and what was set.
#[derive(Debug, Clone, Default)]
pub(super) struct Repository {
    pub(super) head: String,
    pub(super) commits: BTreeMap<String, Files>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) is_private: bool,
    pub(super) gated: Value,
}

#[derive(Default)]
struct State {
    address: String,
    repositories: BTreeMap<String, Repository>,
    large: BTreeMap<String, Vec<u8>>,
    faults: Vec<(&'static str, Fault)>,
    seen: Vec<String>,
}

/// The server; it ends with the process.
pub(super) struct WritableHub {
    pub(super) address: String,
    state: Arc<Mutex<State>>,
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Status, headers and body.
type Answer = (u16, String, Vec<u8>);

impl WritableHub {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { address: address.clone(), ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                // A client that goes away is no fault of the server.
                std::thread::spawn(move || stream.and_then(|stream| serve(&stream, &state)).ok());
            }
        });
        Self { address, state }
    }

    /// The next request whose line has `part` in it fails so.
    pub(super) fn fail(&self, part: &'static str, fault: Fault) {
        self.state.lock().unwrap().faults.push((part, fault));
    }

    /// The requests since the last call: method and path.
    pub(super) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }

    pub(super) fn repository(&self, name: &str) -> Option<Repository> {
        self.state.lock().unwrap().repositories.get(name).cloned()
    }

    /// Runs a script of `tests/parity` with the official Python client of the Hub in `directory`; `false` where that client is not there.
    pub(super) fn official_client(&self, script: &str, arguments: &[&str], directory: &std::path::Path) -> bool {
        let python = std::env::var("MEDINJECTION_HUB_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(script);
        let mut command = std::process::Command::new(python);
        command.arg(script).args(arguments).current_dir(directory);
        command.env("HF_ENDPOINT", &self.address).env("HF_TOKEN", WRITER).env("HF_HOME", directory.join("python"));
        command.env("HF_HUB_DISABLE_XET", "1").env("HF_HUB_DISABLE_TELEMETRY", "1");
        let skipped = |why: &str| {
            writeln!(std::io::stderr().lock(), "SKIPPED the official client: {why}").unwrap();
            false
        };
        let Ok(output) = command.output() else { return skipped("no python3") };
        if output.status.code() == Some(77) {
            return skipped("no huggingface_hub or no datasets");
        }
        let all = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&all));
        true
    }

    /// The files at the head of a repository.
    pub(super) fn files(&self, name: &str) -> Files {
        self.repository(name).map(|found| found.commits[&found.head].clone()).unwrap_or_default()
    }
}

fn serve(mut stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let fault = {
        let mut state = state.lock().unwrap();
        let line = format!("{method} {path}");
        let at = state.faults.iter().position(|(part, _)| line.contains(part));
        state.seen.push(line);
        at.map(|at| state.faults.remove(at).1)
    };
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0_usize);
    let mut body = vec![0; if matches!(fault, Some(Fault::CutHalfway)) { length / 2 } else { length }];
    reader.read_exact(&mut body)?;
    if matches!(fault, Some(Fault::CutHalfway)) {
        return stream.shutdown(std::net::Shutdown::Both);
    }
    let request = Request { method, path, headers, body };
    let (status, head, body) = {
        let mut state = state.lock().unwrap();
        match &fault {
            Some(Fault::MovedHead) => state.repositories.values_mut().for_each(Repository::move_head),
            Some(Fault::Writes(path)) => std::fs::write(path, "written meanwhile")?,
            _ => {}
        }
        match fault {
            Some(Fault::Status(status)) => (status, "X-Error-Message: as told\r\n".to_owned(), Vec::new()),
            _ => route(&request, &mut state),
        }
    };
    if matches!(fault, Some(Fault::NoAnswer)) {
        return stream.shutdown(std::net::Shutdown::Both);
    }
    let head = format!("HTTP/1.1 {status} X\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" { Ok(()) } else { stream.write_all(&body) }
}

impl Repository {
    fn commit(&mut self, files: Files) -> String {
        let name = format!("{:040x}", self.commits.len() + 1);
        self.commits.insert(name.clone(), files);
        self.head.clone_from(&name);
        name
    }

    fn move_head(&mut self) {
        let mut files = self.commits[&self.head].clone();
        files.insert("other.txt".to_owned(), (b"somebody else".to_vec(), false));
        self.commit(files);
    }

    /// The commit that a branch, tag or commit is at.
    fn at(&self, revision: &str) -> Option<String> {
        match revision {
            "main" => Some(self.head.clone()),
            other => {
                self.tags.get(other).cloned().or_else(|| self.commits.contains_key(other).then(|| other.to_owned()))
            }
        }
    }
}

fn json_answer(value: &Value) -> Answer {
    (200, "Content-Type: application/json\r\n".to_owned(), value.to_string().into_bytes())
}

fn status(status: u16, code: &str) -> Answer {
    (status, format!("X-Error-Code: {code}\r\nX-Error-Message: {code}\r\n"), Vec::new())
}

fn route(request: &Request, state: &mut State) -> Answer {
    let path = request.path.split('?').next().unwrap_or_default().replace("%2F", "/");
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let token =
        request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // The address of a large file is a permission of its own.
    if let ["large", name] = parts[..] {
        return large(request, name, state);
    }
    if !matches!(token, WRITER | READER) {
        return status(401, "InvalidToken");
    }
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    if !reads && token != WRITER && !path.ends_with("/paths-info/main") {
        return status(403, "Forbidden");
    }
    match parts[..] {
        ["api", "whoami-v2"] => json_answer(&json!({"name": "labo", "type": "user", "auth": {"type": "access_token"}})),
        ["api", "validate-yaml"] => json_answer(&json!({"errors": [], "warnings": []})),
        ["api", "repos", "create"] => create(request, state),
        ["api", _, owner, name, ref rest @ ..] => api(request, &format!("{owner}/{name}"), rest, state),
        // A model's addresses begin with its owner.
        ["datasets", owner, name, "info", "lfs", ..] | [owner, name, "info", "lfs", ..] => {
            batch(request, &format!("{owner}/{name}"), state)
        }
        ["datasets", owner, name, "resolve", revision, ref rest @ ..]
        | [owner, name, "resolve", revision, ref rest @ ..] => {
            resolve(&format!("{owner}/{name}"), revision, &rest.join("/"), state)
        }
        _ => status(404, "EntryNotFound"),
    }
}

fn parsed(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn create(request: &Request, state: &mut State) -> Answer {
    let body = parsed(request);
    let owner = body["organization"].as_str().unwrap_or("labo");
    let name = format!("{owner}/{}", body["name"].as_str().unwrap_or_default());
    let url = format!("{}/datasets/{name}", state.address);
    if state.repositories.contains_key(&name) {
        let (_, _, body) = json_answer(&json!({"error": "You already created this dataset repo", "url": url}));
        return (409, "Content-Type: application/json\r\n".to_owned(), body);
    }
    let is_private = body["private"].as_bool().unwrap_or(false);
    let mut made = Repository { is_private, ..Repository::default() };
    made.commit([(".gitattributes".to_owned(), (b"*.parquet filter=lfs\n".to_vec(), false))].into());
    state.repositories.insert(name.clone(), made);
    json_answer(&json!({"url": url, "name": name, "id": name}))
}

fn api(request: &Request, name: &str, rest: &[&str], state: &mut State) -> Answer {
    let Some(repository) = state.repositories.get_mut(name) else { return status(404, "RepoNotFound") };
    match (request.method.as_str(), rest) {
        ("PUT", ["settings"]) => {
            repository.gated = parsed(request)["gated"].clone();
            json_answer(&json!({}))
        }
        ("GET", [] | ["revision", _]) => {
            let Some(commit) = repository.at(rest.get(1).unwrap_or(&"main")) else {
                return status(404, "RevisionNotFound");
            };
            let files: Vec<Value> =
                repository.commits[&commit].keys().map(|path| json!({ "rfilename": path })).collect();
            json_answer(&json!({"id": name, "sha": commit, "siblings": files, "private": repository.is_private,
                "tags": [], "downloads": 0, "likes": 0, "disabled": false, "gated": false}))
        }
        ("GET", ["tree", revision, under @ ..]) => {
            tree(request, repository, revision, &under.join("/"), &state.address)
        }
        ("POST", ["paths-info", revision]) => {
            let Some(commit) = repository.at(revision) else { return status(404, "RevisionNotFound") };
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let wanted = parsed(request);
            let is_asked = |path: &str| match wanted["paths"].as_array() {
                Some(paths) => paths.iter().any(|asked| asked == path),
                None => body.contains(path),
            };
            let entries = repository.commits[&commit].iter().filter(|(path, _)| is_asked(path)).map(entry);
            json_answer(&entries.collect())
        }
        ("POST", ["preupload", _]) => {
            let files = parsed(request);
            let described = files["files"].as_array().into_iter().flatten().map(|file| {
                let path = file["path"].as_str().unwrap_or_default();
                let mode = if path.ends_with(".parquet") || path.ends_with(".safetensors") { "lfs" } else { "regular" };
                let known = repository.commits[&repository.head].get(path).map(|(content, _)| git_blob(content));
                json!({"path": path, "uploadMode": mode, "shouldIgnore": false, "oid": known})
            });
            json_answer(&json!({ "files": described.collect::<Vec<_>>() }))
        }
        ("POST", ["commit", _]) => {
            let files = committed(request, repository, &state.large);
            let Ok(files) = files else { return files.unwrap_err() };
            let commit = repository.commit(files);
            let url = format!("{}/datasets/{name}/commit/{commit}", state.address);
            json_answer(&json!({"success": true, "commitOid": commit, "commitUrl": url, "hookOutput": ""}))
        }
        ("POST", ["tag", revision]) => {
            let tag = parsed(request)["tag"].as_str().unwrap_or_default().to_owned();
            let Some(commit) = repository.at(revision) else { return status(404, "RevisionNotFound") };
            if repository.tags.contains_key(&tag) {
                return status(409, "TagExists");
            }
            repository.tags.insert(tag, commit);
            json_answer(&json!({}))
        }
        _ => status(404, "EntryNotFound"),
    }
}

fn entry((path, (content, is_large)): (&String, &(Vec<u8>, bool))) -> Value {
    let mut entry = json!({"type": "file", "path": path, "oid": git_blob(content), "size": content.len()});
    if *is_large {
        entry["lfs"] = json!({"oid": sha256(content), "size": content.len(), "pointerSize": 130});
    }
    entry
}

/// The files and folders under a folder; to this program two a page, so that pages are followed.
fn tree(request: &Request, repository: &Repository, revision: &str, under: &str, address: &str) -> Answer {
    let Some(commit) = repository.at(revision) else { return status(404, "RevisionNotFound") };
    let prefix = if under.is_empty() { String::new() } else { format!("{under}/") };
    let mut entries: Vec<Value> = Vec::new();
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let is_recursive = query.to_lowercase().contains("recursive=true");
    for file in repository.commits[&commit].iter().filter(|(path, _)| path.starts_with(&prefix)) {
        match file.0[prefix.len()..].split_once('/').filter(|_| !is_recursive) {
            None => entries.push(entry(file)),
            Some((folder, _)) => {
                let folder = json!({"type": "directory", "path": format!("{prefix}{folder}"), "oid": "0", "size": 0});
                if !entries.contains(&folder) {
                    entries.push(folder);
                }
            }
        }
    }
    if entries.is_empty() && !prefix.is_empty() {
        return status(404, "EntryNotFound");
    }
    let is_ours = request.headers.get("user-agent").is_some_and(|agent| agent.starts_with("medinjection/"));
    if !is_ours {
        return json_answer(&entries.into());
    }
    let from: usize = query.split_once("from=").and_then(|(_, from)| from.parse().ok()).unwrap_or(0);
    let page: Vec<Value> = entries.iter().skip(from).take(2).cloned().collect();
    let (code, mut head, body) = json_answer(&page.into());
    if from + 2 < entries.len() {
        let path = request.path.split('?').next().unwrap_or_default();
        let more = from + 2;
        head = format!("{head}Link: <{address}{path}?recursive=true&from={more}>; rel=\"next\"\r\n");
    }
    (code, head, body)
}

/// The files after a commit, or why it is not made.
fn committed(request: &Request, repository: &Repository, large: &BTreeMap<String, Vec<u8>>) -> Result<Files, Answer> {
    let mut files = repository.commits[&repository.head].clone();
    for line in request.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).map_err(|_| status(400, "BadLine"))?;
        let (key, value) = (line["key"].as_str().unwrap_or_default(), &line["value"]);
        let path = value["path"].as_str().unwrap_or_default().to_owned();
        match key {
            "header" => match value["parentCommit"].as_str() {
                Some(parent) if parent != repository.head => return Err(status(412, "HeadMoved")),
                _ => {}
            },
            "file" => {
                let content = STANDARD.decode(value["content"].as_str().unwrap_or_default());
                files.insert(path, (content.map_err(|_| status(400, "BadContent"))?, false));
            }
            "lfsFile" => {
                let oid = value["oid"].as_str().unwrap_or_default();
                let content = large.get(oid).ok_or_else(|| status(400, "LargeFileMissing"))?;
                files.insert(path, (content.clone(), true));
            }
            "deletedFile" => drop(files.remove(&path)),
            _ => return Err(status(400, "UnknownKey")),
        }
    }
    Ok(files)
}

fn batch(request: &Request, _repository: &str, state: &State) -> Answer {
    let body = parsed(request);
    let objects = body["objects"].as_array().into_iter().flatten().map(|object| {
        let oid = object["oid"].as_str().unwrap_or_default();
        let mut answer = json!({"oid": oid, "size": object["size"], "authenticated": true});
        if !state.large.contains_key(oid) {
            let href = format!("{}/large/{oid}", state.address);
            answer["actions"] = json!({"upload": {"href": href, "header": {"X-Signed": "yes"}}});
        }
        answer
    });
    let body = json!({"transfer": "basic", "objects": objects.collect::<Vec<_>>()});
    (200, "Content-Type: application/vnd.git-lfs+json\r\n".to_owned(), body.to_string().into_bytes())
}

/// Takes or gives the bytes of a large file; a token has no business here.
fn large(request: &Request, name: &str, state: &mut State) -> Answer {
    if request.method == "PUT" {
        let is_right = sha256(&request.body) == name && !request.headers.contains_key("authorization");
        if !is_right {
            return status(400, "WrongContent");
        }
        state.large.insert(name.to_owned(), request.body.clone());
        return json_answer(&json!({}));
    }
    let Some(content) = state.large.get(name) else { return status(404, "EntryNotFound") };
    ranged(request, format!("ETag: \"{name}\"\r\n"), content)
}

fn ranged(request: &Request, head: String, content: &[u8]) -> Answer {
    let first = request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = first else { return (200, head, content.to_vec()) };
    let first: usize = first.parse().unwrap_or(0);
    let last = last.parse().map_or(content.len(), |last: usize| (last + 1).min(content.len()));
    let range = format!("Content-Range: bytes {first}-{}/{}\r\n", last - 1, content.len());
    (206, head + &range, content[first..last].to_vec())
}

fn resolve(name: &str, revision: &str, path: &str, state: &State) -> Answer {
    let found = state.repositories.get(name).and_then(|repository| {
        let commit = repository.at(revision)?;
        Some((repository.commits[&commit].get(path)?, commit))
    });
    let Some(((content, is_large), commit)) = found else { return status(404, "EntryNotFound") };
    let head = format!("X-Repo-Commit: {commit}\r\n");
    if *is_large {
        let (hash, size) = (sha256(content), content.len());
        let linked = format!("X-Linked-ETag: \"{hash}\"\r\nX-Linked-Size: {size}\r\n");
        // Another host, as on the Hub: the official client takes a redirect to the same one for a repository's new name.
        let elsewhere = state.address.replace("127.0.0.1", "localhost");
        return (302, format!("{head}{linked}Location: {elsewhere}/large/{hash}\r\n"), Vec::new());
    }
    (200, format!("{head}ETag: \"{}\"\r\n", git_blob(content)), content.clone())
}
