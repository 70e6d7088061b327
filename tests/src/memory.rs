//! Memory: what of another process's memory a core dump would hold, and what it would not.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "the helpers of tests: a failure here is the test's failure"
)]

use std::{
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt as _,
};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// A page that nobody has written.
static ZEROS: [u8; 4096] = [0; 4096];

/// A region of a process's memory (proc_pid_smaps(5)).
#[derive(Clone, Debug)]
pub struct Region {
    /// Its addresses.
    pub addresses: Range<u64>,
    /// Its permissions and what is mapped there.
    pub what: String,
    /// The kernel's two-letter flags.
    flags: Vec<String>,
}

impl Region {
    /// Tells whether the process itself may read it. What it may not is address space that its
    /// allocator has reserved and not used yet.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.what.starts_with('r')
    }

    /// Tells whether the process may write to it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.what.starts_with("rw")
    }

    /// Tells whether it has a flag: `dd` is not dumped, `lo` is locked, `dc` is not copied on fork.
    #[must_use]
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|is| is == flag)
    }
}

/// Returns the regions of a process.
#[must_use]
pub fn regions(process: u32) -> Vec<Region> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps")).expect("smaps is read");
    let mut regions: Vec<Region> = Vec::new();
    for line in text.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let region = regions.last_mut().expect("a region comes before its flags");
            region.flags = flags.split_whitespace().map(str::to_owned).collect();
        } else if let Some((addresses, what)) = head(line) {
            regions.push(Region { addresses, what, flags: Vec::new() });
        }
    }
    regions
}

/// Reads the first line of a region; `None` for the others, which are `Name: value`.
fn head(line: &str) -> Option<(Range<u64>, String)> {
    let (addresses, what) = line.split_once(' ')?;
    let (start, end) = addresses.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?..number(end)?, what.to_owned()))
}

/// The memory of a process.
pub struct Memory(File);

impl Memory {
    /// Opens it; needs root.
    #[must_use]
    pub fn of(process: u32) -> Self {
        Self(File::open(format!("/proc/{process}/mem")).expect("the memory is opened"))
    }

    /// Tells which of the needles lie in a region; `None` if it cannot be read, as those of the
    /// kernel's own cannot.
    #[must_use]
    pub fn find(&self, region: &Region, needles: &[Vec<u8>]) -> Option<Vec<usize>> {
        let overlap = needles.iter().map(Vec::len).max().unwrap_or_default();
        let mut found = Vec::new();
        let mut at = region.addresses.start;
        let mut buffer = vec![0; CHUNK + overlap];
        while at < region.addresses.end {
            let left = usize::try_from(region.addresses.end - at).expect("a size fits");
            let wanted = left.min(buffer.len());
            let part = buffer.get_mut(..wanted).expect("it is as long");
            self.0.read_exact_at(part, at).ok()?;
            found.extend(hits(part, needles));
            at += left.min(CHUNK) as u64;
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

/// Tells which of the needles lie in these bytes. One pass, which leaves pages of zeros out: a
/// debug build looks through hundreds of megabytes.
#[must_use]
pub fn hits(bytes: &[u8], needles: &[Vec<u8>]) -> Vec<usize> {
    let mut starts = vec![Vec::new(); 256];
    for (at, needle) in needles.iter().enumerate() {
        if let Some(list) = needle.first().and_then(|first| starts.get_mut(usize::from(*first))) {
            list.push((at, needle.as_slice()));
        }
    }
    let mut found = Vec::new();
    for (page, part) in bytes.chunks(ZEROS.len()).enumerate() {
        if ZEROS.starts_with(part) {
            continue;
        }
        for (within, byte) in part.iter().enumerate() {
            for (at, needle) in starts.get(usize::from(*byte)).into_iter().flatten() {
                let start = page * ZEROS.len() + within;
                if bytes.get(start..start + needle.len()) == Some(*needle) {
                    found.push(*at);
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
