// All tokens: for administrators.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import * as pages from "../core/pages.js";
import { _, fill } from "../core/text.js";
import { actionLabel, actions, ago, driftText, kindText, needLabel, stateLabel, syncLabel } from "../core/view.js";
import { alert, badge, button, el, empty, put, table, trouble } from "./dom.js";
import { choice, field } from "./field.js";
import { importSeeds } from "./import.js";
import { menu } from "./menu.js";
import { deactivate, unlock } from "./remove.js";
import { open } from "./wizard.js";

/** @typedef {import("../core/wire.js").Token} Token */
/** @typedef {import("../core/wire.js").Status} Status */

/** What is looked at; it stays while other tabs are. */
const view = { filter: "", sought: "", position: pages.first() };
/** Days that "expiring" looks ahead: as `fobctl forecast` does by itself. */
const DAYS = 90;
/** Pause after a key before the search begins. */
const PAUSE = 300;
/** Keys that were pressed: a search whose number is past is not shown. */
let searches = 0;

/** @param {HTMLElement} place @param {{redraw: () => void}} app @returns {Promise<import("../app.js").Seen>} */
export async function tokens(place, app) {
    const parts = frame(place, app);
    try {
        const number = searches;
        const [state, found] = await Promise.all([bus.status(), fetch(() => number !== searches)]);
        const { now: _now, ...counted } = state;
        return { data: [counted, found, view], show: () => draw(parts, state, found, app) };
    } catch (error) {
        const known = failure(error);
        return { data: known, show: () => put(parts.body, trouble(known)) };
    }
}

/**
 * @param {() => boolean} isStale
 * @returns {Promise<{tokens: Token[], next: string, searched: number|null}>}
 */
async function fetch(isStale) {
    const { filter, sought, position: { cursor } } = view;
    if (filter === "expiring") {
        const all = await bus.forecast(DAYS);
        return { tokens: all, next: "", searched: null };
    }
    if (sought === "")
        return { ...await pages.rows(bus.page, cursor, filter), searched: null };
    // A whole serial and a whole name are found at once, among however many.
    const exact = cursor === "" ? await directly(sought) : [];
    const known = exact.filter((token) => filter === "" || token.state === filter);
    if (known.length > 0)
        return { tokens: known, next: "", searched: null };
    return await pages.search(bus.page, { sought, state: filter, cursor }, isStale);
}

/** @param {string} sought @returns {Promise<Token[]>} */
async function directly(sought) {
    const [bySerial, byName] = await Promise.allSettled([bus.showToken(sought), bus.showUser(sought, "administrator")]);
    if (bySerial.status === "fulfilled")
        return [bySerial.value];
    return byName.status === "fulfilled" ? byName.value.tokens : [];
}

/** @typedef {{head: HTMLElement, body: HTMLElement}} Parts */

/**
 * Makes what stays while the list changes, so that the search keeps the focus.
 * @param {HTMLElement} place
 * @param {{redraw: () => void}} app
 * @returns {Parts}
 */
function frame(place, app) {
    const body = place.querySelector(".tokens-body");
    const head = place.querySelector(".tokens-head");
    if (body instanceof HTMLElement && head instanceof HTMLElement)
        return { body, head };
    const search = field(_("Search"), { type: "search", value: view.sought, name: "search", placeholder: _("Serial, user or maker") });
    search.node.classList.add("inline");
    const filter = choice(_("Show"), [
        ["", _("all")], ["stock", _("in stock")], ["assigned", _("assigned")], ["lost", _("lost")], ["retired", _("retired")],
        ["expiring", _("expiring")],
    ], { name: "filter" });
    filter.node.classList.add("inline");
    filter.select.value = view.filter;
    let timer = 0;
    const begin = () => {
        searches += 1;
        view.position = pages.first();
        view.sought = search.input.value.trim();
        view.filter = filter.select.value;
        app.redraw();
    };
    search.input.addEventListener("input", () => {
        window.clearTimeout(timer);
        timer = window.setTimeout(begin, PAUSE);
    });
    filter.select.addEventListener("change", begin);
    const made = { head: el("div", { class: "tokens-head" }), body: el("div", { class: "tokens-body" }) };
    put(place, el("div", { class: "heading" }, el("h2", {}, _("Tokens")), el("div", { class: "actions" },
        button(_("Assign"), () => void open("assign", {}, app.redraw), { class: "button primary" }),
        button(_("Import"), () => importSeeds(app.redraw)))),
    made.head, el("div", { class: "toolbar" }, search.node, filter.node), made.body);
    put(made.body, el("p", { class: "loading", role: "status" }, el("span", { class: "spinner", "aria-hidden": "true" }), _("Loading the tokens …")));
    return made;
}

