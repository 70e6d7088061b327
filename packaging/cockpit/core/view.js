// Tokens and events as people read them. Pure: the time is an argument, Unix seconds.

import { _, fill } from "./text.js";

/** @typedef {import("./wire.js").Token} Token */
/** @typedef {import("./wire.js").User} User */
/** @typedef {import("./wire.js").Event} Event */
/** @typedef {"good"|"warning"|"danger"|"quiet"|"none"} Tone */
/** @typedef {"assign"|"resync"|"unlock"|"replace"|"deactivate"} Action */
/** @typedef {{text: string, tone: Tone}} Label */

/** Below so many days a token is worth a warning: the default of `fobctl forecast`. */
const SOON = 30 * 24 * 60 * 60;

/** @param {string} state @returns {Label} */
export function stateLabel(state) {
    switch (state) {
    case "assigned": return { text: _("Assigned"), tone: "good" };
    case "stock": return { text: _("In stock"), tone: "quiet" };
    case "lost": return { text: _("Lost"), tone: "danger" };
    case "retired": return { text: _("Retired"), tone: "quiet" };
    default: return { text: state, tone: "quiet" };
    }
}

/**
 * Returns what may be done with a token.
 * @param {Token} token
 * @returns {Action[]}
 */
export function actions(token) {
    if (token.state === "assigned")
        return ["resync", "unlock", "replace", "deactivate"];
    return token.state === "stock" ? ["assign"] : [];
}

/** @param {Action} action */
export function actionLabel(action) {
    switch (action) {
    case "assign": return _("Assign");
    case "resync": return _("Resync");
    case "unlock": return _("Unlock");
    case "replace": return _("Replace");
    case "deactivate": return _("Deactivate");
    }
}

/** Shows no more of one's own serial than is needed to tell two tokens apart. @param {string} serial */
export function lastFour(serial) {
    return serial.length > 4 ? `…${serial.slice(-4)}` : serial;
}

/**
 * Says until when the next code is expected to be accepted at the first try.
 * @param {Token} token
 * @param {number} now
 * @returns {Label}
 */
export function syncLabel(token, now) {
    if (token.state !== "assigned")
        return { text: "–", tone: "none" };
    if (token.kind === "hotp")
        return { text: _("Has a button"), tone: "quiet" };
    if (token.inSyncUntil === null || token.inSyncUntil <= now)
        return { text: _("May ask for two codes"), tone: "warning" };
    return { text: date(token.inSyncUntil), tone: token.inSyncUntil - now < SOON ? "warning" : "good" };
}

/** @param {Token} token */
export function driftText(token) {
    if (token.drift === null)
        return _("not known yet");
    if (token.drift === 0)
        return _("right to the second");
    return token.drift > 0
        ? fill(_("$0 s ahead"), token.drift)
        : fill(_("$0 s behind"), -token.drift);
}

/** @param {Token} token */
export function kindText(token) {
    const maker = [token.manufacturer, token.model].filter((part) => part !== null && part !== "").join(" ");
    const way = token.kind === "hotp" ? _("button") : token.period === null ? "" : fill(_("$0 s"), token.period);
    const digits = token.digits === null ? "" : fill(_("$0 digits"), token.digits);
    return [maker, digits, way].filter((part) => part !== "").join(", ");
}

/** @param {string} need a word of `fobctl forecast --json` */
export function needLabel(need) {
    switch (need) {
    case "faulty": return _("Replace: its clock is faulty");
    case "out-of-sync": return _("Resync: its clock is not known any more");
    case "soon": return _("Resync soon");
    case "unused": return _("Not used for long");
    default: return need.replace(/[_-]/g, " ");
    }
}

/** @param {number} unix @returns {string} */
export function date(unix) {
    return new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(unix * 1000);
}

/** @param {number} unix @returns {string} */
export function moment(unix) {
    return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(unix * 1000);
}

/**
 * Says how long ago something was, as far as that is shorter than a date.
 * @param {number|null} unix
 * @param {number} now
 */
export function ago(unix, now) {
    if (unix === null)
        return _("never");
    const seconds = now - unix;
    const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
    if (seconds < 60)
        return _("just now");
    if (seconds < 3600)
        return words.format(-Math.floor(seconds / 60), "minute");
    if (seconds < 86400)
        return words.format(-Math.floor(seconds / 3600), "hour");
    return seconds < 30 * 86400 ? words.format(-Math.floor(seconds / 86400), "day") : date(unix);
}

function language() {
    const { cockpit } = globalThis;
    return (cockpit?.language ?? "en").replace("_", "-");
}

/** Fields of an event that have columns of their own, or say nothing to a person. */
const TOLD = ["user", "serial", "verdict", "service", "rhost", "caller", "share"];

/**
 * @param {Event} event
 * @returns {{seq: number, time: string, what: Label, user: string, serial: string, where: string, more: string}}
 */
export function eventRow(event) {
    const { fields } = event;
    const whence = [fields.service, fields.rhost === undefined ? undefined : fill(_("from $0"), fields.rhost)];
    const by = fields.login_uid ?? fields.caller;
    const more = Object.entries(fields)
        .filter(([name]) => !TOLD.includes(name) && name !== "login_uid")
        .map(([name, value]) => `${name}=${value}`);
    if (by !== undefined && by !== "0")
        more.unshift(fill(_("by uid $0"), by));
    return {
        seq: event.seq,
        time: moment(event.time),
        what: happened(event),
        user: fields.user ?? "–",
        serial: fields.serial ?? "–",
        where: whence.filter((part) => part !== undefined).join(" ") || "–",
        more: more.join(", "),
    };
}

/** @param {Event} event @returns {Label} */
function happened({ event, fields }) {
    if (event === "alarm")
        return { text: fill(_("alarm: $0"), fields.what ?? ""), tone: "danger" };
    if (event !== "verify")
        return { text: event.replace(/_/g, " "), tone: "quiet" };
    switch (fields.verdict) {
    case "accept": return { text: _("accepted"), tone: "good" };
    case "reject": return { text: _("rejected"), tone: "warning" };
    default: return { text: fields.verdict ?? "", tone: "warning" };
    }
}

/**
 * Tells whether a token is what somebody searches for: a part of its serial, its user or its maker,
 * in any case, with or without dashes and spaces.
 * @param {Token} token
 * @param {string} sought
 */
export function fits(token, sought) {
    const bare = (/** @type {string} */ text) => text.toLowerCase().replace(/[\s-]/g, "");
    const wanted = bare(sought);
    return [token.serial, token.user, token.manufacturer, token.model, token.batch]
        .some((part) => part !== null && bare(part).includes(wanted));
}
