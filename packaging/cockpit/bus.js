// The way to fobd: its methods on the system bus, and fobctl for what needs a file or reads the log.
//
// An administrator's calls go through Cockpit's administrative access, which is the only place where
// uid 0 is. A user's own go through his own bridge, so that the bus attests his uid: nothing that
// this page says could make him somebody else.

import { failure, ofProgram } from "./core/failure.js";
import { people } from "./core/people.js";
import * as wire from "./core/wire.js";

const NAME = "org.fobd.Fob1";
const PATH = "/org/fobd/Fob1";
/** Longest time of a call, in milliseconds: fobctl's own patience with one token or page. */
const PATIENCE = 10_000;
/** What each method takes. */
const FORMATS = {
    Assign: "ssasa{sv}", Deactivate: "sa{sv}", List: "sua{sv}", ReportLost: "ssa{sv}", Resync: "sasa{sv}", Rotate: "ssasa{sv}",
    ShowToken: "s", ShowUser: "s", Status: "", Unlock: "sa{sv}",
};

/** @typedef {"own"|"administrator"} Role */

/** @type {Partial<Record<Role, import("cockpit").DBusClient>>} */
const clients = {};

/** What is called when fobd says that something has changed. */
let onNews = () => {};
/** Whether fobd is there, to the administrator's knowledge. */
let isThere = false;

/** Whether the way to the host is gone: nothing that is asked for then is ever answered. */
let isLost = false;

/** @param {Role} role */
function client(role) {
    const kept = clients[role];
    if (kept !== undefined)
        return kept;
    const made = cockpit.dbus(NAME, { bus: "system", superuser: role === "own" ? null : "require" });
    clients[role] = made;
    // The bus lets root alone receive it.
    if (role === "administrator") {
        made.subscribe({ path: PATH, interface: NAME, member: "Changed" }, () => onNews());
        // It comes and goes without a signal of its own: that is news, too.
        made.addEventListener("owner", (_event, owner) => {
            isThere = typeof owner === "string" && owner !== "";
            onNews();
        });
    }
    // The next call begins anew: fobd was restarted, or administrative access was given back.
    made.addEventListener("close", (_event, /** @type {{problem?: string}|undefined} */ end) => {
        isLost ||= end?.problem === "disconnected";
        if (clients[role] !== made)
            return;
        delete clients[role];
        if (role === "administrator")
            isThere = false;
    });
    return made;
}

/**
 * Calls when administrative access was given or taken back, in the menu of Cockpit. What is known of it
 * in this page is of its beginning: Cockpit's own pages load anew then, too.
 * @param {() => void} changed
 */
export function onAccess(changed) {
    const superuser = cockpit.dbus(null, { bus: "internal" }).proxy("cockpit.Superuser", "/superuser");
    let before = /** @type {boolean|null} */ (null);
    superuser.addEventListener("changed", () => {
        // "init" is while it is asked for; else it is "none", or by what it was got.
        if (superuser.Current === undefined || superuser.Current === "init")
            return;
        const now = superuser.Current !== "none";
        if (before !== null && before !== now)
            changed();
        before = now;
    });
}

/**
 * Calls, from now on, when fobd says that something has changed: to an administrator.
 * @param {() => void} heard
 */
export function listen(heard) {
    onNews = heard;
}

/** Tells whether fobd's signals come. Where they do not, asking from time to time is all there is. */
export function isTold() {
    return clients.administrator !== undefined && isThere;
}

/** Opens the administrator's way, on which the signals come, if it is not open. */
export function attend() {
    client("administrator");
}

/** Closes the administrator's way: his rights have changed. */
export function forget() {
    clients.administrator?.close();
    delete clients.administrator;
    isThere = false;
}

/**
 * @param {Role} role
 * @param {keyof typeof FORMATS} method
 * @param {unknown[]} values
 * @returns {Promise<unknown[]>}
 */
async function call(role, method, values) {
    if (isLost)
        throw failure({ problem: "disconnected" });
    try {
        // With a type the bridge does not ask for the interface's description, which the bus policy
        // denies to everybody but root.
        return await inTime(client(role).call(PATH, NAME, method, values, { type: FORMATS[method] }));
    } catch (error) {
        throw failure(error);
    }
}

/**
 * Waits no longer than a person would: the bridge itself has no limit.
 * @template Value
 * @param {Promise<Value>} answer
 * @returns {Promise<Value>}
 */
function inTime(answer) {
    return new Promise((keep, giveUp) => {
        const late = window.setTimeout(() => giveUp({ problem: "fobd-is-silent" }), PATIENCE);
        answer.then(keep, giveUp).finally(() => window.clearTimeout(late));
    });
}

