//! A server of the test's own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::builder::{ADMIN, RedisServerBuilder};
use crate::ports::free_port;
use crate::process::Process;
use crate::resp::{Reply, RespClient};
use crate::tls::Certificates;

/// A machine that is busy with other tests takes its time.
const START: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(2);

/// A `redis-server` on a loopback port and in a directory of its own, which ends with this handle or with the test's process.
///
/// It persists nothing unless configured to. All methods may be called from any thread. Those that change its state return when it has
/// changed.
pub struct RedisServer {
    settings: RedisServerBuilder,
    certificates: Option<Certificates>,
    port: u16,
    /// Before the directory, which must outlive it.
    process: Mutex<Option<Process>>,
    dir: TempDir,
}

/// Why a process isn't a server.
enum Refused {
    PortTaken,
    Otherwise(String),
}

impl RedisServer {
    /// Starts a server with Redis' own defaults, but without persistence.
    ///
    /// # Panics
    ///
    /// See [`RedisServerBuilder::start`].
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// The settings of a server to be started.
    pub fn builder() -> RedisServerBuilder {
        RedisServerBuilder::new()
    }

    #[track_caller]
    pub(crate) fn launch(settings: RedisServerBuilder) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("redis-")
            .tempdir()
            .expect("a temporary directory");
        let certificates = settings.certificates();
        let mut port = settings.port.unwrap_or_else(free_port);
        let begin = Instant::now();
        loop {
            match run(&settings, certificates.as_ref(), dir.path(), port) {
                Ok(process) => {
                    return Self {
                        settings,
                        certificates,
                        port,
                        process: Mutex::new(Some(process)),
                        dir,
                    };
                }
                Err(Refused::PortTaken) if begin.elapsed() < START => port = free_port(),
                Err(refused) => panic!("{}", refused.message()),
            }
        }
    }

    /// `redis://127.0.0.1:port`, or `rediss://` for a server with TLS, with the password if there is one.
    pub fn url(&self) -> String {
        self.url_at(
            "127.0.0.1",
            self.port,
            "",
            self.settings.password.as_deref(),
        )
    }

    /// [`url`](Self::url) for this user, who may not exist.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        self.url_at("127.0.0.1", self.port, user, Some(password))
    }

    /// [`url`](Self::url) with another host and port: `localhost`, or those of a proxy.
    pub fn url_via(&self, host: &str, port: u16) -> String {
        self.url_at(host, port, "", self.settings.password.as_deref())
    }

    fn url_at(&self, host: &str, port: u16, user: &str, password: Option<&str>) -> String {
        let scheme = if self.certificates.is_some() {
            "rediss"
        } else {
            "redis"
        };
        let login = password.map(|password| format!("{}:{}@", escaped(user), escaped(password)));
        format!("{scheme}://{}{host}:{port}", login.unwrap_or_default())
    }

    /// The port, which stays the same when the server is restarted.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// 127.0.0.1 and the port.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The directory that it runs in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The certificate of the authority that its clients are to trust, as PEM.
    ///
    /// # Panics
    ///
    /// Without TLS.
    #[track_caller]
    pub fn ca_pem(&self) -> &str {
        &self.certificates.as_ref().expect("a server with TLS").ca
    }

    /// What it has written to its log since it was first started.
    pub fn log(&self) -> String {
        log(self.dir.path())
    }

    /// The id of its process.
    ///
    /// # Panics
    ///
    /// If it isn't running.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.with_process(|process| Ok(process.id()))
    }

    /// Whether its process is there, paused or not.
    pub fn is_running(&self) -> bool {
        self.process()
            .as_mut()
            .is_some_and(|process| !process.has_ended())
    }

    /// Stops its process, as a debugger would. The kernel goes on accepting connections and data for it. Returns when it stands still.
    ///
    /// # Panics
    ///
    /// If it isn't running.
    #[track_caller]
    pub fn pause(&self) {
        self.with_process(|process| process.pause());
    }

    /// Lets it go on with what has arrived meanwhile.
    ///
    /// # Panics
    ///
    /// If it isn't running.
    #[track_caller]
    pub fn resume(&self) {
        self.with_process(|process| process.resume());
    }

    /// Kills it, paused or not, and returns when it is gone: its connections are closed and new ones refused.
    pub fn kill(&self) {
        self.process().take();
    }

    /// Lets it end in its own way, without saving, and returns when it is gone. One that doesn't within ten seconds is killed.
    pub fn stop(&self) {
        let mut process = self.process();
        if let Some(running) = process.as_mut() {
            let _ = running.resume();
            // It answers with the end of the connection.
            let _ = self
                .connect()
                .and_then(|mut client| client.command(&["SHUTDOWN", "NOSAVE", "NOW", "FORCE"]));
            let begin = Instant::now();
            while !running.has_ended() && begin.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(STEP);
            }
        }
        process.take();
    }

    /// Kills it if it runs, and starts it again with the same settings on the same port: empty, unless it was configured to persist.
    ///
    /// # Panics
    ///
    /// If it doesn't start within 30 seconds, perhaps because another process has taken the port meanwhile; with its log.
    #[track_caller]
    pub fn restart(&self) {
        let mut process = self.process();
        process.take();
        let begin = Instant::now();
        loop {
            match run(
                &self.settings,
                self.certificates.as_ref(),
                self.dir.path(),
                self.port,
            ) {
                Ok(started) => {
                    *process = Some(started);
                    return;
                }
                Err(Refused::PortTaken) if begin.elapsed() < START => std::thread::sleep(STEP),
                Err(refused) => {
                    // Not while it is held: the next call should tell its own trouble.
                    drop(process);
                    panic!("{}", refused.message());
                }
            }
        }
    }

    /// Runs a command on a new connection, behind the back of what is tested. An error of the server is a [`Reply::Error`].
    ///
    /// It may do everything: the connection is that of a user `test-support`, and a socket in the file system, so neither passwords, rules,
    /// `CLIENT KILL TYPE normal` before it nor the proxy and TLS are in its way.
    ///
    /// # Panics
    ///
    /// If there is no answer within ten seconds, as from a server that is paused or killed.
    #[track_caller]
    pub fn command<A: AsRef<[u8]>>(&self, words: &[A]) -> Reply {
        let reply = self.connect().and_then(|mut client| client.command(words));
        reply.unwrap_or_else(|error| panic!("no answer from the server: {error}\n{}", self.log()))
    }

    /// A connection like that of [`command`](Self::command), for several commands.
    ///
    /// # Errors
    ///
    /// The connection's; a server that is paused or killed.
    pub fn connect(&self) -> io::Result<RespClient> {
        connect(self.dir.path())
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    #[track_caller]
    fn with_process<T>(&self, act: impl FnOnce(&mut Process) -> io::Result<T>) -> T {
        let result = self.process().as_mut().map(act);
        let result = result.expect("the server isn't running");
        result.unwrap_or_else(|error| panic!("the server's process: {error}\n{}", self.log()))
    }
}

