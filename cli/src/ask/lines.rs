//! Lines of standard input, read without a buffer that outlives them.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use zeroize::Zeroizing;

/// Longest line that is looked at. A code or a serial has at most 64 characters.
const LONGEST: usize = 256;

/// Standard input, line by line. Everything that was read is wiped.
pub(crate) struct Lines {
    input: File,
    /// Bytes that were read and not yet handed out. Never grows beyond its first allocation, so
    /// that no copy is left behind.
    ahead: Zeroizing<Vec<u8>>,
}

impl Lines {
    /// Takes standard input.
    ///
    /// # Errors
    ///
    /// If it is closed.
    pub(crate) fn of_stdin() -> io::Result<Self> {
        Ok(Self::of_file(File::from(io::stdin().as_fd().try_clone_to_owned()?)))
    }

    fn of_file(input: File) -> Self {
        Self { input, ahead: Zeroizing::new(Vec::with_capacity(LONGEST)) }
    }

    /// Returns the next line without its end and the space around it; `None` at the end of input.
    ///
    /// A line that is too long or not UTF-8 is returned empty: it can be neither code nor serial.
    ///
    /// # Errors
    ///
    /// If standard input cannot be read.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        let mut too_long = false;
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line = self.take(end);
                return Ok(Some(if too_long { Zeroizing::default() } else { line }));
            }
            if self.ahead.len() == LONGEST {
                too_long = true;
                self.ahead.clear();
            }
            if self.fill()? == 0 {
                let rest = self.ahead.len();
                let line = self.take(rest);
                return Ok(if rest == 0 { None } else { Some(line) });
            }
        }
    }

    /// Tells whether there is one more line, however long it takes to come.
    ///
    /// # Errors
    ///
    /// If standard input cannot be read.
    pub(crate) fn has_another(&mut self) -> io::Result<bool> {
        Ok(!self.ahead.is_empty() || self.fill()? > 0)
    }

    /// Waits until a line (or the end) can be read; `None` waits for ever. Returns whether it can.
    ///
    /// A terminal gives a line only once it is finished, so nothing is missed while it is typed.
    ///
    /// # Errors
    ///
    /// If standard input cannot be polled.
    pub(crate) fn wait(&self, limit: Option<Duration>) -> io::Result<bool> {
        if self.ahead.contains(&b'\n') {
            return Ok(true);
        }
        let limit = limit.map_or(PollTimeout::NONE, |limit| {
            PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX)
        });
        let mut watched = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, limit) {
            Ok(ready) => Ok(ready > 0),
            // A signal, such as the one that continues a stopped program: the caller looks again.
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = Zeroizing::new([0_u8; LONGEST]);
        let room = LONGEST.saturating_sub(self.ahead.len());
        let target = chunk.get_mut(..room).unwrap_or_default();
        loop {
            match self.input.read(target) {
                Ok(count) => {
                    self.ahead.extend_from_slice(target.get(..count).unwrap_or_default());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes the line that ends at `end`, and its end.
    fn take(&mut self, end: usize) -> Zeroizing<String> {
        let line = self.ahead.get(..end).unwrap_or_default();
        let text = std::str::from_utf8(line).unwrap_or_default().trim();
        let text = Zeroizing::new(text.to_owned());
        let used = (end + 1).min(self.ahead.len());
        self.ahead.drain(..used);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Seek, Write},
        time::Duration,
    };

    use super::{LONGEST, Lines};

    fn lines(content: &[u8]) -> Vec<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let mut lines = Lines::of_file(file);
        std::iter::from_fn(|| lines.next_line().unwrap().map(|line| line.to_string())).collect()
    }

    #[test]
    fn lines_come_one_by_one_without_their_ends() {
        assert_eq!(lines(b"123456\r\n 654321 \nlast"), ["123456", "654321", "last"]);
    }

    #[test]
    fn an_empty_input_has_no_line() {
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_or_not_text_counts_as_empty() {
        let mut content = vec![b'1'; 3 * LONGEST];
        content.extend_from_slice(b"\n\xff\xfe\n123456\n");
        assert_eq!(lines(&content), ["", "", "123456"]);
    }

    #[test]
    fn waiting_ends_at_once_when_a_line_is_there() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut lines = Lines::of_file(File::from(std::os::fd::OwnedFd::from(reader)));
        assert!(!lines.wait(Some(Duration::ZERO)).unwrap());
        writer.write_all(b"1\n2\n").unwrap();
        assert!(lines.wait(None).unwrap());
        lines.next_line().unwrap();
        assert!(lines.wait(None).unwrap(), "the second line was read ahead and is forgotten");
    }
}
