// Elements. What others wrote (serials, makers, names, texts of fobd) becomes text nodes and attribute
// values here, never markup; nothing in this page parses HTML.

import { _ } from "../core/text.js";

/** @typedef {Node|string|null|false|undefined} Child */
/** @typedef {Record<string, string|number|boolean|null|undefined|((event: any) => void)>} Attributes */

let last = 0;

/** Returns an id that no other element has. @param {string} word */
export function fresh(word) {
    last += 1;
    return `${word}-${last}`;
}

/**
 * Makes an element. A function is a listener, `true` an empty attribute; false, null and undefined
 * leave an attribute out.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function el(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "function")
            made.addEventListener(key, value);
        else if (value === true)
            made.setAttribute(key, "");
        else if (value !== false && value !== null && value !== undefined)
            made.setAttribute(key, String(value));
    }
    put(made, ...children);
    return made;
}

/** Replaces what is in an element. @param {Element} parent @param {...Child} children */
export function put(parent, ...children) {
    parent.replaceChildren(...children.filter(isThere));
}

/** @param {Child} child @returns {child is Node|string} */
function isThere(child) {
    return child !== null && child !== undefined && child !== false;
}

/**
 * @param {string} text
 * @param {() => void} act
 * @param {Attributes} [attributes]
 */
export function button(text, act, attributes = {}) {
    return el("button", { type: "button", class: "button", click: act, ...attributes }, text);
}

/** @param {import("../core/view.js").Label} label */
export function badge({ text, tone }) {
    return el("span", { class: `badge ${tone}` }, text);
}

/**
 * A message that screen readers say at once.
 * @param {"danger"|"warning"|"good"|"info"} tone
 * @param {string} text
 * @param {...Child} more
 */
export function alert(tone, text, ...more) {
    return el("div", { class: `alert ${tone}`, role: tone === "danger" ? "alert" : "status" },
        el("strong", {}, text), ...more);
}

/** @param {import("../core/failure.js").Failure} failure */
export function trouble(failure) {
    return alert(failure.kind === "unauthorized" ? "warning" : "danger", failure.fact,
        failure.hint !== null && el("p", {}, failure.hint),
        // Cockpit's own frame offers to connect again; on its own the page has to.
        failure.kind === "lost" && button(_("Reload"), () => window.location.reload()));
}

/** @param {string} title @param {string} text @param {...Child} more */
export function empty(title, text, ...more) {
    return el("div", { class: "empty" }, el("h3", {}, title), el("p", {}, text), ...more);
}

/** @param {string} text */
export function loading(text) {
    return el("p", { class: "loading", role: "status" }, el("span", { class: "spinner", "aria-hidden": "true" }), text);
}

/**
 * A table whose rows are read with their headings.
 * @param {string} caption
 * @param {string[]} heads
 * @param {Child[][]} rows
 */
export function table(caption, heads, rows) {
    return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
        el("table", {},
            el("caption", { class: "unseen" }, caption),
            el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
            el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell, index) =>
                index === 0
                    ? el("th", { scope: "row" }, cell)
                    : el("td", { "data-label": heads[index] ?? "" }, cell)))))));
}
