//! Seeds and codes are searched in everything that fobd and fobctl let out: fobd's log, what fobctl
//! prints, what root can capture on the bus during every method, the files of the database, the
//! arguments and the environment of fobctl. Each as it is, in hex, base32 and base64 (threats.md S1, S2, S7).
//!
//! Honest limits: the memory and the core of fobd are another program's matter. Recovery codes and
//! temporary ones stand in what fobctl prints, for that is what it is asked for; they are searched
//! everywhere else.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use fob_api::{BypassOptions, RemoveOptions, VerifyContext, proxy::FobProxy};
use totp_rs::Secret;
use zbus::{connection::Builder, proxy::CacheProperties};

use super::{Call, Report, capture::Capture, failed, go_on};
use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
    soft_token::SoftToken,
};

/// Users whom every Debian has (base-passwd).
const USER: &str = "daemon";
const OTHER: &str = "bin";
/// Their uid on every Debian.
const USER_ID: u32 = 1;
/// Digits of a code: eight are nothing else by chance.
const DIGITS: u8 = 8;
/// How long fobctl may take to run.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something that must not be found.
struct Hidden {
    what: String,
    bytes: Vec<u8>,
}

/// What the run has used.
#[derive(Default)]
struct Secrets {
    /// Nowhere.
    seeds: Vec<Hidden>,
    /// Nowhere but in a user's own calls over the bus.
    codes: Vec<Hidden>,
    /// The same, and what fobctl prints.
    recovery: Vec<Hidden>,
}

/// A token with a button, whose codes are remembered.
struct Hand {
    token: SoftToken,
    next: u64,
}

impl Hand {
    fn press(&mut self, secrets: &mut Secrets) -> String {
        let code = self.token.code_of(self.next);
        secrets.codes.push(Hidden {
            what: format!("code {} of {}", self.next, self.token.serial()),
            bytes: code.clone().into_bytes(),
        });
        self.next += 1;
        code
    }

    fn pair(&mut self, secrets: &mut Secrets) -> [String; 2] {
        [self.press(secrets), self.press(secrets)]
    }
}

/// Everything that runs.
struct Scene {
    ground: Ground,
    bus: PrivateBus,
    daemon: Daemon,
    capture: Capture,
    fobctl: PathBuf,
    /// What fobctl printed.
    printed: Vec<u8>,
    /// What everybody may see of a running fobctl (proc_pid_cmdline(5)), and its environment.
    seen: Vec<u8>,
    hands: Vec<Hand>,
    secrets: Secrets,
}

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let programs = ["bwrap", "dbus-daemon", "dbus-monitor"].map(Need::Program);
    let needs: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
    if !needs::met(&needs) {
        return Err(Failure::new("this program needs root, bubblewrap and dbus-monitor."));
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build().map_err(failed)?.block_on(all(call.count))
}

async fn all(count: u64) -> Result<Report, Failure> {
    let mut scene = Scene::set().await?;
    let mut report =
        Report::new("seeds and codes are searched in log, output, bus and database, four ways");
    scene.by_fobctl()?;
    scene.by_the_own_socket(count).await?;
    scene.without_codes_over_the_bus().await?;
    let silent = scene.capture.bytes(scene.bus.address().as_str()).await?;
    scene.search(&silent, "the bus, while nobody used it for codes", &mut report)?;
    let (sent, own) = scene.users_own_calls().await?;
    let capture = scene.capture.bytes(scene.bus.address().as_str()).await?;
    let later = capture.get(silent.len()..).unwrap_or_default();
    seek(&scene.secrets.seeds, later, "the bus, with a user's own calls", &mut report);
    // The control: what a user sends himself is seen, and once each.
    for code in &own {
        let times = occurrences(later, code.as_bytes());
        match times == sent {
            true => report.good("seen once in the user's own call"),
            false => report.bad("capture", format!("a sent code was seen {times} times")),
        }
    }
    scene.search(scene.daemon.log().join("\n").as_bytes(), "the log of fobd", &mut report)?;
    scene.search_printed(&mut report);
    scene.search(&scene.seen, "arguments and environment of fobctl", &mut report)?;
    for file in files(&scene.ground.path().join("state"))? {
        let bytes = fs::read(&file).map_err(failed)?;
        scene.search(&bytes, &file.display().to_string(), &mut report)?;
    }
    Ok(report)
}

