// Codes as people type them. A code is held no longer than its field is filled in: it is in no
// address, no storage and no message but the one call.

/** Digits of a code where the token is not known yet: six to eight (RFC 4226 section 5.3). */
const FEWEST = 6;
const MOST = 8;

/**
 * Drops the spaces and dashes that people put between the digits.
 * @param {string} typed
 * @returns {string}
 */
export function normalise(typed) {
    return typed.replace(/[\s\u00a0-]/g, "");
}

/**
 * Tells whether this is a whole code.
 * @param {string} code after {@link normalise}
 * @param {number|null} digits what the token shows; null if it is not known
 * @returns {boolean}
 */
export function isWhole(code, digits) {
    const [fewest, most] = digits === null ? [FEWEST, MOST] : [digits, digits];
    return /^\d+$/.test(code) && code.length >= fewest && code.length <= most;
}

/**
 * Tells whether this cannot become a code by typing on.
 * @param {string} code after {@link normalise}
 * @param {number|null} digits
 * @returns {boolean}
 */
export function isWrong(code, digits) {
    return /\D/.test(code) || code.length > (digits ?? MOST);
}
