//! What looks like a secret and is none: placeholders, words, keyboard walks.

use super::pack::Class;

/// Parts that no random secret has and that examples and templates have. In lower case.
const PLACEHOLDERS: &[&str] = &[
    "example",
    "sample",
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_",
    "replace-",
    "placeholder",
    "yourpass",
    "yourtoken",
    "yourkey",
    "yoursecret",
    "your_",
    "your-",
    "dummy",
    "redacted",
    "removed",
    "insert_",
    "insert-",
    "notreal",
    "not_real",
    "not-real",
    "todo",
    "fixme",
    "xxxx",
    "****",
    "...",
    "0000000",
    "1111111",
    "-here",
    "_here",
    "abcdef0123456",
    "0123456789",
    "1234567890",
    "abcdefghij",
    "deadbeef",
    "lorem",
    "……",
];

/// Parts that mark a value as filled in later, by a template engine, a shell or a program.
const TEMPLATES: &[&str] = &["${", "{{", "}}", "$(", "<%", "%>", "#{", "%(", "[[", "]]", "@@", "<your"];

/// Names and words that stand where a password could stand: in documentation, tests, type declarations. In lower case,
/// without digits and marks around them.
const WORDS: &[&str] = &[
    "access",
    "account",
    "admin",
    "administrator",
    "any",
    "apikey",
    "app",
    "auth",
    "bar",
    "baz",
    "bearer",
    "bool",
    "boolean",
    "char",
    "client",
    "config",
    "connection",
    "credential",
    "credentials",
    "data",
    "database",
    "db",
    "default",
    "demo",
    "dev",
    "development",
    "disabled",
    "empty",
    "enabled",
    "env",
    "environment",
    "error",
    "false",
    "field",
    "file",
    "foo",
    "foobar",
    "func",
    "function",
    "guest",
    "hello",
    "helloworld",
    "hidden",
    "host",
    "http",
    "https",
    "id",
    "identifier",
    "input",
    "int",
    "integer",
    "internal",
    "invalid",
    "key",
    "letmein",
    "local",
    "localhost",
    "login",
    "me",
    "master",
    "missing",
    "mock",
    "model",
    "module",
    "mypass",
    "mypassword",
    "mysecret",
    "mytoken",
    "name",
    "new",
    "newpassword",
    "nil",
    "no",
    "none",
    "null",
    "object",
    "oldpassword",
    "option",
    "optional",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "path",
    "plain",
    "postgres",
    "private",
    "prod",
    "production",
    "prompt",
    "public",
    "pwd",
    "read",
    "required",
    "root",
    "s",
    "secret",
    "secretkey",
    "self",
    "server",
    "service",
    "setting",
    "settings",
    "somepassword",
    "staging",
    "str",
    "string",
    "supersecret",
    "system",
    "temp",
    "test",
    "tester",
    "testing",
    "testpass",
    "testpassword",
    "text",
    "this",
    "token",
    "true",
    "type",
    "undefined",
    "unknown",
    "unset",
    "url",
    "user",
    "username",
    "val",
    "value",
    "var",
    "variable",
    "void",
    "world",
    "write",
    "yes",
    "you",
    "your",
];

/// The rows of a keyboard, and the order of letters and digits.
const WALKS: &[&str] =
    &["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfv"];

/// Whether a value was written to be replaced by a secret, not to be one.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |part: &&str| memchr::memmem::find(&lower, part.as_bytes()).is_some();
    // In a long value a short word may stand by chance.
    let shortest = if value.len() > LONG { 7 } else { 0 };
    PLACEHOLDERS.iter().filter(|part| part.len() >= shortest).any(has)
        || TEMPLATES.iter().any(has)
        || is_variable(value)
        || shortest == 0 && longest_run(value) >= 6
}

/// `$NAME` of a shell, `%NAME%` of Windows.
fn is_variable(value: &[u8]) -> bool {
    let name = match value {
        [b'$', name @ ..] | [b'%', name @ .., b'%'] => name,
        _ => return false,
    };
    name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && !name.iter().any(u8::is_ascii_digit)
}

/// Length from which short words are not taken for more than chance.
const LONG: usize = 200;

/// How often the most repeated byte stands in a row.
fn longest_run(value: &[u8]) -> usize {
    let mut longest = 0;
    let mut run = 0;
    let mut last = None;
    for byte in value {
        run = if last == Some(byte) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(byte);
    }
    longest
}

