// A dialog: the browser's own, which keeps the focus inside and gives it back.

import { _ } from "../core/text.js";
import { el, fresh, put, trouble } from "./dom.js";

let open = 0;

/** Tells whether a dialog is open: then nothing is drawn anew behind it. */
export function isOpen() {
    return open > 0;
}

/** @param {Element} control @returns {control is HTMLElement} */
function canHaveFocus(control) {
    return control instanceof HTMLElement && !control.hasAttribute("disabled") && control.checkVisibility();
}

/**
 * @typedef {object} Dialog
 * @property {(...children: import("./dom.js").Child[]) => void} show what stands in it
 * @property {(buttons: HTMLButtonElement[]) => void} buttons beside Cancel
 * @property {(failure: import("../core/failure.js").Failure|null) => void} fail at the top
 * @property {(work: () => Promise<void>) => Promise<void>} busy while this lasts
 * @property {() => void} onlyClose when all is done
 * @property {() => void} close
 */

/**
 * Opens one.
 * @param {string} title
 * @param {() => void} closed is called when it is gone, however it went
 * @returns {Dialog}
 */
export function dialog(title, closed) {
    const id = fresh("dialog");
    const top = el("div", {});
    const body = el("div", { class: "dialog-body" });
    const foot = el("div", { class: "dialog-foot" });
    const cancel = el("button", { type: "button", class: "button link", click: () => node.close() }, _("Cancel"));
    const form = el("form", { method: "dialog", novalidate: true },
        el("h2", { id }, title), top, body, foot);
    const node = el("dialog", { "aria-labelledby": id }, form);
    let working = false;
    // Enter means the first button. The browser's own answer, to close, is never meant.
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement))
            return;
        event.preventDefault();
        const [first] = foot.querySelectorAll("button.primary, button.dangerous");
        if (first instanceof HTMLButtonElement && !first.disabled)
            first.click();
    });
    node.addEventListener("cancel", (event) => {
        if (working)
            event.preventDefault();
    });
    node.addEventListener("close", () => {
        open -= 1;
        node.remove();
        closed();
    });
    document.body.append(node);
    open += 1;
    node.showModal();
    put(foot, cancel);
    return {
        show: (...children) => put(body, ...children),
        buttons: (buttons) => put(foot, ...buttons, cancel),
        fail: (failure) => put(top, failure === null ? null : trouble(failure)),
        busy: async (work) => {
            working = true;
            node.setAttribute("aria-busy", "true");
            const all = [...node.querySelectorAll("button, input, select")];
            const before = all.map((control) => control.hasAttribute("disabled"));
            all.forEach((control) => control.setAttribute("disabled", ""));
            const back = () => {
                working = false;
                node.removeAttribute("aria-busy");
                all.forEach((control, index) => control.toggleAttribute("disabled", before[index]));
            };
            try {
                await work();
            } finally {
                back();
                // A control that was disabled has lost the focus.
                if (node.open && !node.contains(document.activeElement))
                    [...node.querySelectorAll("input, button")].find(canHaveFocus)?.focus();
            }
        },
        onlyClose: () => {
            const close = el("button", { type: "button", class: "button primary", click: () => node.close() }, _("Close"));
            put(foot, close);
            close.focus();
        },
        close: () => node.close(),
    };
}
