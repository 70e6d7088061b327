// Two codes in a row: what has been typed, what is waited for, and what is said about it. Pure: the
// time is an argument, in milliseconds of a clock that nobody sets.

import { isWhole, isWrong, normalise } from "./code.js";
import { _, fill } from "./text.js";

/** @typedef {"code1"|"code2"} Field */
/** @typedef {{field: Field, text: string}} Complaint */
/**
 * @typedef {object} Pair
 * @property {number|null} digits of a code; null if the token is not known
 * @property {number|null} period in seconds; null for a token with a button
 * @property {string} code1
 * @property {string} code2
 * @property {number|null} since when code 1 was complete
 * @property {number|null} until when code 2 was complete
 * @property {Complaint|null} complaint
 */

/**
 * Begins with empty fields.
 * @param {{digits?: number|null, period?: number|null}} token
 * @param {Complaint|null} [complaint] why the last try failed
 * @returns {Pair}
 */
export function begin({ digits = null, period = null }, complaint = null) {
    return { digits, period, code1: "", code2: "", since: null, until: null, complaint };
}

/**
 * Takes what a field holds now.
 * @param {Pair} pair
 * @param {Field} field
 * @param {string} typed
 * @param {number} now
 * @returns {Pair}
 */
export function type(pair, field, typed, now) {
    const code = normalise(typed);
    if (pair[field] === code)
        return pair;
    const whole = isWhole(code, pair.digits);
    const complaint = isWrong(code, pair.digits) ? { field, text: shape(pair.digits) } : null;
    const next = { ...pair, [field]: code, complaint };
    if (field === "code1")
        return { ...next, since: whole ? now : null };
    const equal = whole && code === pair.code1 ? { field, text: same(pair) } : complaint;
    return { ...next, until: whole ? now : null, complaint: equal };
}

/**
 * Looks whether both codes may be sent.
 * @param {Pair} pair
 * @returns {Complaint|null} what is wrong; null if nothing is
 */
export function check(pair) {
    for (const field of /** @type {Field[]} */ (["code1", "code2"])) {
        if (!isWhole(pair[field], pair.digits))
            return { field, text: shape(pair.digits) };
    }
    return pair.code1 === pair.code2 ? { field: "code2", text: same(pair) } : null;
}

/**
 * Returns the seconds between the two inputs, as the methods take them.
 * @param {Pair} pair
 * @returns {number}
 */
export function elapsed(pair) {
    if (pair.since === null || pair.until === null)
        return 0;
    return Math.max(0, Math.round((pair.until - pair.since) / 1000));
}

/**
 * Forgets both codes: they were refused, or have been sent.
 * @param {Pair} pair
 * @param {string} text why, for the first field
 * @returns {Pair}
 */
export function again(pair, text) {
    return begin(pair, { field: "code1", text });
}

/**
 * Says what to do now; the countdown begins when code 1 is complete.
 * @param {Pair} pair
 * @param {number} now
 * @returns {{text: string, seconds: number|null, part: number}} seconds that it takes at most; part
 *     of them that is over, 0 to 1
 */
export function advice(pair, now) {
    if (pair.since === null)
        return { text: _("Type the code that the token shows now."), seconds: null, part: 0 };
    if (isWhole(pair.code2, pair.digits) && pair.code2 !== pair.code1)
        return { text: _("Both codes are complete."), seconds: null, part: 1 };
    if (pair.period === null)
        return { text: _("Press the token's button again, and type the next code."), seconds: null, part: 0 };
    const left = Math.ceil(pair.period - (now - pair.since) / 1000);
    if (left <= 0)
        return { text: _("The token shows a new code now. Type it."), seconds: 0, part: 1 };
    const text = fill(_("Wait until the token shows a new code. That takes at most $0\u00a0s."), left);
    return { text, seconds: left, part: 1 - left / pair.period };
}

/** @param {number|null} digits */
function shape(digits) {
    return digits === null ? _("A code has 6 to 8 digits.") : fill(_("A code of this token has $0 digits."), digits);
}

/** @param {Pair} pair */
function same(pair) {
    return pair.period === null
        ? _("This is the same code again. Press the button, and type the next one.")
        : _("This is the same code again. Wait until the token shows a new one.");
}