/**
 * @param {Parts} parts
 * @param {Status} state
 * @param {{tokens: Token[], next: string, searched: number|null}} found
 * @param {{redraw: () => void}} app
 */
function draw({ head, body }, state, found, app) {
    put(head, state.observes && alert("warning", _("Nobody is asked for a code on this host: its mode is observe.")), counts(state));
    const all = state.stock + state.assigned + state.lost + state.retired;
    if (all === 0) {
        put(body, empty(_("There are no tokens yet"), _("Import the seed file that came with them."),
            button(_("Import"), () => importSeeds(app.redraw), { class: "button primary" })));
        return;
    }
    if (found.tokens.length === 0) {
        const text = found.next === ""
            ? _("Nothing fits the search and the filter.")
            : fill(_("Nothing among the $0 tokens that were searched so far."), found.searched ?? 0);
        put(body, empty(_("No token is found"), text), pager(found.next, app));
        return;
    }
    const now = state.now;
    const heads = [_("Serial"), _("User"), _("State"), _("In sync until"), _("Last used"), _("Drift"), _("Kind"), _("Actions")];
    put(body, table(_("Tokens"), heads, found.tokens.map((token) => [
        token.serial,
        token.user ?? "–",
        el("span", { class: "badges" }, badge(stateLabel(token.state)),
            ...token.needs.map((need) => badge({ text: needLabel(need), tone: "warning" }))),
        badge(syncLabel(token, now)),
        ago(token.lastUsed, now),
        token.state === "assigned" ? driftText(token) : "–",
        el("span", { class: "kind" }, kindText(token)),
        rowMenu(token, app),
    ])), pager(found.next, app));
}

/** @param {Status} state */
function counts(state) {
    /** @type {[string, number][]} */
    const all = [[_("in stock"), state.stock], [_("assigned"), state.assigned], [_("lost"), state.lost], [_("retired"), state.retired]];
    return el("ul", { class: "counts", "aria-label": _("How many tokens") }, ...all.map(([word, count]) =>
        el("li", {}, el("strong", {}, count.toLocaleString()), ` ${word}`)));
}

/** @param {string} next @param {{redraw: () => void}} app */
function pager(next, app) {
    const { before } = view.position;
    const go = (/** @type {pages.Position} */ position) => {
        view.position = position;
        searches += 1;
        app.redraw();
    };
    if (next === "" && before.length === 0)
        return null;
    const onward = view.sought === "" ? _("Next page") : _("Search on");
    return el("nav", { class: "pager", "aria-label": _("Pages") },
        button(_("Previous page"), () => go(pages.backward(view.position)), { disabled: before.length === 0 }),
        el("span", {}, fill(_("Page $0"), before.length + 1)),
        button(onward, () => go(pages.onward(view.position, next)), { disabled: next === "" }));
}

/** @param {Token} token @param {{redraw: () => void}} app */
function rowMenu(token, app) {
    const items = actions(token).map((action) => ({
        text: actionLabel(action),
        dangerous: action === "deactivate",
        act: () => act(action, token, app.redraw),
    }));
    return items.length === 0 ? "–" : menu(fill(_("Actions for token $0"), token.serial), items);
}

/**
 * @param {import("../core/view.js").Action} action
 * @param {Token} token
 * @param {() => void} changed
 */
export function act(action, token, changed) {
    const user = token.user ?? "";
    switch (action) {
    case "assign": return void open("assign", { serial: token.serial }, changed);
    case "replace": return void open("replace", { user }, changed);
    case "resync": return void open("resync", { user, serial: token.serial, token }, changed);
    case "unlock": return unlock(user, changed);
    case "deactivate": return deactivate(token, changed);
    }
}
