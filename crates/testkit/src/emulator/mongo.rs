//! MongoDB's wire protocol with scripted states; no MongoDB server can be had as a package.
//!
//! It has its own BSON on purpose: a mistake shared with the probe's would go unseen.

mod bson;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Read, Write};

use super::{Emulator, Peer};
use bson::{Bson, Document};

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;
const MESSAGE_LIMIT: i32 = 48_000_000;
const HTTP_TEXT: &str =
    "It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n";

/// What the emulated server is and whom it lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mongo {
    /// 7.0 without access control: OP_QUERY is refused (code 352) but for `hello` and `isMaster`.
    Open,
    /// 3.4 without access control: OP_QUERY only, OP_MSG closes the connection.
    OpenOld,
    /// 4.0 as another implementation of the protocol answers: no `hello` (code 59), no sizes in
    /// `listDatabases`.
    NoHello,
    /// 7.0 with access control.
    Protected,
    /// 4.0 with access control and the older wording of the refusal.
    ProtectedOldText,
    /// 7.0 with access control and no user yet: `listDatabases` succeeds and is empty, `getLog` is refused.
    LocalhostException,
    /// 7.0 without access control and without any database.
    EmptyOpen,
    /// [`Mongo::Open`] after a robber's visit.
    Ransomed,
}

