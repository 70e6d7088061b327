//! Power cuts on a real ext4: a worker writes to a database on an image that is mounted over a
//! loop device; it is stopped, the image is copied as it is, and the copy is mounted, recovered and
//! read. Whatever the worker had been told is done must be there (threats.md F4).
//!
//! Honest limits: what the file system had handed to the device is on the copy, in the order in
//! which it came. A device that loses or reorders what it was not asked to flush is not tried.

mod image;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    os::fd::AsFd as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fobd::store::{Freshness, Store as _, sled::SledStore};
use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use self::image::{Image, Mounted};
use super::{Call, Random, Report, failed, go_on};
use crate::{
    conformance::Failure,
    crash::{self, Line},
};

/// Cuts in the life of one worker; the next one goes on from the last copy, so that recoveries are
/// recovered from, too.
const CUTS: u64 = 20;
/// Longest time in microseconds from a confirmed commit to the cut: some syncs of a disk.
const LATEST: u64 = 60_000;
/// What a worker on a busy machine needs for a commit, with a lot to spare.
const HANGS: Duration = Duration::from_secs(60);

/// A worker, and what it was told is done.
struct Worker {
    process: Child,
    output: ChildStdout,
    /// Half a line.
    rest: String,
    acknowledged: BTreeMap<Line, u64>,
}

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let home = tempfile::tempdir().map_err(failed)?;
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let mut random = Random::new();
    let mut report = Report::new("power cuts under a database on ext4");
    let mut image = Image::make(&home.path().join("image"))?;
    let mut acknowledged = BTreeMap::new();
    while report.count < call.count && report.bad.is_empty() {
        let cuts = CUTS.min(call.count - report.count);
        let mounted = image.mount(&home.path().join("disk"))?;
        let mut worker = Worker::start(call, &mounted, acknowledged.clone())?;
        let mut last: Option<Image> = None;
        for _ in 0..cuts {
            go_on()?;
            let name = home.path().join(format!("cut {}", report.count));
            let copy = worker.cut(&image, &name, &mut random)?;
            check(&runtime, &copy, &home.path().join("after"), &mut worker, &mut report)?;
            if let Some(before) = last.replace(copy) {
                before.remove()?;
            }
            worker.signal(Signal::SIGCONT)?;
        }
        worker.end()?;
        mounted.unmount()?;
        if let Some(last) = last.filter(|_| report.bad.is_empty()) {
            std::mem::replace(&mut image, last).remove()?;
            acknowledged = fresh(&runtime, &image, &home.path().join("after"))?;
        }
    }
    Ok(report)
}

/// Works in the database in a folder until it is stopped: the other half of this program.
///
/// # Errors
///
/// [`Failure`] if the store is not opened or ends its service.
pub fn work(dir: &Path) -> Result<(), Failure> {
    tokio::runtime::Runtime::new().map_err(failed)?.block_on(crash::work(dir))
}

/// Opens the database on a copy and compares it with what was acknowledged.
fn check(
    runtime: &tokio::runtime::Runtime,
    copy: &Image,
    place: &Path,
    worker: &mut Worker,
    report: &mut Report,
) -> Result<(), Failure> {
    let mounted = copy.mount(place)?;
    let dir = mounted.path().join("store");
    let found = match SledStore::open_within(&dir, HANGS) {
        Err(error) => {
            report.bad("NOT OPENED", error);
            return Ok(());
        }
        Ok(store) => runtime.block_on(async {
            let mut found = Vec::new();
            for line in Line::ALL {
                found.push((line, line.number(&store).await));
            }
            (store.freshness(), found)
        }),
    };
    mounted.unmount()?;
    let (freshness, lines) = found;
    let mut lost = (freshness == Freshness::Doubtful).then(|| "it is in doubt".to_owned());
    for (line, number) in lines {
        let safe = worker.acknowledged.get(&line).copied().unwrap_or_default();
        match number {
            Ok(number) if number == safe || number == safe + 1 => {}
            Ok(number) => lost = Some(format!("{line} {safe} was acknowledged, {number} is there")),
            Err(error) => lost = Some(error.to_string()),
        }
    }
    match lost {
        None => report.good("with everything acknowledged there"),
        Some(lost) => report.bad("LOST", lost),
    }
    Ok(())
}

/// Returns what stands in a database, so that the next worker begins there.
fn fresh(
    runtime: &tokio::runtime::Runtime,
    image: &Image,
    place: &Path,
) -> Result<BTreeMap<Line, u64>, Failure> {
    let mounted = image.mount(place)?;
    let store = SledStore::open(&mounted.path().join("store")).map_err(failed)?;
    let numbers = runtime.block_on(async {
        let mut numbers = BTreeMap::new();
        for line in Line::ALL {
            numbers.insert(line, line.number(&store).await?);
        }
        Ok::<_, Failure>(numbers)
    })?;
    drop(store);
    mounted.unmount()?;
    Ok(numbers)
}

impl Worker {
    fn start(
        call: &Call,
        mounted: &Mounted,
        acknowledged: BTreeMap<Line, u64>,
    ) -> Result<Self, Failure> {
        let mut process = Command::new(&call.faults)
            .arg("work")
            .arg(mounted.path().join("store"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let output = process.stdout.take().unwrap();
        fcntl(output.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(failed)?;
        Ok(Self { process, output, rest: String::new(), acknowledged })
    }

    /// Lets it work on for a moment, stops it, and copies the disk under it.
    fn cut(&mut self, image: &Image, to: &Path, random: &mut Random) -> Result<Image, Failure> {
        let began = Instant::now();
        while self.hear()? == 0 {
            if began.elapsed() > HANGS || self.process.try_wait().map_err(failed)?.is_some() {
                return Err(Failure::new("the worker does not work"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        // A wait without an event: the moment is the point.
        thread::sleep(Duration::from_micros(random.below(LATEST)));
        self.signal(Signal::SIGSTOP)?;
        while !self.is_stopped()? {
            thread::sleep(Duration::from_millis(1));
        }
        self.hear()?;
        image.copy(to)
    }

    /// Takes down what it was told, and returns how many commits that are.
    fn hear(&mut self) -> Result<usize, Failure> {
        let mut heard = 0;
        let mut buffer = [0; 65_536];
        loop {
            match self.output.read(&mut buffer) {
                Ok(0) => return Ok(heard),
                Ok(length) => self.rest.push_str(&String::from_utf8_lossy(&buffer[..length])),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(heard),
                Err(error) => return Err(failed(error)),
            }
            while let Some((line, rest)) = self.rest.split_once('\n') {
                let done = Line::parse(line).ok_or_else(|| Failure::new("an odd line"))?;
                self.acknowledged.insert(done.0, done.1);
                self.rest = rest.to_owned();
                heard += 1;
            }
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        kill(Pid::from_raw(self.process.id().try_into().map_err(failed)?), signal).map_err(failed)
    }

    /// Tells whether all its threads stand still, those in a system call too (proc_pid_stat(5)).
    fn is_stopped(&self) -> Result<bool, Failure> {
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id())).map_err(failed)? {
            let stat = fs::read_to_string(task.map_err(failed)?.path().join("stat"));
            let stat = stat.map_err(failed)?;
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            if state != Some('T') {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn end(mut self) -> Result<(), Failure> {
        self.process.kill().and_then(|()| self.process.wait()).map(drop).map_err(failed)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
