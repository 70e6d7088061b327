//! `list`, `show`, `status`.

use fob_api::{Batch, PageOptions, TokenReport};

use super::own_name;
use crate::{
    args::{List, Show, Status},
    connect::{Patience, daemon},
    failure::Failure,
    render,
};

/// Tokens in one page. 500 reports of at most 500 bytes are far below the 128 MiB that a D-Bus
/// message may have (D-Bus specification, "Message Format").
const PAGE: u32 = 500;

pub(super) async fn list(args: List) -> Result<(), Failure> {
    let batch = args.batch.as_ref().map(Batch::to_string);
    let mut tokens = all_tokens(PageOptions { state: args.state, batch }).await?;
    tokens.sort_by(|a, b| a.serial.cmp(&b.serial));
    render::print(&if args.json {
        render::tokens_json(&tokens)
    } else {
        render::token_table(&tokens)
    })
}

/// Reads all pages of a list.
pub(super) async fn all_tokens(options: PageOptions) -> Result<Vec<TokenReport>, Failure> {
    let daemon = daemon(Patience::Short).await?;
    let mut tokens = Vec::new();
    let mut cursor = String::new();
    loop {
        let (page, next) = daemon.list(&cursor, PAGE, options.clone()).await?;
        tokens.extend(page);
        if next.is_empty() {
            return Ok(tokens);
        }
        if next == cursor {
            // A daemon that stays on one page would be asked for ever.
            return Err(Failure::Strange);
        }
        cursor = next;
    }
}

pub(super) async fn show(args: Show) -> Result<(), Failure> {
    let text = match args.token {
        Some(serial) => {
            let token = daemon(Patience::Short).await?.show_token(serial.as_str()).await?;
            if args.json { render::token_json(&token) } else { render::token_block(&token) }
        }
        None => {
            let name = args.user.map_or_else(own_name, Ok)?;
            let user = daemon(Patience::Short).await?.show_user(name.as_str()).await?;
            if args.json { render::user_json(&user) } else { render::user_block(&user) }
        }
    };
    render::print(&text)
}

pub(super) async fn status(args: Status) -> Result<(), Failure> {
    let status = daemon(Patience::Short).await?.status().await?;
    render::print(&if args.json {
        render::status_json(&status)
    } else {
        render::status_block(&status)
    })
}