/** @returns {Promise<number>} the uid with which this person signed in to Cockpit */
export async function loginUid() {
    return (await cockpit.user()).id;
}

/** @returns {Promise<string>} */
export async function ownName() {
    return (await cockpit.user()).name;
}

/** @param {string} name @param {Role} role */
export async function showUser(name, role) {
    const [report] = await call(role, "ShowUser", [name]);
    return wire.user(report);
}

/** @param {string} serial */
export async function showToken(serial) {
    const [report] = await call("administrator", "ShowToken", [serial]);
    return wire.token(report);
}

export async function status() {
    const [report] = await call("administrator", "Status", []);
    return wire.status(report);
}

/**
 * @param {string} cursor
 * @param {number} limit
 * @param {string} state "" for all
 */
export async function page(cursor, limit, state) {
    const only = wire.options(state === "" ? {} : { state });
    const [tokens, next] = await call("administrator", "List", [cursor, limit, only]);
    return { tokens: wire.tokens(tokens), next: typeof next === "string" ? next : "" };
}

/** @typedef {Record<string, string|number|boolean|null|undefined>} Options */

/**
 * @param {"Assign"|"Rotate"} method
 * @param {string} user
 * @param {string} serial
 * @param {string[]} codes
 * @param {Options} options
 */
export async function bind(method, user, serial, codes, options) {
    const all = wire.options({ ...options, login_uid: await loginUid() });
    const [report] = await call("administrator", method, [user, serial, codes, all]);
    return wire.token(report);
}

/** @param {Role} role @param {string} user @param {string[]} codes @param {Options} options */
export async function resync(role, user, codes, options) {
    const all = wire.options({ ...options, login_uid: await loginUid() });
    const [report] = await call(role, "Resync", [user, codes, all]);
    return wire.token(report);
}

/** @param {string} user @param {string} code */
export async function reportLost(user, code) {
    await call("own", "ReportLost", [user, code, wire.options({})]);
}

/** @param {string} user @param {Options} options */
export async function deactivate(user, options) {
    const all = wire.options({ ...options, login_uid: await loginUid() });
    const [report] = await call("administrator", "Deactivate", [user, all]);
    return wire.token(report);
}

/** @param {string} user */
export async function unlock(user) {
    await call("administrator", "Unlock", [user, wire.options({ login_uid: await loginUid() })]);
}

/** @returns {Promise<string[]>} names to suggest; none where they cannot be listed */
export async function userNames() {
    try {
        return people(await cockpit.spawn(["getent", "passwd"], { superuser: null, err: "ignore" }));
    } catch {
        return [];
    }
}

/**
 * Runs fobctl as an administrator.
 * @param {string[]} words
 * @param {Uint8Array|null} [input]
 * @returns {Promise<string>} what it printed
 */
async function fobctl(words, input = null) {
    if (isLost)
        throw failure({ problem: "disconnected" });
    const run = cockpit.spawn(["fobctl", ...words], { superuser: "require", err: "message", binary: true });
    if (input !== null)
        run.input(input);
    try {
        return new TextDecoder().decode(await run);
    } catch (error) {
        const { exit_status: exit, message } = /** @type {import("cockpit").ProcessError} */ (error);
        if (exit === null || exit === undefined)
            throw failure(error);
        // 4 is "the daemon does not answer" (fobctl(1)).
        const said = ofProgram(message ?? "");
        throw exit === 4 ? { ...said, kind: "absent" } : said;
    }
}

/** @param {{user: string, serial: string, event: string, lines: number}} only */
export async function events({ user, serial, event, lines }) {
    /** @type {[string, string][]} */
    const given = [["--user", user], ["--serial", serial], ["--event", event]];
    const words = given.filter(([, value]) => value !== "").map(([name, value]) => `${name}=${value}`);
    return wire.events(await fobctl(["log", "--json", `--lines=${lines}`, ...words]));
}

/** @param {number} days */
export async function forecast(days) {
    return wire.tokens(JSON.parse(await fobctl(["forecast", "--json", `--within=${days}`])));
}

/**
 * Hands a seed file to fobctl. Its bytes are wiped here as soon as they are on their way.
 * @param {File} file
 * @param {{dryRun: boolean, batch: string, format: string}} how
 */
export async function importSeeds(file, { dryRun, batch, format }) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const words = ["import", "--json"];
    if (dryRun)
        words.push("--dry-run");
    if (batch !== "")
        words.push(`--batch=${batch}`);
    if (format !== "")
        words.push(`--format=${format}`);
    try {
        return wire.receipt(await fobctl([...words, "-"], bytes));
    } finally {
        bytes.fill(0);
    }
}
