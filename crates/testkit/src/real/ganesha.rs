//! NFS-Ganesha, an NFS server outside of the kernel; and NFS 3 by another implementation.

use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};

use super::lab::folder;
use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child, run};

/// Every state.
pub(super) const STATES: &[State] =
    &[OPEN, SYSONLY, OWNER, PRIVILEGED, PROTECTED, KERBEROS, THREE, OTHER_THREE];

/// What its states have in common.
const GANESHA: State = State { everywhere: true, ready, ..State::PLAIN };

/// Everyone may read, as anybody or as nobody.
const OPEN: State = State {
    name: "nfs-ganesha-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "4", "SecType = sys,none; CLIENT { Clients = *; Access_Type = RO; }"),
    ..GANESHA
};

/// Everyone may read who says who he is.
const SYSONLY: State = State {
    name: "nfs-ganesha-sysonly",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "4", "SecType = sys; CLIENT { Clients = *; Access_Type = RO; }"),
    ..GANESHA
};

/// Only the owner of the folder may read it, and everyone may say that he is the owner.
const OWNER: State = State {
    name: "nfs-ganesha-owner",
    expect: &[("main", "OPEN")],
    start: |launch| {
        let children = start(launch, "4", "SecType = sys; CLIENT { Clients = *; Access_Type = RW; }")?;
        let export = launch.data.join("export");
        let failed = || Error::io("give the export to its owner");
        chown(&export, Some(4242), Some(4242)).map_err(failed())?;
        std::fs::set_permissions(&export, std::fs::Permissions::from_mode(0o700)).map_err(failed())?;
        Ok(children)
    },
    ..GANESHA
};

/// Everyone may read who comes from a port below 1024, as root can everywhere.
const PRIVILEGED: State = State {
    name: "nfs-ganesha-privileged",
    expect: &[("main", "OPEN")],
    start: |launch| {
        let rules = "SecType = sys; PrivilegedPort = true; CLIENT { Clients = *; Access_Type = RO; }";
        start(launch, "4", rules)
    },
    ..GANESHA
};

/// The export is for another address; to all others it is invisible.
const PROTECTED: State = State {
    name: "nfs-ganesha-protected",
    expect: &[("main", "NETWORK_RESTRICTED|UNKNOWN")],
    start: |launch| {
        start(launch, "4", "SecType = sys,none; CLIENT { Clients = 192.0.2.9; Access_Type = RO; }")
    },
    ..GANESHA
};

/// A proven identity is demanded.
const KERBEROS: State = State {
    name: "nfs-ganesha-kerberos",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "4", "SecType = krb5; CLIENT { Clients = *; Access_Type = RO; }"),
    ..GANESHA
};

/// NFS 3 and 4 with the mount service and the portmapper, each at its own port.
const THREE: State = State {
    name: "nfs-ganesha-v3",
    ports: &[("main", 0), ("mount", 1)],
    expect: &[("main", "OPEN"), ("mount", "OPEN")],
    alone: true,
    start: |launch| start(launch, "3,4", "SecType = sys; CLIENT { Clients = *; Access_Type = RO; }"),
    ..GANESHA
};

/// go-nfs: NFS 3 and the mount service at one port, one export and no list of exports.
const OTHER_THREE: State = State {
    name: "nfs3-open",
    expect: &[("main", "OPEN")],
    rare: true,
    start: |launch| {
        let program = folder("nfs3")?.join("nfs3").display().to_string();
        let mut command = launch.command(Account::Nobody, &program)?;
        command.arg(launch.address(0).to_string());
        Ok(vec![launch.spawn(command)?])
    },
    ready: replies,
    ..State::PLAIN
};

/// What the server and the portmapper write below /run is theirs alone.
const ALONE: &str = r#"mount -t tmpfs tmpfs /run; mkdir /run/ganesha; exec "$0" "$@""#;
/// NFS 3 is announced to the portmapper, which takes this only when it is told to (`-i`).
const WITH_PORTMAPPER: &str = r#"mount -t tmpfs tmpfs /run; mkdir /run/ganesha; rpcbind -i; exec "$0" "$@""#;
/// The server looks its own address up as a name is: it finds none where there is nothing but loopback, and listens
/// everywhere where only one family has more. So a namespace has these until the server runs, and it runs nowhere else.
const PASSING: [&str; 2] = ["198.51.100.9/32", "2001:db8::9/64"];

fn passing(launch: &Launch, verb: &str) -> Result<(), Error> {
    for address in PASSING {
        let mut command = launch.command(Account::Root, "ip")?;
        command.args(["address", verb, address, "dev", "lo"]);
        // It is there already, or gone already.
        let _ = run(command, "");
    }
    Ok(())
}

fn ready(launch: &Launch) -> io::Result<()> {
    replies(launch)?;
    passing(launch, "del").map_err(io::Error::other)
}

/// Waits until RPC is answered.
fn replies(launch: &Launch) -> io::Result<()> {
    let holds = |answer: &[u8]| answer.get(4..8) == Some(b"lab1");
    // A whole record: call, version 2, program, its version 4, NULL, nobody.
    let null = [b"\x80\0\0\x28lab1\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x04".as_slice(), &[0; 20]].concat();
    let answer = launch.talk(&null, holds)?;
    expect("a reply to NULL", &answer, holds(&answer))
}

fn start(launch: &Launch, protocols: &str, rules: &str) -> Result<Vec<Child>, Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NeedsRoot("ganesha.nfsd".into()));
    }
    let export = launch.folder("export", Account::Root)?;
    launch.write("export/hello.txt", "hello\n")?;
    let recovery = launch.folder("recovery", Account::Root)?;
    let mount = launch.ports.get(1).copied().unwrap_or_else(|| launch.port(0));
    let config = format!(
        "NFS_CORE_PARAM {{ Bind_addr = {}; NFS_Port = {}; MNT_Port = {mount}; Protocols = {protocols};\n\
         Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = false; }}\n\
         NFSV4 {{ RecoveryRoot = \"{}\"; Grace_Period = 1; Lease_Lifetime = 5; Only_Numeric_Owners = true; }}\n\
         NFS_KRB5 {{ Active_krb5 = false; }}\nLOG {{ Default_Log_Level = WARN; }}\n\
         EXPORT {{ Export_Id = 1; Path = \"{}\"; Pseudo = /lab; Access_Type = NONE; Protocols = {protocols};\n\
         Transports = TCP; Squash = root_squash; {rules} FSAL {{ Name = VFS; }} }}\n",
        launch.place.bind,
        launch.port(0),
        recovery.display(),
        export.display(),
    );
    let config = launch.write("ganesha.conf", &config)?;
    passing(launch, "add")?;
    // In a name space of process ids, so that the portmapper ends with it.
    let mut command = launch.command(Account::Root, "unshare")?;
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec"]);
    command.arg(if protocols.contains('3') { WITH_PORTMAPPER } else { ALONE }).arg("ganesha.nfsd");
    command.args(["-F", "-L", "/dev/stdout", "-f"]).arg(config).arg("-p").arg(launch.data.join("pid"));
    Ok(vec![launch.spawn(command)?])
}
