// A labelled field with a place for what is wrong with it.

import { el, fresh, put } from "./dom.js";

/**
 * @typedef {object} Field
 * @property {HTMLElement} node
 * @property {HTMLInputElement} input
 * @property {(text: string|null) => void} complain
 */

/**
 * @param {string} label
 * @param {import("./dom.js").Attributes} attributes of the input
 * @param {{help?: string, suggestions?: HTMLDataListElement|null}} [more]
 * @returns {Field}
 */
export function field(label, attributes, { help = "", suggestions = null } = {}) {
    const id = fresh("field");
    const wrong = el("p", { class: "wrong", id: `${id}-wrong`, "aria-live": "polite" });
    const input = el("input", {
        id, type: "text", autocomplete: "off", spellcheck: "false", autocapitalize: "off",
        list: suggestions?.id, "aria-describedby": `${id}-help ${id}-wrong`, ...attributes,
    });
    const node = el("div", { class: "field" },
        el("label", { for: id }, label), input, suggestions,
        el("p", { class: "help", id: `${id}-help` }, help), wrong);
    const complain = (/** @type {string|null} */ text) => {
        put(wrong, text);
        if (text === null)
            input.removeAttribute("aria-invalid");
        else
            input.setAttribute("aria-invalid", "true");
    };
    input.addEventListener("input", () => complain(null));
    return { node, input, complain };
}

/** @param {string[]} values */
export function suggestions(values) {
    return el("datalist", { id: fresh("list") }, ...values.map((value) => el("option", { value })));
}

/**
 * @param {string} label
 * @param {[string, string][]} choices value and text
 * @param {import("./dom.js").Attributes} [attributes]
 */
export function choice(label, choices, attributes = {}) {
    const id = fresh("choice");
    const select = el("select", { id, ...attributes }, ...choices.map(([value, text]) => el("option", { value }, text)));
    return { node: el("div", { class: "field" }, el("label", { for: id }, label), select), select };
}

/** @param {string} label @param {boolean} on */
export function tick(label, on = false) {
    const id = fresh("tick");
    const input = el("input", { id, type: "checkbox", checked: on });
    return { node: el("div", { class: "tick" }, input, el("label", { for: id }, label)), input };
}
