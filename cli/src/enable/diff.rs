//! The difference of two files as `diff -u` shows it. Pure.

/// Lines shown around a change, as diff(1) does.
const AROUND: usize = 3;

/// A line of both, or of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Edit<'a> {
    Both(&'a str),
    New(&'a str),
    Old(&'a str),
}

/// Returns the unified difference; empty if there is none. A file that is not there is `None`.
pub(crate) fn unified(path: &str, old: Option<&str>, new: Option<&str>) -> String {
    let lines = |text: Option<&'_ str>| -> Vec<String> {
        text.unwrap_or_default().split_inclusive('\n').map(str::to_owned).collect()
    };
    let (before, after) = (lines(old), lines(new));
    let edits = edits(&before, &after);
    let hunks = hunks(&edits);
    if old == new {
        return String::new();
    }
    let name = |text: Option<&str>| text.map_or("/dev/null", |_| path);
    let mut out = format!("--- {}\n+++ {}\n", name(old), name(new));
    for hunk in hunks {
        out.push_str(&hunk);
    }
    out
}

/// Returns the lines in their order. What is equal at both ends is of both; between, all old ones
/// come before all new ones but for the longest common part (the files have some dozens of lines).
fn edits<'a>(old: &'a [String], new: &'a [String]) -> Vec<Edit<'a>> {
    let rows = old.len() + 1;
    let columns = new.len() + 1;
    // The longest common sequence of what is left of both, from each place on.
    let mut longest = vec![0_usize; rows * columns];
    let at = |row: usize, column: usize| row * columns + column;
    let get = |longest: &[usize], row, column| longest.get(at(row, column)).copied().unwrap_or(0);
    for (row, ours) in old.iter().enumerate().rev() {
        for (column, theirs) in new.iter().enumerate().rev() {
            let value = if ours == theirs {
                get(&longest, row + 1, column + 1) + 1
            } else {
                get(&longest, row + 1, column).max(get(&longest, row, column + 1))
            };
            if let Some(place) = longest.get_mut(at(row, column)) {
                *place = value;
            }
        }
    }
    let (mut row, mut column, mut edits) = (0, 0, Vec::new());
    loop {
        match (old.get(row), new.get(column)) {
            (None, None) => return edits,
            (Some(ours), Some(theirs)) if ours == theirs => {
                edits.push(Edit::Both(ours));
                (row, column) = (row + 1, column + 1);
            }
            (Some(ours), theirs)
                if theirs.is_none()
                    || get(&longest, row + 1, column) >= get(&longest, row, column + 1) =>
            {
                edits.push(Edit::Old(ours));
                row += 1;
            }
            (_, Some(theirs)) => {
                edits.push(Edit::New(theirs));
                column += 1;
            }
            (Some(ours), None) => {
                edits.push(Edit::Old(ours));
                row += 1;
            }
        }
    }
}

/// Returns the parts that have a change, each with its head and the lines around.
fn hunks(edits: &[Edit<'_>]) -> Vec<String> {
    let changed = |edit: &Edit<'_>| !matches!(edit, Edit::Both(_));
    let near = |at: usize| {
        let (from, to) = (at.saturating_sub(AROUND), at.saturating_add(AROUND + 1));
        edits.iter().take(to).skip(from).any(changed)
    };
    let (mut hunks, mut open) = (Vec::new(), Hunk::default());
    let (mut old, mut new) = (1, 1);
    for (at, edit) in edits.iter().enumerate() {
        if near(at) {
            open.push(*edit, old, new);
        } else {
            hunks.extend(std::mem::take(&mut open).text());
        }
        old += usize::from(!matches!(edit, Edit::New(_)));
        new += usize::from(!matches!(edit, Edit::Old(_)));
    }
    hunks.extend(open.text());
    hunks
}

#[derive(Default)]
struct Hunk {
    /// The numbers of the first lines; `None` before there is one.
    start: Option<(usize, usize)>,
    old: usize,
    new: usize,
    body: String,
}

impl Hunk {
    fn push(&mut self, edit: Edit<'_>, old: usize, new: usize) {
        self.start.get_or_insert((old, new));
        let (sign, line) = match edit {
            Edit::Both(line) => (' ', line),
            Edit::New(line) => ('+', line),
            Edit::Old(line) => ('-', line),
        };
        self.old += usize::from(sign != '+');
        self.new += usize::from(sign != '-');
        self.body.push(sign);
        self.body.push_str(line);
        if !line.ends_with('\n') {
            self.body.push_str("\n\\ No newline at end of file\n");
        }
    }

    fn text(self) -> Option<String> {
        let (old, new) = self.start?;
        // Of no lines the number before is told (diff(1)).
        let range = |start: usize, count: usize| match count {
            0 => format!("{},0", start - 1),
            1 => start.to_string(),
            count => format!("{start},{count}"),
        };
        let head = format!("@@ -{} +{} @@\n", range(old, self.old), range(new, self.new));
        Some(head + &self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_change_has_three_lines_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let new = "1\n2\n3\n4\nx\ny\n6\n7\n8\n";
        let expected = "--- /f\n+++ /f\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+x\n+y\n 6\n 7\n 8\n";
        assert_eq!(unified("/f", Some(old), Some(new)), expected);
    }

    #[test]
    fn changes_far_apart_are_apart() {
        let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let new = old.replace("2\n3\n", "3\n").replace("19\n", "19\nx\n");
        let text = unified("/f", Some(&old), Some(&new));
        assert_eq!(text.matches("@@ -").count(), 2, "{text}");
        assert!(text.contains("@@ -1,5 +1,4 @@\n 1\n-2\n 3\n"), "{text}");
        assert!(text.contains("@@ -17,4 +16,5 @@\n 17\n 18\n 19\n+x\n 20\n"), "{text}");
    }

    #[test]
    fn a_file_that_comes_or_goes_is_shown_against_nothing() {
        let came = unified("/f", None, Some("a\nb\n"));
        assert_eq!(came, "--- /dev/null\n+++ /f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
        let gone = unified("/f", Some("a\n"), None);
        assert_eq!(gone, "--- /f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
    }

    #[test]
    fn a_missing_line_end_is_told() {
        let text = unified("/f", Some("a"), Some("a\nb\n"));
        let end = "\\ No newline at end of file\n";
        assert_eq!(text, format!("--- /f\n+++ /f\n@@ -1 +1,2 @@\n-a\n{end}+a\n+b\n"));
    }

    #[test]
    fn what_is_the_same_is_not_shown() {
        assert_eq!(unified("/f", Some("a\n"), Some("a\n")), "");
        assert_eq!(unified("/f", None, None), "");
    }
}
