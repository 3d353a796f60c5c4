//! A few dozen lines of BSON: what the scripted answers and the known questions need.

const DEPTH_LIMIT: usize = 20;

/// A value. Decoding knows more types than these; what it cannot keep it keeps as `Other`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bson {
    Double(f64),
    Text(String),
    Document(Document),
    Array(Vec<Bson>),
    Bool(bool),
    Date(i64),
    Int32(i32),
    Int64(i64),
    Other,
}

/// Names and values in their order; the first name of a command is the command's.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Document(Vec<(String, Bson)>);

impl Document {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with(mut self, name: &str, value: Bson) -> Self {
        self.0.push((name.to_owned(), value));
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Bson> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The name of a command.
    pub(super) fn name(&self) -> &str {
        self.0.first().map_or("", |(name, _)| name.as_str())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        if let Some(Bson::Text(text)) = self.get(name) { Some(text) } else { None }
    }

    pub(super) fn document(&self, name: &str) -> Option<&Self> {
        if let Some(Bson::Document(document)) = self.get(name) { Some(document) } else { None }
    }

    /// True as MongoDB takes it: `true` or a number other than zero.
    pub(super) fn is_true(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Bson::Bool(value)) => *value,
            Some(Bson::Int32(value)) => *value != 0,
            Some(Bson::Int64(value)) => *value != 0,
            Some(Bson::Double(value)) => *value != 0.0,
            _ => false,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.0 {
            value.encode(name, &mut body);
        }
        let length = i32::try_from(body.len() + 5).unwrap_or(i32::MAX);
        [&length.to_le_bytes(), body.as_slice(), &[0]].concat()
    }

    /// The document at the beginning of some bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Reader(bytes).document(0)
    }
}

impl Bson {
    fn encode(&self, name: &str, out: &mut Vec<u8>) {
        let (kind, value) = match self {
            Self::Double(number) => (1, number.to_le_bytes().to_vec()),
            Self::Text(text) => {
                let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
                (2, [&length.to_le_bytes(), text.as_bytes(), &[0]].concat())
            }
            Self::Document(document) => (3, document.encode()),
            Self::Array(values) => {
                let numbered = values.iter().enumerate().map(|(at, value)| (at.to_string(), value.clone()));
                (4, Document(numbered.collect()).encode())
            }
            Self::Bool(value) => (8, vec![u8::from(*value)]),
            Self::Date(time) => (9, time.to_le_bytes().to_vec()),
            Self::Int32(number) => (16, number.to_le_bytes().to_vec()),
            Self::Int64(number) => (18, number.to_le_bytes().to_vec()),
            Self::Other => (10, Vec::new()),
        };
        out.push(kind);
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(&value);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn int(&mut self) -> Option<i32> {
        self.chunk().map(i32::from_le_bytes)
    }

    fn name(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let name = String::from_utf8(self.take(end)?.to_vec()).ok()?;
        self.take(1).map(|_| name)
    }

    fn document(&mut self, depth: usize) -> Option<Document> {
        let length = usize::try_from(self.int()?).ok()?.checked_sub(4)?;
        let mut inside = Reader(self.take(length)?);
        let mut document = Document::new();
        loop {
            let [kind] = inside.chunk()?;
            if kind == 0 {
                return inside.0.is_empty().then_some(document);
            }
            let name = inside.name()?;
            let value = inside.value(kind, depth + 1)?;
            document.0.push((name, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Bson> {
        if depth > DEPTH_LIMIT {
            return None;
        }
        Some(match kind {
            1 => Bson::Double(f64::from_le_bytes(self.chunk()?)),
            2 => {
                let length = usize::try_from(self.int()?).ok()?.checked_sub(1)?;
                let text = String::from_utf8(self.take(length)?.to_vec()).ok()?;
                self.take(1)?;
                Bson::Text(text)
            }
            3 => Bson::Document(self.document(depth)?),
            4 => Bson::Array(self.document(depth)?.0.into_iter().map(|(_, value)| value).collect()),
            5 => {
                let length = usize::try_from(self.int()?).ok()?.checked_add(1)?;
                self.take(length).map(|_| Bson::Other)?
            }
            7 => self.take(12).map(|_| Bson::Other)?,
            8 => Bson::Bool(self.chunk::<1>()? != [0]),
            9 => Bson::Date(i64::from_le_bytes(self.chunk()?)),
            10 => Bson::Other,
            16 => Bson::Int32(self.int()?),
            17 => self.take(8).map(|_| Bson::Other)?,
            18 => Bson::Int64(i64::from_le_bytes(self.chunk()?)),
            19 => self.take(16).map(|_| Bson::Other)?,
            _ => return None,
        })
    }
}
