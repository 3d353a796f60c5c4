//! The key of the sketches by which people are counted. Who has a sketch and not the key learns nothing of whose data was
//! counted; so the key lies beside the inventory and never in it, for its owner alone.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use model::Secret;
use rustls::crypto::CryptoProvider;

use crate::cmd::Failure;

/// Length of the key: that of SipHash.
pub(crate) const LENGTH: usize = 16;

/// A key that is forgotten after the run: its sketches can be compared with nothing later.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn of_one_run(provider: &CryptoProvider) -> Result<Secret<[u8; LENGTH]>, Failure> {
    let mut key = [0; LENGTH];
    provider
        .secure_random
        .fill(&mut key)
        .map_err(|_| miette::miette!("the system gives no random bytes for a key"))?;
    Ok(Secret::new(key))
}

/// Reads the key file, or makes it.
///
/// # Errors
/// When it cannot be read or made, is no key, or can be read by others.
pub(crate) fn load(path: &Path, provider: &CryptoProvider) -> Result<Secret<[u8; LENGTH]>, Failure> {
    let shown = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
            if mode & 0o077 != 0 {
                return Err(miette::miette!(
                    help = "chmod 600 it, and delete it if somebody may have read it: people are then counted anew",
                    "others can read the key file `{shown}`"
                ));
            }
            parse(&text).ok_or_else(|| {
                miette::miette!(
                    help = "delete it, and the next run makes a new one",
                    "`{shown}` is no key file: it holds 32 hexadecimal digits"
                )
            })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(path, &of_one_run(provider)?)
                .map_err(|error| miette::miette!("cannot make the key file `{shown}`: {error}"))?;
            load(path, provider)
        }
        Err(error) => Err(miette::miette!("cannot read the key file `{shown}`: {error}")),
    }
}

fn parse(text: &str) -> Option<Secret<[u8; LENGTH]>> {
    let text = text.trim_end();
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 2 * LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| Secret::new(number.to_be_bytes()))
}

/// Written aside and linked into place, so that a second program never reads half a key, and the first one wins.
fn create(path: &Path, key: &Secret<[u8; LENGTH]>) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    writeln!(file, "{:032x}", u128::from_be_bytes(*key.reveal()))?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> CryptoProvider {
        rustls::crypto::ring::default_provider()
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/key");
        let first = load(&path, &provider()).unwrap();
        assert_eq!(load(&path, &provider()).unwrap(), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_or_not_private_is_refused_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for text in ["", "123", "+0112233445566778899aabbccddeeff", "0011223344556677 8899aabbccddeeff"] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(load(&path, &provider()).unwrap_err().to_string().contains("is no key file"), "{text}");
        }
        std::fs::write(&path, "00112233445566778899aabbccddeeff\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(&path, &provider()).unwrap_err().to_string().contains("others can read"));
    }
}
