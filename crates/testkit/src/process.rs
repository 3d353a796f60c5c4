//! Starts, watches and ends the processes of a test.
//!
//! Every process gets a group of its own, writes to a log file, and dies with the test run however that ends:
//! normally by [`Child`]'s drop, else by the kernel (`setpriv --pdeathsig KILL`).

use std::fmt;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, User, geteuid};

/// Where the servers' programs are looked up. Fixed, so that a developer's own tools do not stand in for
/// them.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(3);
/// How often a condition is looked at again.
const INTERVAL: Duration = Duration::from_millis(20);

/// Why a server or a namespace could not be had, in words that say what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No state of that name.
    UnknownState(String),
    /// A program or a Java artifact is missing.
    NotInstalled(String),
    /// The place would be reachable from outside, or the state makes no sense there.
    WrongPlace(String),
    /// Only root may do it.
    NeedsRoot(String),
    /// A helper command failed.
    Command {
        /// As it was run.
        command: String,
        /// Both of its streams.
        output: String,
    },
    /// The server ended before it was ready.
    Exited {
        /// The state's name.
        state: String,
        /// Exit code or signal.
        how: String,
        /// The end of its log.
        log: String,
    },
    /// The server did not come up in time.
    NotReady {
        /// The state's name.
        state: String,
        /// How long it was waited for.
        seconds: u64,
        /// What it answered last.
        reason: String,
        /// The end of its log.
        log: String,
    },
    /// A certificate could not be made.
    Certificate(String),
    /// The operating system refused.
    Io {
        /// Completes "could not ...".
        doing: String,
        /// The system's own words.
        source: io::Error,
    },
}

impl Error {
    /// Makes an error of an I/O failure; `doing` completes "could not ...".
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownState(name) => {
                write!(f, "no state is called `{name}`: see states() for those that are")
            }
            Self::NotInstalled(what) => {
                write!(f, "{what} is not installed: run scripts/install-test-servers.sh")
            }
            Self::WrongPlace(why) => write!(f, "{why}"),
            Self::NeedsRoot(what) => write!(f, "{what} needs root: run the tests as root"),
            Self::Command { command, output } => write!(f, "`{command}` failed:\n{output}"),
            Self::Exited { state, how, log } => {
                write!(f, "{state} ended ({how}) before it was ready; its log ends with:\n{log}")
            }
            Self::NotReady { state, seconds, reason, log } => {
                write!(f, "{state} was not ready after {seconds} s: {reason}; its log ends with:\n{log}")
            }
            Self::Certificate(why) => write!(f, "could not make a certificate: {why}"),
            Self::Io { doing, source } => write!(f, "could not {doing}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// As whom a program runs when the tests run as root; for anyone else it runs as that person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Stay root: only what cannot do without.
    Root,
    /// The user without rights, so that an open server does not open this machine.
    Nobody,
    /// The user that a package made for its server.
    Named(&'static str),
}

impl Account {
    /// The ids to change to; `None` where nothing is to be changed.
    ///
    /// # Errors
    /// The account does not exist, so its package is missing.
    pub fn ids(self) -> Result<Option<(u32, u32)>, Error> {
        let name = match self {
            _ if !geteuid().is_root() => return Ok(None),
            Self::Root => return Ok(None),
            Self::Nobody => "nobody",
            Self::Named(name) => name,
        };
        match User::from_name(name) {
            Ok(Some(user)) => Ok(Some((user.uid.as_raw(), user.gid.as_raw()))),
            _ => Err(Error::NotInstalled(format!("the server that brings the account `{name}`"))),
        }
    }
}

/// A command that runs `program` in the namespace `netns`, as `account`, with a clean environment, and that
/// the kernel ends when the thread that started it ends.
///
/// # Errors
/// The program or the account is missing.
pub fn command(netns: Option<&str>, account: Account, program: &str) -> Result<Command, Error> {
    let program = find(program)?;
    let mut command = match netns {
        Some(name) => {
            // Not `ip netns exec`: that also mounts a new /sys, without the control groups that dockerd
            // needs.
            let mut command = Command::new("nsenter");
            command.args([&format!("--net=/run/netns/{name}"), "setpriv"]);
            command
        }
        None => Command::new("setpriv"),
    };
    if let Some((user, group)) = account.ids()? {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()]);
    }
    // setpriv sets the signal after the ids: a change of user clears it.
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command.env_clear().env("PATH", PATH).env("LANG", "C.UTF-8").stdin(Stdio::null());
    Ok(command)
}

