//! Text in whatever encoding, as UTF-8. What is UTF-8 passes without a copy.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::job::fill;

/// Bytes that are decoded at a time.
const RAW: usize = 64 << 10;

/// The encoding of a text by its first bytes, and how many of them are the byte order mark.
pub(super) fn sniff(head: &[u8]) -> (&'static Encoding, usize) {
    if let Some((encoding, mark)) = Encoding::for_bom(head) {
        return (encoding, mark);
    }
    if let Some(encoding) = utf16_without_mark(head) {
        return (encoding, 0);
    }
    match std::str::from_utf8(head) {
        Ok(_) => (UTF_8, 0),
        Err(error) if error.error_len().is_none() => (UTF_8, 0),
        // A few broken bytes in a text that is else UTF-8, with letters that prove it.
        Err(error)
            if !head.get(..error.valid_up_to()).unwrap_or_default().is_ascii() && mostly_utf8(head) =>
        {
            (UTF_8, 0)
        }
        Err(_) => (guess(head), 0),
    }
}

/// The likeliest encoding of a text that is not UTF-8.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, chardetng::Utf8Detection::Deny)
}

/// Whether broken places are few beside whole letters of several bytes.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut broken, mut whole) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        broken += usize::from(!chunk.invalid().is_empty());
        whole += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
    }
    broken * 2 < whole
}

/// UTF-16 of a Western text: every other byte is zero.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = head.as_chunks::<2>();
    let pairs = pairs.get(..pairs.len().min(2048)).unwrap_or_default();
    if pairs.len() < 4 {
        return None;
    }
    let low = pairs.iter().filter(|[first, second]| *first != 0 && *second == 0).count();
    let high = pairs.iter().filter(|[first, second]| *first == 0 && *second != 0).count();
    let most = |count: usize| count * 10 > pairs.len() * 8;
    if most(low) {
        Some(UTF_16LE)
    } else if most(high) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Reads a text as UTF-8. Bytes that mean nothing become U+FFFD.
pub(super) struct Utf8<'a> {
    inner: &'a mut dyn Read,
    /// Of another encoding than UTF-8.
    decoder: Option<Decoder>,
    /// Letters beyond ASCII were seen that are UTF-8: whatever else comes is broken, not another encoding.
    is_proven: bool,
    /// The beginning of a letter at the end of the last read.
    tail: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    offset: u64,
    broken_at: Option<u64>,
    ended: bool,
    error: Option<io::Error>,
}

impl<'a> Utf8<'a> {
    /// `head` are the first bytes of `inner`, which gives them again.
    pub(super) fn new(inner: &'a mut dyn Read, head: &[u8]) -> Self {
        let (encoding, mark) = sniff(head);
        let mut skipped = [0; 4];
        let (_, error) = fill(inner, skipped.get_mut(..mark).unwrap_or_default());
        Self {
            inner,
            decoder: (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling()),
            is_proven: mark > 0,
            tail: Vec::new(),
            ready: Vec::new(),
            given: 0,
            offset: mark as u64,
            broken_at: None,
            ended: false,
            error,
        }
    }

    /// Where the first byte stands that has no meaning, from 0. In other encodings than UTF-8 the place is near.
    pub(super) fn broken_at(&self) -> Option<u64> {
        self.broken_at
    }

    fn pull(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        loop {
            match self.inner.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) => {
                    self.ended = true;
                    return Ok(0);
                }
                other => return other,
            }
        }
    }

    /// Reads as it is what is UTF-8 into `into`; 0 when something waits in `ready`, or at the end.
    fn direct(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let carried = self.tail.len();
        let (front, rest) = into.split_at_mut_checked(carried).ok_or(io::ErrorKind::InvalidInput)?;
        front.copy_from_slice(&self.tail);
        let read = self.pull(rest)?;
        self.tail.clear();
        let all = into.get(..carried + read).unwrap_or_default();
        let valid = Encoding::utf8_valid_up_to(all);
        let (good, bad) = all.split_at_checked(valid).unwrap_or_default();
        self.is_proven = self.is_proven || !good.is_ascii();
        self.offset += valid as u64;
        if bad.is_empty() {
            return Ok(valid);
        }
        let is_begun = std::str::from_utf8(bad).is_err_and(|error| error.error_len().is_none());
        if is_begun && !self.ended {
            self.tail.extend_from_slice(bad);
            return Ok(valid);
        }
        let bad = bad.to_vec();
        if self.is_proven {
            self.mend(&bad);
        } else {
            self.decoder = Some(guess(&bad).new_decoder_without_bom_handling());
            self.decode(&bad);
        }
        Ok(valid)
    }

    /// Takes UTF-8 with broken places in it.
    fn mend(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.ready.extend_from_slice(chunk.valid().as_bytes());
            self.offset += chunk.valid().len() as u64;
            let invalid = chunk.invalid();
            let is_begun = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if chunks.peek().is_none() && is_begun && !self.ended {
                self.tail.extend_from_slice(invalid);
            } else if !invalid.is_empty() {
                self.broken_at.get_or_insert(self.offset);
                self.offset += invalid.len() as u64;
                self.ready.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }

    fn decode(&mut self, mut raw: &[u8]) {
        let Some(decoder) = &mut self.decoder else { return };
        let start = self.offset;
        self.offset += raw.len() as u64;
        let total = raw.len();
        loop {
            let room = decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(RAW * 4);
            let from = self.ready.len();
            self.ready.resize(from + room, 0);
            let into = self.ready.get_mut(from..).unwrap_or_default();
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(raw, into, self.ended);
            self.ready.truncate(from + written);
            raw = raw.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, behind) => {
                    let at = start + (total - raw.len()) as u64;
                    let back = u64::from(length) + u64::from(behind);
                    self.broken_at.get_or_insert(at.saturating_sub(back));
                    self.ready.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
        }
    }
}

