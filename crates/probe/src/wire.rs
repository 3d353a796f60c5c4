//! Reading numbers of fixed width from bytes that may be too short.

/// The `N` bytes at `at`, when they are there.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