/// The file of a program.
///
/// # Errors
/// It is nowhere on the path.
pub fn find(program: &str) -> Result<PathBuf, Error> {
    let folders = PATH.split(':').map(Path::new);
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    found.ok_or_else(|| Error::NotInstalled(format!("the program {program}")))
}

/// Runs a helper command to its end, hands it `input`, and returns what it printed.
///
/// # Errors
/// It could not be started or did not succeed; the error holds its output.
pub fn run(mut command: Command, input: &str) -> Result<String, Error> {
    let shown = format!("{command:?}");
    let failed = || Error::io(format!("run {shown}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed())?;
    if let Some(mut pipe) = child.stdin.take() {
        // A helper that does not read its input says by its exit code whether that was right.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(Error::Command { command: shown, output: text + &String::from_utf8_lossy(&output.stderr) })
}

/// A server's process and its group. Dropping it ends both.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    group: Pid,
    goodbye: Signal,
}

impl Child {
    /// Starts a command made by [`command`]; what it prints is added to the file `log`.
    ///
    /// # Errors
    /// The log cannot be opened or the program not be started.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self, Error> {
        let doing = format!("start {command:?}");
        let failed = || Error::io(doing.clone());
        let output = File::options().create(true).append(true).open(log).map_err(failed())?;
        command.stdout(output.try_clone().map_err(failed())?).stderr(output).process_group(0);
        let process = spawn_from_lasting_thread(command).map_err(failed())?;
        let group = Pid::from_raw(i32::try_from(process.id()).unwrap_or(i32::MAX));
        Ok(Self { process, group, goodbye: Signal::SIGTERM })
    }

    /// Says which signal makes this server end at once, where SIGTERM makes it wait for its clients.
    #[must_use]
    pub fn ended_by(mut self, goodbye: Signal) -> Self {
        self.goodbye = goodbye;
        self
    }

    /// The process id, which is also its group's.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How the process ended; `None` while it runs.
    #[must_use]
    pub fn exited(&self) -> Option<String> {
        // Not reaped (WNOWAIT): as long as it is not, its id cannot come to belong to another process.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.group), flags) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => None,
            Ok(WaitStatus::Exited(_, code)) => Some(format!("exit code {code}")),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(format!("signal {signal}")),
            Ok(other) => Some(format!("{other:?}")),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = killpg(self.group, self.goodbye);
        let deadline = Instant::now() + GRACE;
        while self.exited().is_none() && Instant::now() < deadline {
            std::thread::sleep(INTERVAL);
        }
        // Also when the first of the group has ended well: it may have left others behind.
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

/// Looks at a condition until it holds; `Err` says why it does not yet. Returns the last reason when time
/// is up.
///
/// # Errors
/// The condition did not hold before the deadline.
pub fn poll(deadline: Instant, mut condition: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match condition() {
            Err(reason) if Instant::now() >= deadline => return Err(reason),
            Err(_) => std::thread::sleep(INTERVAL),
            Ok(()) => return Ok(()),
        }
    }
}

/// The end of a log, for error messages.
#[must_use]
pub fn last_lines(log: &Path, count: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

/// What the lasting thread is asked: a command, and where to send the process.
type Order = (Command, Sender<io::Result<std::process::Child>>);

/// Starts a process from a thread that lives as long as the program.
///
/// The parent of the parent-death signal is a thread, not a process: a server that a test thread starts and
/// keeps in a static, for other tests to use, would be killed with the thread of that one test.
fn spawn_from_lasting_thread(command: Command) -> io::Result<std::process::Child> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let gone = || io::Error::other("the thread that starts processes has ended");
    let orders = ORDERS.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let (answer, process) = channel();
    orders.send((command, answer)).map_err(|_| gone())?;
    process.recv().map_err(|_| gone())?
}
