// Refusals and trouble: what is said, and at which field of a dialog.

import { _ } from "./text.js";

/** @typedef {"user"|"serial"|"again"|"codes"|"clock"|"top"} Place */
/**
 * @typedef {object} Failure
 * @property {string} kind the error's name in the contract; or absent, unauthorized, lost, failed
 * @property {string} fact
 * @property {string|null} hint
 */

const PREFIX = "org.fobd.Fob1.Error.";
/** How Cockpit calls what is in the way of a connection (its protocol's "problem codes"). */
const GONE = ["disconnected", "terminated", "no-host", "timeout"];

/**
 * Reads what a call was rejected with; one that was read already stays as it is.
 * @param {unknown} error
 * @returns {Failure}
 */
export function failure(error) {
    const of = /** @type {{name?: unknown, message?: unknown, problem?: unknown}} */ (
        error !== null && typeof error === "object" ? error : {}
    );
    if ("fact" in of)
        return /** @type {Failure} */ (of);
    const name = typeof of.name === "string" ? of.name : "";
    const message = typeof of.message === "string" ? of.message : "";
    if (name.startsWith(PREFIX)) {
        const kind = name.slice(PREFIX.length);
        return { kind, fact: sentence(message), hint: hint(kind) };
    }
    if (of.problem === "access-denied" || of.problem === "not-authorized" || of.problem === "authentication-failed")
        return { kind: "unauthorized", fact: _("Administrative access is needed for this."), hint: null };
    if (typeof of.problem === "string" && GONE.includes(of.problem))
        return { kind: "lost", fact: _("The connection to this host is lost."), hint: null };
    if (of.problem === "fobd-is-silent")
        return { kind: "absent", fact: _("fobd does not answer in time."), hint: _("If this was a change, look whether it was made before you try again.") };
    if (of.problem === "not-found" || /^org\.freedesktop\.DBus\.Error\.(ServiceUnknown|NameHasNoOwner|NoReply|Spawn|TimedOut|Disconnected)/.test(name))
        return { kind: "absent", fact: _("fobd does not answer."), hint: _("systemctl status fobd says why.") };
    if (name === "org.freedesktop.DBus.Error.AccessDenied")
        return { kind: "unauthorized", fact: _("The bus does not let this user speak to fobd."), hint: null };
    return { kind: "failed", fact: sentence(message) || _("Something went wrong."), hint: null };
}

/**
 * Reads what fobctl said as it refused: `fobctl: FACT` and `hint: HINT`.
 * @param {string} output
 * @returns {Failure}
 */
export function ofProgram(output) {
    const lines = output.split("\n");
    const after = (/** @type {string} */ start) => {
        const line = lines.find((candidate) => candidate.startsWith(start));
        return line === undefined ? null : line.slice(start.length).trim();
    };
    const fact = after("fobctl: ") ?? output.trim();
    return { kind: "failed", fact: sentence(fact) || _("Something went wrong."), hint: after("hint: ") };
}

/**
 * Returns where in a dialog this is said.
 * @param {Failure} failure
 * @returns {Place}
 */
export function place({ kind }) {
    switch (kind) {
    case "NoSuchUser":
    case "LimitExceeded":
    case "NotAssigned":
        return "user";
    case "NoSuchToken":
    case "AmbiguousSerial":
    case "NotAssignable":
    case "AlreadyAssigned":
        return "serial";
    case "RootOnly":
        return "again";
    case "InvalidCodePair":
    case "AmbiguousCodePair":
    case "TemporarilyUnmodifiable":
        return "codes";
    case "ClockFarOff":
        return "clock";
    default:
        return "top";
    }
}

/** @param {string} kind @returns {string|null} */
function hint(kind) {
    switch (kind) {
    case "AlreadyAssigned":
        return _("Take another token, or deactivate this one first.");
    case "LimitExceeded":
        return _("Use Replace to give a new token in its place.");
    case "AmbiguousCodePair":
        return _("Type the next two codes.");
    case "AmbiguousSerial":
        return _("Type it with its dashes, as it is printed on the token's back.");
    case "InvalidCode":
        return _("Type one that is not crossed out. Without any, tell an administrator at once.");
    case "InvalidCodePair":
        return _("Type a code, wait until the token shows the next one, and type that. Check the serial on the token's back.");
    case "ClockFarOff":
        return _("Nothing was changed. If the token was set to local time, accept its clock and type the next two codes; if not, look at the host's clock first.");
    case "ClockNotTrusted":
        return _("Set the host's clock, or wait until it is synchronised.");
    case "NoSuchToken":
        return _("Check the serial, or import the vendor's seed file.");
    case "NotAssignable":
        return _("Take another token from stock.");
    case "LastAdministrator":
        return _("Give another administrator a token first, or confirm it below.");
    case "RootOnly":
        return _("Type the serial in full, the same both times.");
    case "Busy":
        return _("Try again in a second.");
    case "StoreUnavailable":
        return _("journalctl -u fobd says why. Nobody is let in until it is mended.");
    default:
        return null;
    }
}

/** @param {string} fact begins with a small letter where fobctl puts its name in front */
function sentence(fact) {
    return fact.charAt(0).toUpperCase() + fact.slice(1);
}
