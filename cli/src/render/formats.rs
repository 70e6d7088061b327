//! What each format of seed files is, with an example: `fobctl import --list-formats`.

use std::fmt::Write;

use fob_api::{FormatSheet, SHEETS, SeedEncoding, SeedScript, TokenKind};

/// What stands in front of the formats.
const HEAD: &str = "\
A file is recognized, and what it was read as is printed. Where a file says too little, --format,
--encoding or --kind says it; nothing is guessed.
";

/// Returns what is to know about every format.
pub(crate) fn format_sheets() -> String {
    let mut text = HEAD.to_owned();
    for sheet in &SHEETS {
        // Writing to a String does not fail.
        let _ = write!(text, "\n{}", sheet_text(sheet));
    }
    text
}

fn sheet_text(sheet: &FormatSheet) -> String {
    let mut text = format!("{}\n", sheet.word);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<8}  {value}");
    };
    line("from", sheet.vendors);
    line("layout", sheet.layout);
    line("seeds", &script(sheet.script));
    if sheet.needs_kind {
        line("needs", &format!("--kind {}", TokenKind::ALL.map(|kind| kind.word).join(", ")));
    }
    line("note", sheet.note);
    let mut name = "example";
    for example in sheet.example.lines() {
        line(name, example);
        name = "";
    }
    text
}

fn script(script: SeedScript) -> String {
    match script {
        SeedScript::Always(encoding) => spoken(encoding).to_owned(),
        SeedScript::Usually(encoding) => {
            format!("{}, unless --encoding says otherwise", spoken(encoding))
        }
        SeedScript::HexOrBase32 => {
            "hexadecimal or base32; one that reads as both needs --encoding".to_owned()
        }
    }
}

fn spoken(encoding: SeedEncoding) -> &'static str {
    match encoding {
        SeedEncoding::Hex => "hexadecimal",
        SeedEncoding::Base32 => "base32",
        SeedEncoding::Base64 => "base64",
    }
}
