//! `identify`: which token is this, whose label is gone?

use fob_api::{IdentifyOptions, TokenReport};

use crate::{
    args::Identify,
    ask::{Begun, Codes, Dialogue},
    connect::{Patience, daemon},
    failure::{Failure, advise, remark},
    journal::login_uid,
    progress::Bar,
    render,
};

/// How far off the token's clock is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Breadth {
    Near,
    Wide,
}

/// How many codes the search went by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Typed {
    One,
    Two,
}

/// What a search has found.
#[derive(Default)]
struct Found {
    tokens: Vec<TokenReport>,
    more: u32,
    searched: u32,
    unreadable: u32,
}

impl Found {
    fn count(&self) -> usize {
        self.tokens.len() + usize::try_from(self.more).unwrap_or(usize::MAX)
    }
}

pub(super) async fn identify(args: Identify) -> Result<(), Failure> {
    let mut dialogue = Dialogue::open()?;
    let begun = dialogue.code()?;
    // A person types one and sees; a script has written one line or two.
    let is_alone = !args.two && (dialogue.is_in_terminal() || !dialogue.has_another_line()?);
    if is_alone {
        let found = search(begun.code(), ("", None), Breadth::Near).await?;
        if found.count() == 1 || !dialogue.is_in_terminal() {
            return tell(&found, &args, Typed::One);
        }
        dialogue.say(&undecided(found.count()));
    }
    let found = by_both(&mut dialogue, begun).await?;
    tell(&found, &args, Typed::Two)
}

/// Asks for the second code, and searches by both, far off only if they fit nowhere near.
async fn by_both(dialogue: &mut Dialogue, begun: Begun) -> Result<Found, Failure> {
    let Codes { pair, elapsed } = dialogue.code_behind(begun)?;
    let second = (pair.second.as_str(), Some(elapsed));
    let near = search(pair.first.as_str(), second, Breadth::Near).await?;
    if near.count() > 0 {
        return Ok(near);
    }
    search(pair.first.as_str(), second, Breadth::Wide).await
}

/// Has the daemon search all its tokens, part by part.
async fn search(
    first: &str,
    (second, elapsed): (&str, Option<u32>),
    breadth: Breadth,
) -> Result<Found, Failure> {
    let daemon = daemon(Patience::Short).await?;
    let bar = Bar::new(match breadth {
        Breadth::Near => "Searching",
        Breadth::Wide => "Searching clocks that are hours off",
    });
    let mut found = Found::default();
    let mut cursor = None;
    loop {
        let options = IdentifyOptions {
            cursor: cursor.clone(),
            elapsed,
            wide: (breadth == Breadth::Wide).then_some(true),
            login_uid: login_uid(),
        };
        let page = daemon.identify(first, second, options).await?;
        found.tokens.extend(page.tokens.unwrap_or_default());
        let counts = [
            (&mut found.more, page.more),
            (&mut found.searched, page.searched),
            (&mut found.unreadable, page.unreadable),
        ];
        for (sum, some) in counts {
            *sum = sum.saturating_add(some.unwrap_or_default());
        }
        bar.set(page.percent.unwrap_or_default());
        let next = page.next.filter(|next| !next.is_empty());
        if next.is_some() && next == cursor {
            // A daemon that stays on one page would be asked for ever.
            return Err(Failure::Strange);
        }
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(found),
        }
    }
}

/// Says why one code was not enough.
fn undecided(count: usize) -> String {
    match count {
        0 => "No token shows that code within ten minutes of this host's time.".to_owned(),
        count => format!("{count} tokens could show that code."),
    }
}

/// Tells what was found.
fn tell(found: &Found, args: &Identify, typed: Typed) -> Result<(), Failure> {
    match found.unreadable {
        0 => {}
        1 => remark("the seed of 1 token could not be read."),
        count => remark(&format!("the seeds of {count} tokens could not be read.")),
    }
    if found.count() == 0 {
        return Err(Failure::Unidentified { searched: found.searched });
    }
    if found.more > 0 {
        remark(&format!("{} more tokens are not shown.", found.more));
    }
    match (found.count(), typed) {
        (1, Typed::One) if found.searched > 1 => {
            remark("one code may fit by chance; \"fobctl identify --two\" makes sure.");
        }
        (1, _) => {}
        (_, Typed::One) => advise("type two codes in a row; they tell these tokens apart."),
        (_, Typed::Two) => advise("run it again with the next two codes; they will tell."),
    }
    render::print(&match (args.json, found.tokens.as_slice()) {
        (true, tokens) => render::tokens_json(tokens),
        (false, [token]) => render::token_block(token),
        (false, tokens) => render::token_table(tokens),
    })
}