impl Mongo {
    /// Listens on a free port of 127.0.0.1. [`Emulator::requests`] then holds lines such as `OP_MSG hello`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(self) -> io::Result<Emulator> {
        Emulator::serve(move |peer| {
            let result = self.serve(&peer);
            peer.finish();
            result
        })
    }

    fn serve(self, peer: &Peer) -> io::Result<()> {
        let (mut reader, mut writer) = (BufReader::new(peer.clone()), peer.clone());
        while !reader.fill_buf()?.is_empty() {
            let mut header = [0; 16];
            reader.read_exact(&mut header)?;
            if header.starts_with(b"GET ") {
                peer.log("HTTP GET");
                return writer.write_all(http_answer().as_bytes());
            }
            let [length, id, answers, code] = words(&header);
            // A question answers nothing. Unconfirmed: that a server without TLS knows a ClientHello by this.
            if !(16..=MESSAGE_LIMIT).contains(&length) || !matches!(answers, 0 | -1) {
                peer.log("not MongoDB");
                return Ok(());
            }
            let mut body = Vec::new();
            (&mut reader).take(u64::from(length.unsigned_abs()) - 16).read_to_end(&mut body)?;
            let reply = match code {
                OP_MSG if self != Self::OpenOld => self.op_msg(peer, id, &body),
                OP_QUERY => self.op_query(peer, id, &body),
                // What an old server does with an operation that it does not know.
                _ => None,
            };
            let Some(reply) = reply else { return Ok(()) };
            writer.write_all(&reply)?;
        }
        Ok(())
    }

    fn op_msg(self, peer: &Peer, id: i32, body: &[u8]) -> Option<Vec<u8>> {
        // Four bytes of flags, then the section of kind 0 that holds the command; document sequences are not
        // used here.
        let (flags, sections) = body.split_first_chunk::<4>()?;
        let (0, document) = sections.split_first()? else { return None };
        let command = Document::decode(document)?;
        peer.log(format!("OP_MSG {}", command.name()));
        let more_to_come = u32::from_le_bytes(*flags) & 2 != 0;
        let answer = match command.text("$db") {
            _ if more_to_come => return Some(Vec::new()),
            None => failure(40571, "Location40571", "OP_MSG requests require a $db argument"),
            Some(database) => self.run(&command, database),
        };
        Some(message(OP_MSG, id, &[&[0; 5], answer.encode().as_slice()].concat()))
    }

    fn op_query(self, peer: &Peer, id: i32, body: &[u8]) -> Option<Vec<u8>> {
        // Flags, the collection's name ending in a zero, numbers to skip and to return, the query.
        let rest = body.get(4..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let collection = std::str::from_utf8(rest.get(..end)?).ok()?;
        let command = Document::decode(rest.get(end + 9..)?)?;
        // Older drivers wrap the command to add a read preference.
        let command = command.document("$query").cloned().unwrap_or(command);
        peer.log(format!("OP_QUERY {}", command.name()));
        let greeting = matches!(command.name(), "hello" | "isMaster" | "ismaster");
        let answer = match collection.strip_suffix(".$cmd") {
            Some(database) if greeting || !self.is_modern() => self.run(&command, database),
            Some(_) => {
                let text = format!(
                    "Unsupported OP_QUERY command: {}. The client driver may require an upgrade. For more details see \
                     https://dochub.mongodb.org/core/legacy-opcode-removal",
                    command.name()
                );
                failure(352, "UnsupportedOpQueryCommand", &text)
            }
            // A read of documents, which no test may cause.
            None => return None,
        };
        let mut reply = Vec::new();
        let flags_of_reply = 8i32;
        reply.extend_from_slice(&flags_of_reply.to_le_bytes());
        reply.extend_from_slice(&[0; 12]);
        reply.extend_from_slice(&1i32.to_le_bytes());
        reply.extend_from_slice(&answer.encode());
        Some(message(OP_REPLY, id, &reply))
    }

    fn is_modern(self) -> bool {
        !matches!(self, Self::OpenOld | Self::NoHello | Self::ProtectedOldText)
    }

    fn version(self) -> (&'static str, i32) {
        match self {
            Self::OpenOld => ("3.4.24", 5),
            Self::NoHello | Self::ProtectedOldText => ("4.0.0", 7),
            _ => ("7.0.14", 21),
        }
    }

    fn run(self, command: &Document, database: &str) -> Document {
        match command.name() {
            "hello" if self.is_modern() => self.greeting("isWritablePrimary"),
            "isMaster" | "ismaster" => self.greeting("ismaster"),
            "ping" => success(Document::new()),
            "buildInfo" | "buildinfo" => self.build_info(),
            // The code of a refusal without its meaning: the command was sent to the wrong database.
            name @ ("listDatabases" | "getLog") if database != "admin" => {
                let text = format!("{name} may only be run against the admin database.");
                failure(13, "Unauthorized", &text)
            }
            "listDatabases" => self.list_databases(command),
            "getLog" => self.log(command),
            name => failure(59, "CommandNotFound", &format!("no such command: '{name}'")),
        }
    }

    fn greeting(self, primary: &str) -> Document {
        let greeting = Document::new()
            .with(primary, Bson::Bool(true))
            .with("maxBsonObjectSize", Bson::Int32(16_777_216))
            .with("maxMessageSizeBytes", Bson::Int32(48_000_000))
            .with("maxWriteBatchSize", Bson::Int32(100_000))
            .with("localTime", Bson::Date(1_655_000_000_000))
            .with("minWireVersion", Bson::Int32(0))
            .with("maxWireVersion", Bson::Int32(self.version().1))
            .with("readOnly", Bson::Bool(false));
        success(greeting)
    }

    fn build_info(self) -> Document {
        let (version, _) = self.version();
        let numbers = version.split('.').filter_map(|part| part.parse().ok());
        let numbers = numbers.chain([0]).map(Bson::Int32).collect();
        let info = Document::new()
            .with("version", Bson::Text(version.to_owned()))
            .with("gitVersion", Bson::Text("0".repeat(40)))
            .with("versionArray", Bson::Array(numbers))
            .with("bits", Bson::Int32(64))
            .with("maxBsonObjectSize", Bson::Int32(16_777_216));
        success(info)
    }

    fn list_databases(self, command: &Document) -> Document {
        let names: &[(&str, i32)] = match self {
            Self::Protected | Self::ProtectedOldText => return self.refusal(command),
            Self::LocalhostException | Self::EmptyOpen => &[],
            Self::NoHello => &[("lab", 0)],
            Self::Ransomed => {
                &[("READ_ME_TO_RECOVER_YOUR_DATA", 40_960), ("admin", 40_960), ("local", 73_728)]
            }
            Self::Open | Self::OpenOld => &[("admin", 40_960), ("customers", 8_429_568), ("local", 73_728)],
        };
        // The independent implementation gives no sizes, and nobody does when asked for names only.
        let names_only = command.is_true("nameOnly");
        let sized = self != Self::NoHello && !names_only;
        let database = |(name, size): &(&str, i32)| {
            let entry = Document::new().with("name", Bson::Text((*name).to_owned()));
            Bson::Document(match (sized, names_only) {
                (true, _) => entry.with("sizeOnDisk", self.size(*size)).with("empty", Bson::Bool(false)),
                (false, true) => entry,
                (false, false) => entry.with("empty", Bson::Bool(false)),
            })
        };
        let list = Document::new().with("databases", Bson::Array(names.iter().map(database).collect()));
        let total: i32 = names.iter().map(|(_, size)| size).sum();
        success(if sized { list.with("totalSize", self.size(total)) } else { list })
    }

    /// Sizes were doubles once. Unconfirmed: until when.
    fn size(self, bytes: i32) -> Bson {
        if self == Self::OpenOld { Bson::Double(bytes.into()) } else { Bson::Int64(bytes.into()) }
    }

    fn log(self, command: &Document) -> Document {
        if matches!(self, Self::Protected | Self::ProtectedOldText | Self::LocalhostException) {
            return self.refusal(command);
        }
        if command.text("getLog").is_none() {
            return failure(14, "TypeMismatch", "Argument to getLog must be of type String");
        }
        let line = "Access control is not enabled for the database.";
        let lines = if self == Self::NoHello { vec![] } else { vec![Bson::Text(line.to_owned())] };
        let total = i32::try_from(lines.len()).unwrap_or(i32::MAX);
        success(Document::new().with("totalLinesWritten", Bson::Int32(total)).with("log", Bson::Array(lines)))
    }

    fn refusal(self, command: &Document) -> Document {
        let name = command.name();
        let text = if self == Self::ProtectedOldText {
            format!("not authorized on admin to execute command {{ {name}: 1, $db: \"admin\" }}")
        } else {
            format!("Command {name} requires authentication")
        };
        failure(13, "Unauthorized", &text)
    }
}

fn success(document: Document) -> Document {
    document.with("ok", Bson::Double(1.0))
}

fn failure(code: i32, name: &str, text: &str) -> Document {
    Document::new()
        .with("ok", Bson::Double(0.0))
        .with("errmsg", Bson::Text(text.to_owned()))
        .with("code", Bson::Int32(code))
        .with("codeName", Bson::Text(name.to_owned()))
}

fn http_answer() -> String {
    format!(
        "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{HTTP_TEXT}",
        HTTP_TEXT.len()
    )
}

fn message(code: i32, answers: i32, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 16).unwrap_or(i32::MAX);
    let header = [length, 1, answers, code].map(i32::to_le_bytes).concat();
    [header.as_slice(), body].concat()
}

fn words(header: &[u8; 16]) -> [i32; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(header.chunks_exact(4)) {
        *word = bytes.try_into().map_or(0, i32::from_le_bytes);
    }
    words
}