impl Scene {
    async fn set() -> Result<Self, Failure> {
        let ground = Ground::new();
        let bus = PrivateBus::start(ground.path());
        let daemon = Daemon::start(ground.path(), Some(&bus));
        let capture = Capture::start(&bus, &ground)?;
        capture.bytes(bus.address().as_str()).await?;
        let fobctl = ground.program(&needs::built("fobctl"));
        let hands: Vec<Hand> = (0..6)
            .map(|number| SoftToken::with_button(&format!("SECRET-{number}")).digits(DIGITS))
            .map(|token| Hand { token, next: 0 })
            .collect();
        let mut secrets = Secrets::default();
        for hand in &hands {
            let (what, bytes) = (format!("seed of {}", hand.token.serial()), hand.token.seed());
            secrets.seeds.push(Hidden { what, bytes: bytes.to_vec() });
        }
        let (printed, seen) = (Vec::new(), Vec::new());
        Ok(Self { ground, bus, daemon, capture, fobctl, printed, seen, hands, secrets })
    }

    /// Runs fobctl where it finds this fobd; keeps what it prints.
    fn fobctl(&mut self, arguments: &[&str], input: &str) -> Result<(), Failure> {
        let mut child = Command::new("bwrap")
            .args(["--dev-bind", "/", "/", "--tmpfs", "/run", "--dir", "/run/fobd", "--bind"])
            .arg(self.daemon.socket())
            .args(["/run/fobd/bus", "--"])
            .arg(&self.fobctl)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A verb that reads nothing closes it.
            let (first, rest) = input.split_at(input.find('\n').map_or(0, |end| end + 1));
            let _ = stdin.write_all(first.as_bytes());
            if !rest.is_empty() {
                // It waits for the second code now.
                self.seen.extend(arguments_and_environment(&self.fobctl)?);
            }
            let _ = stdin.write_all(rest.as_bytes());
        }
        let output = child.wait_with_output().map_err(failed)?;
        if !arguments.contains(&"recovery") && !arguments.contains(&"bypass") {
            self.printed.extend(&output.stdout);
            self.printed.extend(&output.stderr);
        }
        Ok(())
    }

    /// Every verb of fobctl, in three formats of seed files, with right codes and wrong ones.
    fn by_fobctl(&mut self) -> Result<(), Failure> {
        let file = self.ground.path().join("seeds.csv");
        let lines: String = self.hands.iter().map(|hand| hand.token.oath_line()).collect();
        fs::write(&file, &lines).map_err(failed)?;
        // A damaged file is refused, and the refusal quotes no seed.
        let damaged = self.ground.path().join("damaged.csv");
        fs::write(&damaged, lines.replacen("hotp, 8", "hotp, 80", 1)).map_err(failed)?;
        let [file, damaged] = [file, damaged].map(|path| path.display().to_string());
        self.fobctl(&["import", &damaged], "")?;
        self.fobctl(&["import", "--dry-run", &file], "")?;
        self.fobctl(&["import", &file], "")?;
        let input = |codes: [String; 2]| format!("{}\n{}\n", codes[0], codes[1]);
        let wrong = input([self.hands[1].press(&mut self.secrets), "12345678".to_owned()]);
        self.fobctl(&["assign", USER, "SECRET-0"], &wrong)?;
        let right = input(self.hands[0].pair(&mut self.secrets));
        self.fobctl(&["assign", USER, "SECRET-0"], &right)?;
        let again = input(self.hands[0].pair(&mut self.secrets));
        self.fobctl(&["resync", USER], &again)?;
        self.hands[1].next = 10;
        let next = input(self.hands[1].pair(&mut self.secrets));
        self.fobctl(&["rotate", USER, "SECRET-1"], &next)?;
        for verb in [
            &["list"][..],
            &["list", "--json"],
            &["show", USER],
            &["show", USER, "--json"],
            &["status"],
            &["status", "--json"],
            &["forecast"],
            &["unlock", USER],
            &["recovery", USER],
            &["bypass", USER, "--for", "1h", "--reason", "test"],
            &["forget", "SECRET-5"],
            &["deactivate", USER, "--lost"],
        ] {
            self.fobctl(verb, "")?;
        }
        Ok(())
    }

    /// Every method over fobd's own socket, as root's programs call them.
    async fn by_the_own_socket(&mut self, count: u64) -> Result<(), Failure> {
        let fob = self.daemon.proxy().await;
        let (hands, secrets) = (&mut self.hands, &mut self.secrets);
        let [first, second] = hands[2].pair(secrets);
        let codes = [first.as_str(), second.as_str()];
        fob.assign(USER, "SECRET-2", &codes, Default::default()).await.map_err(failed)?;
        for turn in 0..count {
            go_on()?;
            let code = hands[2].press(secrets);
            for _ in 0..2 {
                fob.verify(USER, &code, VerifyContext::default()).await.map_err(failed)?;
            }
            fob.prompt(USER, VerifyContext::default()).await.map_err(failed)?;
            if turn % 4 == 3 {
                fob.unlock(USER, Default::default()).await.map_err(failed)?;
            }
        }
        let [first, second] = hands[2].pair(secrets);
        let codes = [first.as_str(), second.as_str()];
        fob.resync(USER, &codes, Default::default()).await.map_err(failed)?;
        let codes = fob.new_recovery_codes(USER, &[], Default::default()).await.map_err(failed)?;
        for (number, code) in codes.iter().enumerate() {
            let bytes = code.as_str().as_bytes().to_vec();
            secrets.recovery.push(Hidden { what: format!("recovery code {number}"), bytes });
        }
        let options = BypassOptions {
            seconds: Some(600),
            reason: Some("a test".to_owned()),
            login_uid: None,
        };
        let (code, _) = fob.bypass(USER, options).await.map_err(failed)?;
        let bytes = code.as_str().as_bytes().to_vec();
        secrets.recovery.push(Hidden { what: "temporary code".to_owned(), bytes });
        fob.verify(USER, codes[0].as_str(), VerifyContext::default()).await.map_err(failed)?;
        let [first, second] = hands[3].pair(secrets);
        let codes = [first.as_str(), second.as_str()];
        fob.rotate(USER, "SECRET-3", &codes, Default::default()).await.map_err(failed)?;
        Ok(())
    }

    /// Every method that takes no code, as root, over the bus.
    async fn without_codes_over_the_bus(&mut self) -> Result<(), Failure> {
        let fob = self.over_the_bus().await?;
        let file = File::open(self.ground.path().join("seeds.csv")).map_err(failed)?;
        // Some of them are there already: refused, and that names none.
        let _ = fob.import((&file).into(), "oath-csv", Default::default()).await;
        fob.list("", 100, Default::default()).await.map_err(failed)?;
        fob.show_token("SECRET-3").await.map_err(failed)?;
        fob.show_user(USER).await.map_err(failed)?;
        fob.status().await.map_err(failed)?;
        fob.prompt(USER, VerifyContext::default()).await.map_err(failed)?;
        fob.unlock(USER, Default::default()).await.map_err(failed)?;
        let _ = fob.deactivate(OTHER, RemoveOptions::default()).await;
        fob.forget("SECRET-4", RemoveOptions::default()).await.map_err(failed)
    }

    /// A user's own calls with codes. Returns how often each code was sent, and the codes.
    async fn users_own_calls(&mut self) -> Result<(usize, Vec<String>), Failure> {
        let secrets = &mut Secrets::default(); // these may be seen on the bus
        let codes: Vec<String> = (0..4).map(|_| self.hands[3].press(secrets)).collect();
        let program = self.ground.program(&needs::built("fob_call"));
        let requests = codes.iter().map(|code| format!("verify-own:{USER}={code}"));
        let output = Command::new(program)
            .arg(format!("bus={}", self.bus.address()))
            .args(requests)
            .uid(USER_ID)
            .gid(USER_ID)
            .current_dir("/")
            .output()
            .map_err(failed)?;
        let said = String::from_utf8_lossy(&output.stdout);
        if said.lines().filter(|line| *line == "ok").count() != codes.len() {
            return Err(Failure::new(format!("the user's calls failed: {said}")));
        }
        // In the log and in the database they must not stand either.
        self.secrets.codes.append(&mut secrets.codes);
        Ok((1, codes))
    }

    async fn over_the_bus(&self) -> Result<FobProxy<'static>, Failure> {
        let address = self.bus.address();
        let connection = Builder::address(address.as_str()).build().await.map_err(failed)?;
        let fob = FobProxy::builder(&connection).cache_properties(CacheProperties::No).build();
        fob.await.map_err(failed)
    }

    /// Searches everything that is secret.
    fn search(&self, bytes: &[u8], place: &str, report: &mut Report) -> Result<(), Failure> {
        go_on()?;
        for secrets in [&self.secrets.seeds, &self.secrets.codes, &self.secrets.recovery] {
            seek(secrets, bytes, place, report);
        }
        Ok(())
    }

    /// Searches what fobctl printed.
    fn search_printed(&self, report: &mut Report) {
        for secrets in [&self.secrets.seeds, &self.secrets.codes] {
            seek(secrets, &self.printed, "what fobctl printed", report);
        }
    }
}

