//! A part of the input that can be looked at, and moves on.

use std::io::{self, Read};

/// Bytes that are read at a time.
const STEP: usize = 256 << 10;

/// The bytes from the present place on, as many as were asked for.
pub(super) struct Window<'a> {
    input: &'a mut dyn Read,
    bytes: Vec<u8>,
    at: usize,
    /// How much was passed.
    passed: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<'a> Window<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Self {
        Self { input, bytes: Vec::new(), at: 0, passed: 0, ended: false, error: None }
    }

    /// What is at hand.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads more behind what is at hand. False at the end of the input.
    pub(super) fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.at > 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        let from = self.bytes.len();
        self.bytes.resize(from + STEP.max(from), 0);
        let read = loop {
            match self.input.read(self.bytes.get_mut(from..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    break 0;
                }
                Ok(read) => break read,
            }
        };
        self.bytes.truncate(from + read);
        self.ended = read == 0;
        read > 0
    }

    /// The next byte, which is not passed.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while self.at >= self.bytes.len() {
            if !self.more() {
                return None;
            }
        }
        self.bytes.get(self.at).copied()
    }

    /// Whether the bytes at hand begin with `word`; reads as many as that takes.
    pub(super) fn begins(&mut self, word: &[u8]) -> bool {
        while self.rest().len() < word.len() {
            if !self.more() {
                return false;
            }
        }
        self.rest().starts_with(word)
    }

    /// Passes bytes that are at hand.
    pub(super) fn pass(&mut self, count: usize) {
        let count = count.min(self.bytes.len() - self.at);
        self.at += count;
        self.passed += count as u64;
    }

    /// Passes white space; the next byte behind it.
    pub(super) fn pass_blanks(&mut self) -> Option<u8> {
        loop {
            self.peek()?;
            let rest = self.rest();
            let blanks = rest.iter().position(|byte| !byte.is_ascii_whitespace());
            match blanks {
                Some(blanks) => {
                    self.pass(blanks);
                    return self.peek();
                }
                None => self.pass(self.rest().len()),
            }
        }
    }

    /// How many bytes were passed.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// What ended the input before its end.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }
}

impl Read for Window<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.peek().is_none() {
            return self.error.take().map_or(Ok(0), Err);
        }
        let mut rest = self.rest();
        let read = rest.read(into)?;
        self.pass(read);
        Ok(read)
    }
}