impl Refused {
    fn message(self) -> String {
        match self {
            Refused::PortTaken => "no port could be had".to_owned(),
            Refused::Otherwise(message) => message,
        }
    }
}

/// Starts a process and waits until it answers.
fn run(
    settings: &RedisServerBuilder,
    certificates: Option<&Certificates>,
    dir: &Path,
    port: u16,
) -> Result<Process, Refused> {
    let failed = |what: String| Refused::Otherwise(format!("{what}\n{}", log(dir)));
    settings
        .write(dir, port, certificates)
        .map_err(|error| failed(format!("redis.conf: {error}")))?;
    let written = log(dir).len();
    let mut process = Process::spawn(&settings.binary, dir, &settings.env).map_err(|error| {
        match error.kind() {
            io::ErrorKind::NotFound => Refused::Otherwise(format!(
                "`{}` isn't there: run scripts/prepare.sh, or `apt-get install redis-server`",
                settings.binary
            )),
            _ => failed(format!("`{}`: {error}", settings.binary)),
        }
    })?;
    let begin = Instant::now();
    // It opens the socket after the port. So who answers here has the port, and is no other server that was faster there.
    while !answers(dir) {
        if process.has_ended() {
            let taken = log(dir)
                .get(written..)
                .is_some_and(|log| log.contains("Address already in use"));
            return Err(if taken {
                Refused::PortTaken
            } else {
                failed("the server ended at once".to_owned())
            });
        }
        if begin.elapsed() > START {
            return Err(failed(format!("the server doesn't answer after {START:?}")));
        }
        std::thread::sleep(STEP);
    }
    Ok(process)
}

/// Whether it has loaded what it persisted, too.
fn answers(dir: &Path) -> bool {
    connect(dir)
        .and_then(|mut client| client.command(&["PING"]))
        .is_ok_and(|reply| reply == Reply::Status("PONG".to_owned()))
}

fn connect(dir: &Path) -> io::Result<RespClient> {
    let mut client = RespClient::connect_local(&dir.join("socket"))?;
    let [admin, secret] = ADMIN;
    match client.command(&["AUTH", admin, secret])? {
        Reply::Error(error) => Err(io::Error::other(error)),
        _ => Ok(client),
    }
}

fn log(dir: &Path) -> String {
    std::fs::read(dir.join("log"))
        .map(|log| String::from_utf8_lossy(&log).into_owned())
        .unwrap_or_default()
}

/// For the place of a user or password in a URL.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
