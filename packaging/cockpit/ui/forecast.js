// Which tokens need a resync or a replacement soon, as fobctl reckons it.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import { _ } from "../core/text.js";
import { actionLabel, driftText, needLabel, syncLabel } from "../core/view.js";
import { badge, button, el, empty, put, table, trouble } from "./dom.js";
import { choice } from "./field.js";
import { act } from "./tokens.js";

const view = { days: "90" };

/** @param {HTMLElement} place @param {{redraw: () => void}} app @returns {Promise<import("../app.js").Seen>} */
export async function forecast(place, { redraw }) {
    const body = frame(place, redraw);
    try {
        const found = await bus.forecast(Number(view.days));
        return { data: found, show: () => put(body, draw(found, redraw)) };
    } catch (error) {
        const known = failure(error);
        return { data: known, show: () => put(body, trouble(known)) };
    }
}

/** @param {HTMLElement} place @param {() => void} redraw @returns {HTMLElement} */
function frame(place, redraw) {
    const kept = place.querySelector(".forecast-body");
    if (kept instanceof HTMLElement)
        return kept;
    const body = el("div", { class: "forecast-body" }, el("p", { class: "loading", role: "status" }, _("Loading …")));
    const days = choice(_("Within"), [["30", _("30 days")], ["90", _("90 days")], ["180", _("180 days")], ["365", _("a year")]], { name: "days" });
    days.node.classList.add("inline");
    days.select.value = view.days;
    days.select.addEventListener("change", () => {
        view.days = days.select.value;
        redraw();
    });
    put(place, el("h2", {}, _("Forecast")), el("div", { class: "toolbar" }, days.node), body);
    return body;
}

/** @param {import("../core/wire.js").Token[]} found @param {() => void} redraw */
function draw(found, redraw) {
    if (found.length === 0)
        return empty(_("All is well"), _("No token needs a hand in that time."));
    const now = Math.floor(Date.now() / 1000);
    const heads = [_("Serial"), _("User"), _("What to do"), _("In sync until"), _("Drift"), _("Actions")];
    return table(_("Tokens that need a hand"), heads, found.map((token) => [
        token.serial,
        token.user ?? "–",
        el("span", { class: "badges" }, ...token.needs.map((need) => badge({ text: needLabel(need), tone: "warning" }))),
        badge(syncLabel(token, now)),
        driftText(token),
        el("span", { class: "actions" }, .../** @type {const} */ (["resync", "replace"]).map((action) =>
            button(actionLabel(action), () => act(action, token, redraw), { "aria-label": `${actionLabel(action)}: ${token.serial}` }))),
    ]));
}
