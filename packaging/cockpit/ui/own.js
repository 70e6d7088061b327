// One's own token: for everybody, through one's own bridge.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import { _, fill } from "../core/text.js";
import { ago, lastFour, stateLabel, syncLabel } from "../core/view.js";
import { badge, button, el, empty, put, trouble } from "./dom.js";
import { reportLost } from "./remove.js";
import { open } from "./wizard.js";

/** Below so many a person needs new recovery codes: as `fobctl show` warns. */
const FEW = 3;

/** @param {HTMLElement} place @param {{redraw: () => void}} app @returns {Promise<import("../app.js").Seen>} */
export async function own(place, { redraw }) {
    try {
        const report = await bus.showUser(await bus.ownName(), "own");
        return { data: report, show: () => put(place, ...draw(report, redraw)) };
    } catch (error) {
        const known = failure(error);
        return { data: known, show: () => put(place, trouble(known)) };
    }
}

/** @param {import("../core/wire.js").User} report @param {() => void} redraw */
function draw(report, redraw) {
    const title = el("h2", {}, _("Your token"));
    const tokens = report.tokens.filter((token) => token.state === "assigned");
    if (tokens.length === 0)
        return [title, empty(_("You have no token"), _("An administrator gives you one."))];
    const now = Math.floor(Date.now() / 1000);
    return [title, ...tokens.map((token) => el("section", { class: "card" },
        el("h3", {}, fill(_("Token $0"), lastFour(token.serial)), " ", badge(stateLabel(token.state))),
        el("dl", { class: "facts" },
            el("dt", {}, _("In sync until")), el("dd", {}, badge(syncLabel(token, now))),
            el("dt", {}, _("Last used")), el("dd", {}, ago(token.lastUsed, now)),
            el("dt", {}, _("Asked for")), el("dd", {}, asked(report)),
            report.recoveryLeft !== null && el("dt", {}, _("Recovery codes left")),
            report.recoveryLeft !== null && el("dd", {}, recovery(report.recoveryLeft))),
        // root's own is no self-service: uid 0 types its serial, on the page of the tokens.
        report.uid === 0
            ? el("p", { class: "help" }, _("root's token has stricter rules: an administrator resyncs it under Tokens."))
            : el("div", { class: "actions" },
                button(_("Resync"), () => void open("resync", { user: report.user, own: true, token }, redraw), { class: "button primary" }),
                mayReport(report) && button(_("Report lost"), () => reportLost(report.user, token, redraw), { class: "button" })),
        el("p", { class: "help" }, mayReport(report)
            ? _("Is it lost? Report it at once, and tell an administrator: he gives you another one.")
            : _("Is it lost? Tell an administrator at once: he takes it out of use and gives you another one."))))];
}

/** @param {import("../core/wire.js").User} report */
function asked(report) {
    return report.shares.some((share) => share.asks === "pair")
        ? badge({ text: _("two codes in a row, somewhere"), tone: "warning" })
        : _("one code");
}

/** Tells whether he has a code that proves it. @param {import("../core/wire.js").User} report */
function mayReport(report) {
    return report.uid !== 0 && (report.recoveryLeft ?? 0) > 0;
}

/** @param {number} left */
function recovery(left) {
    return left < FEW ? badge({ text: String(left), tone: "warning" }) : String(left);
}
