//! Messages (RFC 5322, MIME) and mailboxes of them (mbox, RFC 4155): headers and bodies as text, attachments as files.

use std::io::{BufRead, BufReader, Read};

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use super::block::BLOCK;
use super::input::Body;
use super::job::{Job, member_name};
use super::limits::Limits;
use super::read_body;

/// Reads a message, or all of a mailbox.
pub(super) fn read(job: &mut Job<'_>, name: &str, body: Body<'_>, head: &[u8], depth: usize) {
    let is_mailbox = head.starts_with(b"From ");
    body.stream(head, |input| {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let mut number = 0_u64;
        loop {
            let next = one(&mut input, is_mailbox, job.limits);
            number += 1;
            let name =
                if is_mailbox { member_name(name, &format!("message {number}")) } else { name.to_owned() };
            match next {
                Ok(Some(bytes)) if bytes.len() as u64 > job.limits.memory => {
                    job.tell(
                        &name,
                        "is a message that is too large for memory: its first part was read as text",
                    );
                    give(job, &name, bytes.get(..BLOCK).unwrap_or_default());
                    if !is_mailbox {
                        return;
                    }
                }
                Ok(Some(bytes)) => message(job, &name, &bytes, depth),
                Ok(None) => return,
                Err(error) => return job.tell_error(&name, &error),
            }
            if job.is_over(&name) {
                return;
            }
        }
    });
}

/// The next message: up to the line `From ` of the one behind it, or to the end. Never more than may lie in memory.
fn one(input: &mut dyn BufRead, is_mailbox: bool, limits: &Limits) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let most = limits.memory.saturating_add(1);
    if !is_mailbox {
        input.take(most).read_to_end(&mut bytes)?;
        return Ok((!bytes.is_empty()).then_some(bytes));
    }
    let mut is_after_blank = false;
    loop {
        // The line that ends a message stays for the next one.
        if is_after_blank && !bytes.is_empty() && input.fill_buf()?.starts_with(b"From ") {
            return Ok(Some(bytes));
        }
        let before = bytes.len();
        let room = most.saturating_sub(before as u64).max(1);
        let read = input.take(room.min(1 << 20)).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok((!bytes.is_empty()).then_some(bytes));
        }
        if bytes.len() as u64 >= most {
            // More than fits: the rest of the message passes.
            bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            bytes.truncate(before.max(1));
        }
        let line = bytes.get(before..).unwrap_or_default();
        is_after_blank = line == b"\n" || line == b"\r\n";
    }
}

fn message(job: &mut Job<'_>, name: &str, bytes: &[u8], depth: usize) {
    let parsed = job.guarded(name, |_| MessageParser::default().parse(bytes));
    let Some(message) = parsed.flatten() else {
        return give(job, name, bytes);
    };
    give(job, name, headers(&message, bytes).as_bytes());
    for (place, part) in message.parts.iter().enumerate() {
        match &part.body {
            PartType::Text(text) | PartType::Html(text) => give(job, name, text.as_bytes()),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                let file = part.attachment_name().map_or_else(|| format!("part {place}"), str::to_owned);
                attached(job, &member_name(name, &file), bytes, depth);
            }
            PartType::Message(inner) => {
                attached(job, &member_name(name, &format!("part {place}.eml")), inner.raw_message(), depth);
            }
            PartType::Multipart(_) => {}
        }
        if job.is_over(name) {
            return;
        }
    }
}

fn attached(job: &mut Job<'_>, name: &str, bytes: &[u8], depth: usize) {
    if depth >= job.limits.depth {
        return job.tell(name, "lies too deep in messages and archives: save it and read the file");
    }
    if job.spent.member(job.limits).is_err() {
        return;
    }
    read_body(job, name, Body::Memory(bytes.to_vec().into()), depth + 1);
}

/// The headers, decoded where they are names, addresses and texts.
fn headers(message: &Message<'_>, raw: &[u8]) -> String {
    let mut text = String::new();
    for header in message.headers() {
        text.push_str(header.name());
        text.push_str(": ");
        match header.value() {
            HeaderValue::Text(value) => text.push_str(value),
            HeaderValue::TextList(values) => text.push_str(&values.join(", ")),
            HeaderValue::Address(addresses) => {
                for address in addresses.iter() {
                    let name = address.name().unwrap_or_default();
                    text.push_str(&format!("{name} <{}>, ", address.address().unwrap_or_default()));
                }
            }
            _ => {
                let value =
                    raw.get(header.offset_start() as usize..header.offset_end() as usize).unwrap_or_default();
                text.push_str(String::from_utf8_lossy(value).trim());
            }
        }
        text.push('\n');
    }
    text
}

fn give(job: &mut Job<'_>, name: &str, text: &[u8]) {
    for piece in text.chunks(BLOCK) {
        job.text(name, 0, piece);
    }
}
