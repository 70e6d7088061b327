//! The host's conversation: one prompt, and one sentence at most (`pam_conv(3)`).

use pam::{
    constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO},
    conv::Conv,
    module::PamHandle,
    secret::SecretBytes,
};

use crate::options::Echo;
use crate::trouble::Refusal;

/// Asks once and returns what was typed; `None` if the host gives no answer.
///
/// # Errors
///
/// [`Refusal::Conversation`] if the conversation fails.
pub(crate) fn ask(
    handle: &PamHandle,
    echo: Echo,
    prompt: &str,
) -> Result<Option<SecretBytes>, Refusal> {
    let style = match echo {
        Echo::Hidden => PAM_PROMPT_ECHO_OFF,
        Echo::Shown => PAM_PROMPT_ECHO_ON,
    };
    let Ok(Some(conversation)) = handle.get_item::<Conv<'_>>() else {
        return Err(Refusal::Conversation);
    };
    conversation.send(style, prompt).map_err(|_| Refusal::Conversation)
}

/// What kind of sentence is shown: hosts and greeters colour them differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    /// Something went wrong.
    Error,
    /// A notice with a success.
    Information,
}

/// Shows a sentence. Whether it was shown changes nothing, so errors are ignored: hosts answer a
/// message without a response in several ways.
pub(crate) fn tell(handle: &PamHandle, tone: Tone, sentence: &str) {
    let style = match tone {
        Tone::Error => PAM_ERROR_MSG,
        Tone::Information => PAM_TEXT_INFO,
    };
    if let Ok(Some(conversation)) = handle.get_item::<Conv<'_>>() {
        let _ = conversation.send(style, sentence);
    }
}
