//! The content of an object: for those who wait for it, or why there is none.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use tokio::runtime::Handle;

use super::list::Failure;
use crate::store::StoreError;
use crate::store::web::Web;

/// Why an object is not read.
pub(super) fn why_not(status: u16, failure: &Failure) -> String {
    let code = if failure.code.is_empty() { "no error of such a store" } else { &failure.code };
    let said = format!("HTTP {status}, {code}");
    match (status, failure.code.as_str()) {
        (_, "InvalidObjectState") => format!("it is archived ({said}): restore it to have it read"),
        (400, _) if failure.wants_key => {
            format!("it is encrypted with a key that only its owner has ({said})")
        }
        (401 | 403, _) => format!("this key may not read it ({said})"),
        (404, _) => format!("it is gone since it was listed ({said})"),
        (300..=399, _) => format!("the server sends its clients elsewhere, which is not followed ({said})"),
        _ => format!("it cannot be had ({said})"),
    }
}

/// The body of an answer for those who wait for it.
pub(super) struct Body<'a> {
    web: &'a mut Web,
    piece: Bytes,
    /// Bytes that may still be taken: a server may send all though a part was asked for.
    left: Option<u64>,
    pub(super) failed: Option<StoreError>,
}

impl<'a> Body<'a> {
    /// The body of the answer whose head has come; `most`: no more bytes of it.
    pub(super) fn new(web: &'a mut Web, most: Option<u64>) -> Self {
        Self { web, piece: Bytes::new(), left: most, failed: None }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if self.left == Some(0) || buffer.is_empty() {
            return Ok(0);
        }
        while self.piece.is_empty() {
            match Handle::current().block_on(self.web.piece()) {
                Ok(Some(piece)) => self.piece = piece,
                Ok(None) => return Ok(0),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
        }
        let most = usize::try_from(self.left.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let count = buffer.len().min(self.piece.len()).min(most);
        if let (Some(into), Some(from)) = (buffer.get_mut(..count), self.piece.get(..count)) {
            into.copy_from_slice(from);
        }
        self.piece.advance(count);
        self.left = self.left.map(|left| left.saturating_sub(count as u64));
        Ok(count)
    }
}