/// Searches each secret in every encoding, in one walk over the bytes.
fn seek(secrets: &[Hidden], bytes: &[u8], place: &str, report: &mut Report) {
    let mut needles = HashMap::<_, Vec<_>>::new();
    let mut sought = 0;
    for secret in secrets {
        for (encoding, needle) in encodings(&secret.bytes) {
            let start = [needle[0], needle[1], needle[2], needle[3]];
            needles.entry(start).or_default().push((&secret.what, encoding, needle));
            sought += 1;
        }
    }
    for (at, start) in bytes.windows(4).enumerate() {
        let start = [start[0], start[1], start[2], start[3]];
        for (what, encoding, needle) in needles.get(&start).into_iter().flatten() {
            if bytes[at..].starts_with(needle) {
                report.bad("found", format!("{what} in {place} as {encoding}, at {at}"));
            }
        }
    }
    report.count += sought;
    *report.outcomes.entry("searches".to_owned()).or_default() += sought;
    *report.outcomes.entry("bytes searched".to_owned()).or_default() += bytes.len() as u64;
}

/// Returns a secret as it is, and as text in the usual ways.
fn encodings(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        ("it is", bytes.to_vec()),
        ("hex", hex.to_uppercase().into_bytes()),
        ("hex in small letters", hex.into_bytes()),
        ("base32", Secret::from(bytes.to_vec()).to_base32().trim_end_matches('=').into()),
        ("base64", STANDARD_NO_PAD.encode(bytes).into_bytes()),
    ]
}

fn occurrences(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).filter(|window| *window == needle).count()
}

/// Waits until this program runs, and returns its arguments and its environment.
fn arguments_and_environment(program: &Path) -> Result<Vec<u8>, Failure> {
    let until = Instant::now() + PATIENCE;
    let name = program.as_os_str().as_encoded_bytes();
    while Instant::now() < until {
        for process in fs::read_dir("/proc").map_err(failed)? {
            let folder = process.map_err(failed)?.path();
            // Most are no processes, or gone by now.
            let arguments = fs::read(folder.join("cmdline")).unwrap_or_default();
            if arguments.starts_with(name) {
                let environment = fs::read(folder.join("environ")).unwrap_or_default();
                return Ok([arguments, environment].concat());
            }
        }
    }
    Err(Failure::new("fobctl does not run."))
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}
