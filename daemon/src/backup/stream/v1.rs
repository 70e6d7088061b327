//! Version 1 of the form: a token had no batch. It is read, and never written.

use serde::{Deserialize, Serialize};

use crate::{
    backup::{Header, Item, SavedSeed, SavedState, SavedToken, SavedTrace},
    record::{Owner, Parameters, Standing},
};

/// The version of this form.
pub(super) const VERSION: u8 = 1;

/// A record of the stream; the variants mean what those of the present form do.
#[derive(Serialize, Deserialize)]
pub(super) enum Frame {
    Header(Header),
    Item(OldItem),
    End { items: u64, hash: [u8; 32] },
}

/// An item; the variants mean what those of [`Item`] do.
#[derive(Serialize, Deserialize)]
pub(super) enum OldItem {
    Again(Box<OldToken>),
    Gone(String),
    Recovery(Owner),
    Token(Box<OldToken>),
    Trace(Box<SavedTrace>),
}

/// A token; the fields mean what those of [`SavedToken`] do.
#[derive(Serialize, Deserialize)]
pub(super) struct OldToken {
    pub(super) serial: String,
    pub(super) standing: Standing,
    pub(super) parameters: Parameters,
    pub(super) seed: SavedSeed,
    pub(super) imported: u64,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) state: SavedState,
}

impl From<Frame> for super::Frame {
    fn from(old: Frame) -> Self {
        match old {
            Frame::Header(header) => Self::Header(header),
            Frame::Item(item) => Self::Item(item.into()),
            Frame::End { items, hash } => Self::End { items, hash },
        }
    }
}

impl From<OldItem> for Item {
    fn from(old: OldItem) -> Self {
        match old {
            OldItem::Again(token) => Self::Again(Box::new((*token).into())),
            OldItem::Gone(serial) => Self::Gone(serial),
            OldItem::Recovery(owner) => Self::Recovery(owner),
            OldItem::Token(token) => Self::Token(Box::new((*token).into())),
            OldItem::Trace(trace) => Self::Trace(trace),
        }
    }
}

impl From<OldToken> for SavedToken {
    fn from(old: OldToken) -> Self {
        let OldToken { serial, standing, parameters, seed, .. } = old;
        let OldToken { imported, manufacturer, model, state, .. } = old;
        let batch = None;
        Self { serial, standing, parameters, seed, imported, manufacturer, model, batch, state }
    }
}