impl Read for Utf8<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let waiting = self.ready.get(self.given..).unwrap_or_default();
            if !waiting.is_empty() {
                let given = waiting.len().min(into.len());
                for (to, from) in into.iter_mut().zip(waiting) {
                    *to = *from;
                }
                self.given += given;
                return Ok(given);
            }
            self.ready.clear();
            self.given = 0;
            if self.ended || into.is_empty() {
                return Ok(0);
            }
            if self.decoder.is_none() && into.len() >= 64 {
                let read = self.direct(into)?;
                if read > 0 {
                    return Ok(read);
                }
                continue;
            }
            let mut raw = vec![0; RAW];
            if self.decoder.is_none() {
                let read = self.direct(&mut raw)?;
                // What `direct` could not pass stands in `ready` already, and comes after this.
                self.ready.splice(0..0, raw.get(..read).unwrap_or_default().iter().copied());
            } else {
                let read = self.pull(&mut raw)?;
                self.decode(raw.get(..read).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], step: usize) -> (String, Option<u64>) {
        struct Steps<'a>(&'a [u8], usize);
        impl Read for Steps<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let length = into.len().min(self.1).min(self.0.len());
                into[..length].copy_from_slice(&self.0[..length]);
                self.0 = &self.0[length..];
                Ok(length)
            }
        }
        let mut input = Steps(bytes, step);
        let mut reader = Utf8::new(&mut input, &bytes[..bytes.len().min(4096)]);
        let mut out = Vec::new();
        let mut buffer = [0; 100];
        loop {
            let read = reader.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            out.extend_from_slice(&buffer[..read]);
        }
        (String::from_utf8(out).unwrap(), reader.broken_at())
    }

    #[test]
    fn utf8_passes_however_it_is_cut() {
        let text = "姓名,电话\n张三,15400000001\n".repeat(40);
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(decoded(text.as_bytes(), step), (text.clone(), None));
        }
    }

    #[test]
    fn gbk_big5_shift_jis_and_utf16_are_decoded() {
        let text = "姓名：王小明，住址：北京市朝阳区某某路一号，电话一五四。这是一个例子。\n".repeat(8);
        assert_eq!(decoded(&encoding_rs::GBK.encode(&text).0, 7), (text.clone(), None));
        let text = "姓名：王小明，住址：臺北市中正區，電話。這是一個例子，測試用。\n".repeat(8);
        assert_eq!(decoded(&encoding_rs::BIG5.encode(&text).0, 7), (text.clone(), None));
        let text = "氏名：山田太郎、住所：東京都千代田区、電話番号です。これはテストです。\n".repeat(8);
        assert_eq!(decoded(&encoding_rs::SHIFT_JIS.encode(&text).0, 7), (text.clone(), None));
        let text = "name,phone\nAnn,154\n";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&wide, 3), (text.to_owned(), None));
        let marked: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(decoded(&marked, 3), (text.to_owned(), None));
    }

    #[test]
    fn gbk_that_begins_after_a_megabyte_of_ascii_is_decoded() {
        let text = format!(
            "{}{}",
            "plain ascii line\n".repeat(70_000),
            "姓名：王小明，住址：北京市朝阳区某某路。\n".repeat(9)
        );
        assert_eq!(decoded(&encoding_rs::GBK.encode(&text).0, 65_536), (text, None));
    }

    #[test]
    fn broken_bytes_are_told_with_their_offset_and_the_rest_is_read() {
        let mut bytes = "éé one\n".repeat(3).into_bytes();
        bytes.extend_from_slice(b"\xff\xfe two\n");
        bytes.extend_from_slice("é three".as_bytes());
        let (text, at) = decoded(&bytes, 5);
        assert_eq!(text, "éé one\néé one\néé one\n\u{fffd}\u{fffd} two\né three");
        assert_eq!(at, Some(27));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_become_text(bytes: Vec<u8>, step in 1_usize..20) {
            let _ = decoded(&bytes, step);
        }
    }
}
