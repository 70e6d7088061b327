//! Round-robin: in each round every contender and every floor once, so that the machine's noise
//! hits all alike.

use super::{
    floors::Floor,
    host::Span,
    house::{Contender, House},
    series::{Code, Sheet, What},
};

/// Seconds from one right code to the next: a step.
const STEP: i64 = 30;
/// Seconds from one wrong code to the next: two of one user within 3 min are tried as a pair of
/// codes, which is another work (`clock-and-throttle.md` section 3).
const APART: i64 = 240;
/// Wrong codes of one user until his budget is given back to him.
const BUDGET: usize = 20;
/// Rounds that are not counted: the first ones find cold caches.
const WARM: usize = 3;

/// Measures floors, right codes and replays, all from fresh processes.
pub(super) fn right(house: &mut House, sheet: &mut Sheet, rounds: usize) {
    for round in 0..rounds + WARM {
        house.clock.advance(STEP);
        let person = house.person(round);
        let code = person.code(house.clock.now());
        let mut spans: Vec<(What, Span)> = Vec::new();
        for floor in turned(&Floor::ALL, round) {
            spans.push((What::Floor(floor), floor.once(&mut house.host)));
        }
        for (kind, contenders) in
            [(Code::Right, &Contender::ALL[..]), (Code::Replayed, &Contender::CHECKING[..])]
        {
            for contender in turned(contenders, round) {
                let span = house.host.one(contender.service(), &person.name, &code);
                spans.push((What::Fresh(contender, kind), span));
            }
        }
        keep(sheet, &spans, round);
    }
}

/// Measures wrong codes from fresh processes.
pub(super) fn wrong(house: &mut House, sheet: &mut Sheet, rounds: usize) {
    for round in 0..rounds + WARM {
        if round % (BUDGET * house.people.len()) == 0 {
            house.forgive();
        }
        house.clock.advance(APART);
        let person = house.person(round);
        let code = person.wrong_code(house.clock.now(), round);
        let mut spans = Vec::new();
        for contender in turned(&Contender::CHECKING, round) {
            let span = house.host.one(contender.service(), &person.name, &code);
            spans.push((What::Fresh(contender, Code::Wrong), span));
        }
        keep(sheet, &spans, round);
    }
    house.forgive();
}

fn keep(sheet: &mut Sheet, spans: &[(What, Span)], round: usize) {
    if round >= WARM {
        spans.iter().for_each(|(what, span)| sheet.add(*what, span));
    }
}

/// Returns these, beginning with another one in each round.
fn turned<T: Copy>(all: &[T], round: usize) -> Vec<T> {
    let mut turned = all.to_vec();
    turned.rotate_left(round % all.len());
    turned
}
