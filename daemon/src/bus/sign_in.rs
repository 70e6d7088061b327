//! The two methods of a sign-in, for whoever carries them: the D-Bus library, or the lean way over
//! fobd's own socket, which module `pam_fob` takes.

use fob_api::{
    Answer, Error, PromptDetails, PromptKind, Verdict, VerifyContext, VerifyDetails,
    address::{INTERFACE, OBJECT_PATH},
    message::{Body, Fields, Header, Kind, message, room},
};
use zeroize::Zeroizing;

use super::{
    CallerSource, Fob,
    parse::{bounded, details, parse_answer, user_name},
};
use crate::{
    access::Caller,
    decide::verify::Typed,
    engine::{SignIn, Untold, Work},
    store::Store,
};

/// The flag of a call that wants no reply ("Message Format").
const NO_REPLY: u8 = 1;
/// What a call gets that is none of a sign-in: the name in "Standard Errors" that says so.
const UNKNOWN: &str = "org.freedesktop.DBus.Error.UnknownMethod";

/// A call of one of the two. Its code is wiped on drop.
pub struct Call {
    serial: u32,
    user: String,
    /// What was typed; none in a `Prompt`.
    answer: Option<Zeroizing<String>>,
    context: VerifyContext,
}

impl Call {
    /// Reads a whole message; `None` if it is anything but a plain call of one of the two.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (header, mut values) = Header::read(bytes).ok()?;
        let plain = header.kind == Kind::Call
            && header.flags & NO_REPLY == 0
            && header.serial != 0
            && header.path == Some(OBJECT_PATH)
            && header.interface == Some(INTERFACE);
        if !plain || header.destination.is_some() || header.sender.is_some() {
            return None;
        }
        let is_verify = match (header.member?, header.signature) {
            ("Prompt", "sa{sv}") => false,
            ("Verify", "ssa{sv}") => true,
            _ => return None,
        };
        let user = values.string()?.to_owned();
        let answer = match is_verify {
            true => Some(Zeroizing::new(values.string()?.to_owned())),
            false => None,
        };
        let context = VerifyContext::read(&mut values)?;
        values.is_at_end().then_some(Self { serial: header.serial, user, answer, context })
    }

    /// Returns the reply to a message that is no sign-in, where nothing else is served; `None` if
    /// it is no call that wants one.
    #[must_use]
    pub fn refuse(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (header, _) = Header::read(bytes).ok()?;
        let asks = header.kind == Kind::Call && header.flags & NO_REPLY == 0;
        let fact = "a connection that begins with a sign-in has no other calls";
        let fact = Body::new("s", room(&[fact])).string(fact);
        asks.then(|| error(&[], header.serial, UNKNOWN, &fact))
    }
}

impl<S: Store> Fob<S> {
    /// Begins a call on fobd's own socket: a stop waits for it until what is returned is dropped.
    pub async fn begin(&self) -> Work {
        self.engine.underway().begin().await
    }

    /// Carries a call on fobd's own socket out; returns the reply's bytes behind those that go in
    /// front of it, and what is to be told once they are out.
    pub async fn carry_out(
        &self,
        call: Call,
        front: &[u8],
    ) -> (Zeroizing<Vec<u8>>, Option<Untold>) {
        match self.decide(&call).await {
            Ok((body, untold)) => {
                let fields = Fields { reply_serial: Some(call.serial), ..Fields::default() };
                (message(front, Kind::Return, call.serial, &fields, &body), untold)
            }
            Err(trouble) => {
                let hint = trouble.hint().unwrap_or_default();
                let fact = trouble.to_string();
                let body = Body::new("ss", room(&[&fact, &hint])).string(&fact).string(&hint);
                (error(front, call.serial, &trouble.kind().name(), &body), None)
            }
        }
    }

    async fn decide(&self, call: &Call) -> Result<(Body, Option<Untold>), Error> {
        let CallerSource::Peer(caller) = self.source else {
            return Err(Error::NotAuthorized { verb: "call" });
        };
        let visitor = self.visitors.known(caller)?;
        let context = call.context.clone();
        match &call.answer {
            None => {
                let (kind, digits) = self.prompt_for(visitor.caller, &call.user, context).await?;
                let body =
                    Body::new("sa{sv}", room(&[kind.word(), "digits", ""])).string(kind.word());
                Ok((body.dictionary(|entries| digits.write(entries)), None))
            }
            Some(answer) => {
                let (verdict, details, untold) =
                    self.verify_for(visitor.caller, &call.user, answer, context).await?;
                let words = [verdict.word(), &call.user];
                let body = Body::new("ssa{sv}", room(&words) + details.room());
                let body = body.string(verdict.word()).string(&call.user);
                Ok((body.dictionary(|entries| details.write(entries)), untold))
            }
        }
    }

    /// Tells what to ask a user for.
    pub(super) async fn prompt_for(
        &self,
        caller: Caller,
        user: &str,
        context: VerifyContext,
    ) -> Result<(PromptKind, PromptDetails), Error> {
        let user = user_name(user)?;
        let context = bounded(context)?;
        let sign_in = SignIn { caller, user: &user, context: &context };
        let (kind, digits) = self.engine.prompt(&sign_in).await?;
        Ok((kind, PromptDetails { digits: Some(u32::from(digits)) }))
    }

    /// Decides on an answer; says what is to be told of it afterwards.
    pub(super) async fn verify_for(
        &self,
        caller: Caller,
        user: &str,
        answer: &str,
        context: VerifyContext,
    ) -> Result<(Verdict, VerifyDetails, Option<Untold>), Error> {
        let name = user_name(user)?;
        let answer = parse_answer(answer)?;
        let context = bounded(context)?;
        let sign_in = SignIn { caller, user: &name, context: &context };
        let (verdict, notice, untold) = match &answer {
            Answer::Code(code) => self.verify_typed(&sign_in, Typed::Code(code)).await?,
            Answer::Pair(pair) => self.verify_typed(&sign_in, Typed::Pair(pair)).await?,
            Answer::Recovery(code) => {
                let (verdict, notice) = self.engine.recover(&sign_in, code).await?;
                (verdict, notice, None)
            }
        };
        Ok((verdict, details(verdict, notice), untold))
    }
}

fn error(front: &[u8], serial: u32, name: &str, body: &Body) -> Zeroizing<Vec<u8>> {
    let fields = Fields { reply_serial: Some(serial), error_name: Some(name), ..Fields::default() };
    message(front, Kind::Error, serial, &fields, body)
}
