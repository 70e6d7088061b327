// The log of decisions and changes, as fobctl reads it.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import { _ } from "../core/text.js";
import { eventRow } from "../core/view.js";
import { badge, el, empty, put, table, trouble } from "./dom.js";
import { field } from "./field.js";

/** Events that are shown. */
const LINES = 100;
/** Pause after a key before the log is read. */
const PAUSE = 400;
const view = { user: "", serial: "", event: "" };

/** @param {HTMLElement} place @param {{redraw: () => void}} app @returns {Promise<import("../app.js").Seen>} */
export async function events(place, { redraw }) {
    const body = frame(place, redraw);
    try {
        const found = await bus.events({ ...view, lines: LINES });
        return { data: found, show: () => put(body, draw(found)) };
    } catch (error) {
        const known = failure(error);
        return { data: known, show: () => put(body, trouble(known)) };
    }
}

/** @param {HTMLElement} place @param {() => void} redraw @returns {HTMLElement} */
function frame(place, redraw) {
    const kept = place.querySelector(".events-body");
    if (kept instanceof HTMLElement)
        return kept;
    const body = el("div", { class: "events-body" }, el("p", { class: "loading", role: "status" }, _("Loading …")));
    let timer = 0;
    /** @type {[keyof typeof view, string][]} */
    const names = [["user", _("User")], ["serial", _("Serial")], ["event", _("Event or verdict")]];
    const fields = names.map(([name, label]) => {
        const made = field(label, { name, value: view[name] });
        made.node.classList.add("inline");
        made.input.addEventListener("input", () => {
            window.clearTimeout(timer);
            timer = window.setTimeout(() => {
                view[name] = made.input.value.trim();
                redraw();
            }, PAUSE);
        });
        return made.node;
    });
    put(place, el("h2", {}, _("Events")), el("div", { class: "toolbar" }, ...fields), body);
    return body;
}

/** @param {import("../core/wire.js").Event[]} found the oldest first */
function draw(found) {
    if (found.length === 0)
        return empty(_("No event"), _("Nothing in the log fits."));
    const heads = [_("When"), _("What"), _("User"), _("Token"), _("Where"), _("More")];
    return table(_("Events, the newest first"), heads, found.map(eventRow).reverse().map((row) =>
        [row.time, badge(row.what), row.user, row.serial, row.where, el("span", { class: "more" }, row.more)]));
}
