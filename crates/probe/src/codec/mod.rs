//! Encodings that services stand on and that are protocols of their own. Pure: bytes in, facts out.

pub(crate) mod netbios;
pub(crate) mod nfs;
pub(crate) mod ntlm;
pub(crate) mod onc_rpc;
pub(crate) mod smb2;
pub(crate) mod srvsvc;