/// Whether a password is a word, a name, an expression of a programming language or a walk over the keyboard rather
/// than something to keep secret. Weak passwords are lost here on purpose: in texts they cannot be told from
/// documentation.
pub(super) fn is_word(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let trimmed: Vec<u8> =
        lower.iter().copied().filter(|byte| byte.is_ascii_lowercase() || !byte.is_ascii()).collect();
    if trimmed.is_empty() {
        return lower.len() < 8 || is_walk(&lower);
    }
    let known = |text: &[u8]| WORDS.iter().any(|word| word.as_bytes() == text);
    let parts = lower.split(|byte| !byte.is_ascii_lowercase()).filter(|part| !part.is_empty());
    known(&trimmed)
        || parts.clone().all(known) && parts.count() > 0
        || is_walk(&lower)
        || is_expression(value)
}

/// Whether a password is the name of a password.
pub(super) fn is_name(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    ["pass", "pwd", "secret", "key", "token", "user", "tiger"]
        .iter()
        .any(|name| memchr::memmem::find(&lower, name.as_bytes()).is_some())
}

/// Whether most of a value follows a row of the keyboard or the alphabet, forwards or backwards.
fn is_walk(lower: &[u8]) -> bool {
    let follows = |a: u8, b: u8| {
        WALKS
            .iter()
            .any(|row| row.as_bytes().windows(2).any(|two| *two == [a, b] || *two == [b, a]) || a == b)
    };
    let steps = lower.windows(2).filter(|two| matches!(two, [a, b] if follows(*a, *b))).count();
    lower.len() >= 4 && steps * 4 >= (lower.len() - 1) * 3
}

/// A path of names such as `self.config.password`, `args->pass`, `PASSWORD_FIELD`, `getPassword`, `file:///x`, or plain
/// words: what stands there is the name of the value, not the value.
fn is_expression(value: &[u8]) -> bool {
    // A byte beyond ASCII is part of a letter: `Contraseña`.
    let name = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii() || b"_.->: /*&@".contains(byte);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let marks = value.iter().filter(|byte| !byte.is_ascii_alphanumeric() && !name(byte)).count();
    // `pass1`, `key_2`: a digit ends a name.
    let inside = value
        .windows(2)
        .any(|two| matches!(two, [digit, next] if digit.is_ascii_digit() && next.is_ascii_alphabetic()));
    let joined = value.iter().any(|byte| matches!(byte, b'.' | b'_' | b'/' | b'-' | b':'));
    marks == 0 && (digits == 0 || digits <= 2 && joined && !inside)
}

/// Shannon's entropy, in bits for each byte.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether a value has a character of each class.
pub(super) fn has_classes(value: &[u8], classes: &[Class]) -> bool {
    classes.iter().all(|class| value.iter().any(|byte| class.has(*byte)))
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Lower => byte.is_ascii_lowercase(),
            Self::Upper => byte.is_ascii_uppercase(),
            Self::Letter => byte.is_ascii_alphabetic(),
            Self::Digit => byte.is_ascii_digit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "your_api_key_1",
            "xxxxxxxx",
            "${DB_PASS}",
            "{{ password }}",
            "aaaaaaaaaaaa",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        for text in ["kJ82hsP0qLz9", "T4ndem!Kite"] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn words_walks_and_expressions_are_no_passwords() {
        for text in [
            "password",
            "Password1",
            "admin123",
            "test",
            "12345678",
            "qwerty123",
            "asdfgh",
            "root",
            "secret-key",
            "self.password",
            "config.db_pass",
            "getPassword",
            "PASSWORD_FIELD",
            "my secret",
            "db.pass1",
            "",
        ] {
            assert!(is_word(text.as_bytes()), "{text}");
        }
        for text in ["T4ndem!Kite", "x9Vq2-LmP0", "bl4uer_Himmel7", "8f3a9c1e77", "Qm7#kate"] {
            assert!(!is_word(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn entropy_is_that_of_the_bytes() {
        assert!(entropy(b"").abs() < 1e-9);
        assert!(entropy(b"aaaa").abs() < 1e-9);
        assert!((entropy(b"abcd") - 2.0).abs() < 1e-9);
    }
}
