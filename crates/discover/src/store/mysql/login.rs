//! The login at MySQL and MariaDB, over whatever the server offers of: `mysql_native_password`, `caching_sha2_password`,
//! and a password in clear text where nobody can listen.
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>.

use model::excerpt;
use net::{Stream, Trust};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::wire::{Fields, Wire, WireError};
use crate::store::StoreError;
use crate::store::gate::{Door, Gate, Line};
use crate::store::login::{Login, Security};

const LONG_PASSWORD: u32 = 1;
const PROTOCOL_41: u32 = 1 << 9;
const TLS: u32 = 1 << 11;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
/// What this client can. It does not offer to send local files (1 << 7) nor to take several results (1 << 16).
const OFFERED: u32 = LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH;
/// `utf8mb4_general_ci`.
const CHARSET: u8 = 45;
/// Most packets of a login.
const STEPS: usize = 8;

/// What the server says first.
#[derive(Debug, PartialEq, Eq)]
struct Greeting {
    mariadb: bool,
    tls: bool,
    plugin: Vec<u8>,
    challenge: Vec<u8>,
}

impl Greeting {
    fn parse(packet: &[u8]) -> Option<Self> {
        let mut fields = Fields(packet);
        if fields.byte()? != 10 {
            return None;
        }
        let version = fields.until_zero();
        fields.bytes(4)?;
        let mut challenge = fields.bytes(8)?.to_vec();
        fields.byte()?;
        let low = fields.short()?;
        // Before 4.1 a greeting ends here; the rest has character set and status in front.
        fields.bytes(3)?;
        let capabilities = u32::from(low) | u32::from(fields.short()?) << 16;
        let length = usize::from(fields.byte()?);
        fields.bytes(10)?;
        challenge.extend_from_slice(fields.bytes(length.saturating_sub(9).clamp(12, 64))?);
        fields.byte();
        let plugin = fields.until_zero().to_vec();
        let has = |what: u32| capabilities & what != 0;
        if !has(PROTOCOL_41) || !has(SECURE_CONNECTION) {
            return None;
        }
        let mariadb = memchr::memmem::find(version, b"MariaDB").is_some();
        let plugin = if has(PLUGIN_AUTH) { plugin } else { b"mysql_native_password".to_vec() };
        Some(Self { mariadb, tls: has(TLS), plugin, challenge })
    }
}

/// A connection that is logged in.
pub(super) struct LoggedIn {
    pub(super) wire: Wire,
    pub(super) mariadb: bool,
}

/// Connects and logs in.
pub(super) async fn log_in(
    gate: &Gate,
    login: &Login,
    idle: std::time::Duration,
) -> Result<LoggedIn, StoreError> {
    let Line { stream, own } = gate.open(&login.door, idle).await?;
    let mut wire = Wire::new(stream);
    let greeting = match wire.receive().await {
        Ok(packet) => Greeting::parse(packet).ok_or_else(|| foreign(login))?,
        Err(error) => return Err(refused(&error, login)),
    };
    let (capabilities, mut wire) = secure(wire, &greeting, gate, login).await?;
    login.warn_of_plain(own, wire.is_tls());
    let exchange = Exchange { login, safe: wire.is_tls() || matches!(login.door, Door::Socket(_)) };
    let first = response(capabilities, login, &exchange, &greeting)?;
    wire.send(&first).await.map_err(|error| refused(&error, login))?;
    exchange.finish(&mut wire, greeting.plugin).await?;
    Ok(LoggedIn { wire, mariadb: greeting.mariadb })
}

fn foreign(login: &Login) -> StoreError {
    StoreError::Answer(format!("{}: what answers there is not MySQL 4.1 or later", login.door))
}

