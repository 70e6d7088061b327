// The page: its tabs, what is shown when nothing can be, and the look for news.

import * as bus from "./bus.js";
import { APART, News } from "./core/news.js";
import { _ } from "./core/text.js";
import { follow } from "./theme.js";
import { isOpen as dialogIsOpen } from "./ui/dialog.js";
import { button, el, empty, loading, put } from "./ui/dom.js";
import { events } from "./ui/events.js";
import { forecast } from "./ui/forecast.js";
import { isOpen as menuIsOpen } from "./ui/menu.js";
import { own } from "./ui/own.js";
import { tokens } from "./ui/tokens.js";

/**
 * What a view has learned, and what draws it.
 * @typedef {{data: unknown, show: () => void}} Seen
 */
/**
 * A view makes its frame at once, fetches, and returns what it saw.
 * @typedef {(place: HTMLElement, app: {redraw: () => void}) => Promise<Seen>} View
 */
/** @typedef {{path: string, text: string, view: View, isOwn: boolean, isTold: boolean}} Tab */

const MINUTE = 60_000;

const tabs = /** @type {Tab[]} */ ([
    { path: "/own", text: _("Your token"), view: own, isOwn: true, isTold: true },
    { path: "/tokens", text: _("Tokens"), view: tokens, isOwn: false, isTold: true },
    { path: "/forecast", text: _("Forecast"), view: forecast, isOwn: false, isTold: true },
    // A refusal is an event and changes no token: no signal comes.
    { path: "/events", text: _("Events"), view: events, isOwn: false, isTold: false },
]);

const app = document.getElementById("app");
const nav = el("nav", { class: "tabs", "aria-label": _("Parts of this page") });
const place = el("main", { tabindex: -1 });
/** Whether this person may administer; null until Cockpit says it. */
let mayAdminister = /** @type {boolean|null} */ (null);
/** Views that were asked for: an answer to an earlier question is not shown. */
let asked = 0;
let shown = /** @type {Tab|null} */ (null);
const news = new News();
/** What is drawn: the same is not drawn again, so that nobody loses his place. */
let drawn = "";

function current() {
    const path = window.location.hash.replace(/^#/, "");
    const found = tabs.find((tab) => tab.path === path);
    const fallback = mayAdminister === true ? tabs[1] : tabs[0];
    return /** @type {Tab} */ (found ?? fallback);
}

/** Shows what there is now. @param {"asked"|"by itself"} [why] */
async function redraw(why = "asked") {
    const tab = current();
    put(nav, ...tabs.map(({ path, text }) =>
        el("a", { href: `#${path}`, "aria-current": path === tab.path ? "page" : null }, text)));
    asked += 1;
    const number = asked;
    news.begin(Date.now());
    if (tab !== shown) {
        put(place, loading(_("Loading …")));
        drawn = "";
    }
    shown = tab;
    if (!tab.isOwn && mayAdminister !== true) {
        put(place, el("h2", {}, tab.text), mayAdminister === null ? loading(_("Loading …")) : noRights());
        drawn = "";
        news.end(Date.now());
        return;
    }
    const { data, show } = await tab.view(place, { redraw: () => void redraw() }).finally(() => {
        // Else another look has begun.
        if (number === asked)
            news.end(Date.now());
    });
    if (number !== asked)
        return;
    // "2 minutes ago" is another minute's word soon.
    const seen = JSON.stringify([data, Math.floor(Date.now() / MINUTE)]);
    if (seen === drawn)
        return;
    // Nothing is drawn under an open menu, or behind a dialog that was opened meanwhile: it is looked at
    // again when that is closed.
    if (menuIsOpen() || (why === "by itself" && dialogIsOpen())) {
        news.heard();
        return;
    }
    drawn = seen;
    const held = signature(document.activeElement);
    show();
    if (held !== "" && document.activeElement === document.body)
        /** @type {HTMLElement[]} */ ([...place.querySelectorAll("button, a, input")]).find((element) => signature(element) === held)?.focus();
}

/** Says which control it is, so that the focus goes to its successor. @param {Element|null} element */
function signature(element) {
    if (!(element instanceof HTMLElement) || !place.contains(element))
        return "";
    return [element.localName, element.getAttribute("name"), element.getAttribute("aria-label"), element.textContent].join("|");
}

function noRights() {
    return empty(_("Administrative access is needed"),
        _("Turn it on in the menu of Cockpit, at the top, to see the tokens of this host."),
        button(_("Try again"), () => window.location.reload()));
}

/** Looks for news if it is time, and nobody is in the middle of something. */
function look() {
    const isBusy = document.hidden || cockpit.hidden || dialogIsOpen() || menuIsOpen();
    if (!isBusy && news.isDue(Date.now(), current().isTold && bus.isTold()))
        void redraw("by itself");
}

function begin() {
    if (app === null)
        return;
    follow();
    document.documentElement.lang = (cockpit.language ?? "en").replace("_", "-");
    document.title = _("Hardware tokens");
    put(app, el("header", {}, el("h1", {}, _("Hardware tokens")), nav), place);
    const permission = cockpit.permission({ admin: true });
    const judge = () => {
        if (mayAdminister === permission.allowed)
            return;
        mayAdminister = permission.allowed;
        bus.forget();
        if (mayAdminister === true)
            bus.attend();
        void redraw();
    };
    permission.addEventListener("changed", judge);
    bus.onAccess(() => window.location.reload());
    window.addEventListener("hashchange", () => void redraw());
    bus.listen(() => {
        news.heard();
        look();
    });
    window.setInterval(look, APART);
    judge();
    void redraw();
}

cockpit.transport.wait(begin);
