// The dialogs that take two codes: which steps they have, and where a refusal leads back to. Pure.

import { place } from "./failure.js";
import { again, begin } from "./pair.js";

/** @typedef {"assign"|"replace"|"resync"} Verb */
/** @typedef {"who"|"codes"|"done"} Step */
/** @typedef {"user"|"serial"|"again"} Name */
/**
 * @typedef {object} Wizard
 * @property {Verb} verb
 * @property {boolean} own whether it is one's own token, through one's own bridge
 * @property {Step} step
 * @property {string} user
 * @property {string} serial of the new token; of a resync, of the token that he has
 * @property {string} again the serial a second time, for root's token
 * @property {boolean} ofRoot whether fobd said that it is root's token: uid 0 may have more names
 * @property {string} fate of the old token, when one is replaced
 * @property {boolean} acceptClock
 * @property {boolean} clockIsFar whether fobd said so: then it may be accepted
 * @property {import("./pair.js").Pair} pair
 * @property {Partial<Record<Name, string>>} complaints
 * @property {import("./failure.js").Failure|null} trouble that belongs to no field
 * @property {import("./wire.js").Token|null} result
 */

/**
 * @param {Verb} verb
 * @param {{user?: string, serial?: string, own?: boolean, token?: import("./wire.js").Token|null}} known
 * @returns {Wizard}
 */
export function start(verb, { user = "", serial = "", own = false, token = null }) {
    const wizard = {
        verb, own, user, serial, again: "", ofRoot: false, fate: "stock", acceptClock: false, clockIsFar: false,
        pair: begin(token ?? {}), complaints: {}, trouble: null, result: null,
    };
    // Of a resync both are known, and root's serial alone has to be typed.
    const asks = verb !== "resync" || strict(wizard);
    return { ...wizard, step: asks ? "who" : "codes" };
}

/** Tells whether root's stricter rules hold. @param {{user: string, own: boolean, ofRoot: boolean}} wizard */
export function strict({ user, own, ofRoot }) {
    return (user.trim() === "root" || ofRoot) && !own;
}

/**
 * Looks at the first step.
 * @param {Wizard} wizard
 * @param {(name: Name) => string} missing what to say of a field that is empty
 * @param {string} differs what to say if root's serials differ
 * @returns {Partial<Record<Name, string>>}
 */
export function check(wizard, missing, differs) {
    /** @type {Name[]} */
    const names = strict(wizard) ? ["user", "serial", "again"] : ["user", "serial"];
    /** @type {Partial<Record<Name, string>>} */
    const complaints = {};
    for (const name of names) {
        if (wizard[name].trim() === "")
            complaints[name] = missing(name);
    }
    if (strict(wizard) && complaints.again === undefined && bare(wizard.again) !== bare(wizard.serial))
        complaints.again = differs;
    return complaints;
}

/** @param {string} serial */
function bare(serial) {
    return serial.replace(/[\s-]/g, "").toUpperCase();
}

/**
 * Goes on to the codes.
 * @param {Wizard} wizard
 * @param {import("./wire.js").Token} token whose codes they are
 * @returns {Wizard}
 */
export function toCodes(wizard, token) {
    return { ...wizard, step: "codes", serial: token.serial, pair: begin(token), complaints: {}, trouble: null };
}

/** @param {Wizard} wizard @returns {Wizard} */
export function back(wizard) {
    return { ...wizard, step: "who", pair: begin(wizard.pair), complaints: {}, trouble: null };
}

/**
 * Takes a refusal: to the step and the field that it is about. The codes are forgotten each time.
 * @param {Wizard} wizard
 * @param {import("./failure.js").Failure} failure
 * @returns {Wizard}
 */
export function refused(wizard, failure) {
    const text = [failure.fact, failure.hint].filter((part) => part !== null).join(" ");
    const where = place(failure);
    const ofRoot = wizard.ofRoot || where === "again";
    const empty = { ...wizard, ofRoot, pair: begin(wizard.pair), complaints: {}, trouble: null };
    if (where === "codes")
        return { ...empty, pair: again(wizard.pair, text) };
    if (where === "clock")
        return { ...empty, clockIsFar: true, trouble: failure };
    const hasFirst = wizard.verb !== "resync" || strict(empty);
    if (where === "top" || !hasFirst || (wizard.verb === "resync" && where !== "again"))
        return { ...empty, trouble: failure };
    return { ...empty, step: "who", complaints: { [where]: text } };
}

/** @param {Wizard} wizard @param {import("./wire.js").Token} result @returns {Wizard} */
export function accepted(wizard, result) {
    return { ...wizard, step: "done", result, again: "", pair: begin(wizard.pair), complaints: {}, trouble: null };
}

/**
 * Returns the options of the call, login uid aside.
 * @param {Wizard} wizard
 * @param {number} elapsed
 */
export function options(wizard, elapsed) {
    return {
        elapsed,
        accept_clock: wizard.acceptClock ? true : null,
        serial_again: strict(wizard) ? wizard.again.trim() : null,
        fate: wizard.verb === "replace" ? wizard.fate : null,
    };
}