/// Starts TLS as the login says; never over a socket in the file system.
async fn secure(
    mut wire: Wire,
    greeting: &Greeting,
    gate: &Gate,
    login: &Login,
) -> Result<(u32, Wire), StoreError> {
    let (host, trust) = match (&login.door, &login.security) {
        (Door::Socket(_), _) | (_, Security::Plain) => return Ok((OFFERED, wire)),
        (Door::Tcp { .. }, Security::Offered) if !greeting.tls => return Ok((OFFERED, wire)),
        (Door::Tcp { host, .. }, Security::Offered) => (host, &Trust::Any),
        (Door::Tcp { host, .. }, Security::Always(trust)) => (host, trust),
    };
    let failed = |why: String| StoreError::Connection(format!("{}: {why}", login.door));
    if !greeting.tls {
        return Err(failed("the server does not speak TLS, and ssl-mode demands it".to_owned()));
    }
    let capabilities = OFFERED | TLS;
    wire.send(&head(capabilities)).await.map_err(|error| refused(&error, login))?;
    let sequence = wire.sequence();
    let stream: Stream = wire.into_stream().map_err(|error| refused(&error, login))?;
    let stream =
        stream.start_tls(&gate.tls(host, trust)?).await.map_err(|error| failed(error.to_string()))?;
    Ok((capabilities, Wire::resume(stream, sequence)))
}

/// The part of the response that is also the request for TLS.
fn head(capabilities: u32) -> Vec<u8> {
    let mut bytes = capabilities.to_le_bytes().to_vec();
    bytes.extend(0x00ff_ffff_u32.to_le_bytes());
    bytes.push(CHARSET);
    bytes.extend([0; 23]);
    bytes
}

fn response(
    capabilities: u32,
    login: &Login,
    exchange: &Exchange<'_>,
    greeting: &Greeting,
) -> Result<Vec<u8>, StoreError> {
    let mut bytes = head(capabilities);
    bytes.extend(login.user.as_deref().unwrap_or_default().as_bytes());
    bytes.push(0);
    // What is not known is answered with nothing: the server then proposes another one.
    let proof = exchange.first_proof(&greeting.plugin, &greeting.challenge);
    bytes.push(u8::try_from(proof.len()).unwrap_or_default());
    bytes.extend(proof);
    bytes.extend(&greeting.plugin);
    bytes.push(0);
    Ok(bytes)
}

/// The part of a login that shows the password.
struct Exchange<'l> {
    login: &'l Login,
    /// Nobody can listen.
    safe: bool,
}

impl Exchange<'_> {
    fn password(&self) -> &[u8] {
        self.login.password.as_ref().map(|password| password.reveal().as_bytes()).unwrap_or_default()
    }

    /// What shows the password without telling it; nothing for other methods.
    fn first_proof(&self, plugin: &[u8], challenge: &[u8]) -> Vec<u8> {
        match plugin {
            _ if self.password().is_empty() => Vec::new(),
            b"mysql_native_password" => native(self.password(), challenge),
            b"caching_sha2_password" => caching(self.password(), challenge),
            _ => Vec::new(),
        }
    }

    fn denied(&self, why: &str) -> StoreError {
        StoreError::Denied(format!("{}: {why}", self.login.door))
    }

    async fn finish(&self, wire: &mut Wire, mut plugin: Vec<u8>) -> Result<(), StoreError> {
        let refused = |error: WireError| refused(&error, self.login);
        for _ in 0..STEPS {
            let packet = wire.receive().await.map_err(refused)?.to_vec();
            let answer = match packet.as_slice() {
                [0, ..] => return Ok(()),
                [0xfe] => return Err(self.denied("the account has a password from before MySQL 4.1")),
                [0xfe, rest @ ..] => {
                    let mut fields = Fields(rest);
                    plugin = fields.until_zero().to_vec();
                    self.switched(&plugin, fields.0.strip_suffix(&[0]).unwrap_or(fields.0))?
                }
                // The server knows the password by its digest: what follows is OK.
                [1, 3] => continue,
                [1, 4] if plugin == b"caching_sha2_password" => self.clear("caching_sha2_password")?,
                _ => return Err(foreign(self.login)),
            };
            wire.send(&answer).await.map_err(refused)?;
        }
        Err(foreign(self.login))
    }

    /// The answer to a server that wants another method than the one it proposed first.
    fn switched(&self, plugin: &[u8], challenge: &[u8]) -> Result<Vec<u8>, StoreError> {
        match plugin {
            b"mysql_native_password" | b"caching_sha2_password" => Ok(self.first_proof(plugin, challenge)),
            b"sha256_password" => self.clear("sha256_password"),
            // Whoever stands in between could ask for it, so the certificate must be believed.
            b"mysql_clear_password" if self.is_believed() => self.clear("mysql_clear_password"),
            other => {
                let name = excerpt(other);
                Err(self.denied(&format!("the account's way of logging in, {name}, is not supported")))
            }
        }
    }

    fn is_believed(&self) -> bool {
        let verified = matches!(self.login.security, Security::Always(Trust::Issuer(_) | Trust::Host(_)));
        matches!(self.login.door, Door::Socket(_)) || self.safe && verified
    }

    /// The password itself.
    fn clear(&self, plugin: &str) -> Result<Vec<u8>, StoreError> {
        if !self.safe {
            return Err(
                self.denied(&format!("{plugin} wants the password itself, which takes TLS (ssl-mode)"))
            );
        }
        Ok([self.password(), &[0]].concat())
    }
}

/// SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password))).
fn native(password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    let mixed = Sha1::new().chain_update(challenge).chain_update(twice).finalize();
    once.iter().zip(mixed).map(|(left, right)| left ^ right).collect()
}

/// SHA256(password) XOR SHA256(SHA256(SHA256(password)) + challenge).
fn caching(password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let mixed = Sha256::new().chain_update(twice).chain_update(challenge).finalize();
    once.iter().zip(mixed).map(|(left, right)| left ^ right).collect()
}

/// Why a login failed. Numbers: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
fn refused(error: &WireError, login: &Login) -> StoreError {
    let who = format!("{}, user {}", login.door, login.user.as_deref().unwrap_or_default());
    match error {
        WireError::Server(1045 | 1698 | 1044 | 1251) if login.password.is_none() => {
            StoreError::Denied(format!("{who}: refused without a password (MYSQL_PWD, or ~/.my.cnf)"))
        }
        WireError::Server(1045 | 1698 | 1044 | 1251) => {
            StoreError::Denied(format!("{who}: the login is refused"))
        }
        WireError::Server(1130 | 1129) => {
            StoreError::Denied(format!("{who}: the server lets nobody in from this address"))
        }
        WireError::Server(1040 | 1203 | 1226) => {
            StoreError::Connection(format!("{who}: too many connections"))
        }
        WireError::Server(3159) => StoreError::Denied(format!("{who}: the server demands TLS (ssl-mode)")),
        WireError::Server(code) => StoreError::Connection(format!("{who}: refused (error {code})")),
        WireError::Io(error) => StoreError::Connection(format!("{who}: {error}")),
        WireError::Malformed(what) => StoreError::Answer(format!("{who}: {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a MariaDB 10.11: <https://mariadb.com/kb/en/connection/>.
    fn greeting() -> Vec<u8> {
        let mut bytes =
            b"\x0a5.5.5-10.11.6-MariaDB\0\x01\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15".to_vec();
        bytes.extend([0; 10]);
        bytes.extend(b"ijklmnopqrst\0mysql_native_password\0");
        bytes
    }

    #[test]
    fn a_greeting_is_taken_apart() {
        let found = Greeting::parse(&greeting()).unwrap();
        assert!(found.mariadb && found.tls);
        assert_eq!((found.plugin.as_slice(), found.challenge.len()), (&b"mysql_native_password"[..], 20));
        assert_eq!(Greeting::parse(b"\x09"), None);
        assert_eq!(Greeting::parse(b"SSH-2.0-OpenSSH_9.2\r\n"), None);
    }

    #[test]
    fn proofs_are_those_of_the_vendor() {
        // The server checks SHA1(proof XOR SHA1(challenge + stored)) against what it stored: SHA1(SHA1(password)).
        let (password, challenge) = (b"lab-secret", b"abcdefghijklmnopqrst");
        let stored = Sha1::digest(Sha1::digest(password));
        let mask = Sha1::new().chain_update(challenge).chain_update(stored).finalize();
        let once: Vec<u8> =
            native(password, challenge).iter().zip(mask).map(|(left, right)| left ^ right).collect();
        assert_eq!(Sha1::digest(once), stored);
        let stored = Sha256::digest(Sha256::digest(password));
        let mask = Sha256::new().chain_update(stored).chain_update(challenge).finalize();
        let once: Vec<u8> =
            caching(password, challenge).iter().zip(mask).map(|(left, right)| left ^ right).collect();
        assert_eq!(Sha256::digest(once), stored);
    }

    proptest::proptest! {
        #[test]
        fn any_greeting_is_taken_apart_without_panic(bytes: Vec<u8>, cut in 0..100usize) {
            let _ = Greeting::parse(&bytes);
            let whole = greeting();
            let _ = Greeting::parse(&whole[..cut.min(whole.len())]);
        }
    }
}
