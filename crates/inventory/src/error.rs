//! Why the inventory cannot be used.

use std::path::PathBuf;

use thiserror::Error;

/// An inventory that cannot be opened, read or written, with the remedy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file or its folder cannot be made.
    #[error("cannot create `{}`: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is a SQLite database of something else.
    #[error("`{}` is not an inventory of watertight; name another file with --state", .0.display())]
    Foreign(PathBuf),
    /// The file was written by a newer program.
    #[error("`{}` has schema version {found}, this program knows up to {known}; use a newer watertight", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest version that is known.
        known: i32,
    },
    /// SQLite failed.
    #[error("inventory: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored record cannot be read.
    #[error("inventory: a stored record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
}
