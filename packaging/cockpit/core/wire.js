// What comes over the bus and from fobctl, parsed at the edge: a key that is missing or of another
// type is "not known", as the contract wants it (org.fobd.Fob1(5)).

/**
 * @typedef {object} Token
 * @property {string} serial
 * @property {string} state stock, assigned, lost or retired
 * @property {string|null} user
 * @property {string|null} kind totp or hotp
 * @property {number|null} digits
 * @property {number|null} period seconds; null for a button
 * @property {number|null} drift seconds ahead
 * @property {number|null} rate ppm faster
 * @property {number|null} inSyncUntil Unix time
 * @property {number|null} lastUsed Unix time
 * @property {number|null} imported Unix time
 * @property {string|null} manufacturer
 * @property {string|null} model
 * @property {string|null} batch
 * @property {string[]} needs resync, replace …, of a forecast
 */
/** @typedef {{share: string, asks: string, wrong: number, until: number|null}} Share */
/**
 * @typedef {object} User
 * @property {string} user
 * @property {number|null} uid
 * @property {Token[]} tokens
 * @property {Share[]} shares
 * @property {number|null} recoveryLeft
 */
/** @typedef {{version: string, now: number, stock: number, assigned: number, lost: number, retired: number, observes: boolean}} Status */
/** @typedef {{t: string, v: unknown}} Variant */

/**
 * Takes the variants off, at any depth.
 * @param {unknown} value
 * @returns {unknown}
 */
export function plain(value) {
    if (Array.isArray(value))
        return value.map(plain);
    if (value === null || typeof value !== "object")
        return value;
    const keys = Object.keys(value);
    if (keys.length === 2 && "t" in value && "v" in value && typeof value.t === "string")
        return plain(value.v);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function dictionary(value) {
    const bare = plain(value);
    return bare !== null && typeof bare === "object" && !Array.isArray(bare)
        ? /** @type {Record<string, unknown>} */ (bare)
        : {};
}

/** @param {unknown} value @returns {string|null} */
function text(value) {
    return typeof value === "string" ? value : null;
}

/** @param {unknown} value @returns {number|null} */
function number(value) {
    return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {unknown} value @returns {unknown[]} */
function list(value) {
    return Array.isArray(value) ? value : [];
}

/** @param {unknown} value @returns {Token} */
export function token(value) {
    const of = dictionary(value);
    return {
        serial: text(of.serial) ?? "",
        state: text(of.state) ?? "",
        user: text(of.user),
        kind: text(of.kind),
        digits: number(of.digits),
        period: number(of.period),
        drift: number(of.drift),
        rate: number(of.rate),
        inSyncUntil: number(of.in_sync_until),
        lastUsed: number(of.last_used),
        imported: number(of.imported),
        manufacturer: text(of.manufacturer),
        model: text(of.model),
        batch: text(of.batch),
        needs: list(of.needs).filter((need) => typeof need === "string"),
    };
}

/** @param {unknown} value @returns {Token[]} */
export function tokens(value) {
    return list(plain(value)).map(token);
}

/** @param {unknown} value @returns {User} */
export function user(value) {
    const of = dictionary(value);
    const shares = list(of.shares).map(dictionary).map((share) => ({
        share: text(share.share) ?? "",
        asks: text(share.asks) ?? "",
        wrong: number(share.wrong) ?? 0,
        until: number(share.until),
    }));
    return {
        user: text(of.user) ?? "",
        uid: number(of.uid),
        tokens: tokens(of.tokens),
        shares,
        recoveryLeft: number(of.recovery_left),
    };
}

/** @param {unknown} value @returns {Status} */
export function status(value) {
    const of = dictionary(value);
    return {
        version: text(of.version) ?? "",
        now: number(of.now) ?? 0,
        stock: number(of.stock) ?? 0,
        assigned: number(of.assigned) ?? 0,
        lost: number(of.lost) ?? 0,
        retired: number(of.retired) ?? 0,
        observes: of.mode === "observe",
    };
}

/** The types of the options on the bus. @type {Record<string, string>} */
const TYPES = {
    elapsed: "u",
    login_uid: "u",
    fate: "s",
    state: "s",
    serial: "s",
    serial_again: "s",
    accept_clock: "b",
    leave_root_without_mfa: "b",
    leave_no_administrator: "b",
};

/**
 * Makes a dictionary of options; what is undefined or null is left out.
 * @param {Record<string, string|number|boolean|null|undefined>} values
 * @returns {Record<string, Variant>}
 */
export function options(values) {
    /** @type {Record<string, Variant>} */
    const out = {};
    for (const [name, value] of Object.entries(values)) {
        const type = TYPES[name];
        if (type === undefined)
            throw new TypeError(`no option is called ${name}`);
        if (value !== undefined && value !== null)
            out[name] = { t: type, v: value };
    }
    return out;
}

/** @typedef {{seq: number, time: number, event: string, fields: Record<string, string>}} Event */

/**
 * Reads `fobctl log --json`: an object on each line.
 * @param {string} output
 * @returns {Event[]}
 */
export function events(output) {
    return output.split("\n").filter((line) => line.trim() !== "").map((line) => {
        const of = dictionary(JSON.parse(line));
        const fields = Object.entries(dictionary(of.fields)).filter(([, value]) => typeof value === "string");
        return {
            seq: number(of.seq) ?? 0,
            time: number(of.time) ?? 0,
            event: text(of.event) ?? "",
            fields: /** @type {Record<string, string>} */ (Object.fromEntries(fields)),
        };
    });
}

/** @typedef {{line: number|null, serial: string|null, fact: string, hint: string|null}} Reject */
/**
 * @typedef {object} Receipt
 * @property {string} format
 * @property {number} added
 * @property {number} unchanged
 * @property {string|null} first
 * @property {string|null} last
 * @property {string|null} batch
 * @property {string} sha256
 * @property {string[]} notices
 * @property {Reject[]} rejected
 */

/**
 * Reads the receipt of `fobctl import --json`.
 * @param {string} output
 * @returns {Receipt}
 */
export function receipt(output) {
    const of = dictionary(JSON.parse(output));
    const rejected = list(of.rejected).map(dictionary).map((reject) => ({
        line: number(reject.line),
        serial: text(reject.serial),
        fact: text(reject.fact) ?? "",
        hint: text(reject.hint),
    }));
    return {
        format: text(of.format) ?? "",
        added: number(of.added) ?? 0,
        unchanged: number(of.unchanged) ?? 0,
        first: text(of.first),
        last: text(of.last),
        batch: text(of.batch),
        sha256: text(of.sha256) ?? "",
        notices: list(of.notices).filter((notice) => typeof notice === "string"),
        rejected,
    };
}
