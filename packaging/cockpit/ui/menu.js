// The menu of a row, by the pattern "menu button" of the ARIA practices.

import { button, el, fresh } from "./dom.js";

let open = 0;

/** Tells whether a menu is open: then its table is not drawn anew. */
export function isOpen() {
    return open > 0;
}

/**
 * @param {string} label for whom does not see the dots
 * @param {{text: string, act: () => void, dangerous?: boolean}[]} items
 */
export function menu(label, items) {
    const id = fresh("menu");
    const list = el("div", { class: "menu", role: "menu", id, "aria-label": label, hidden: true });
    const opener = button("⋮", () => (list.hidden ? show() : hide()), {
        class: "button plain", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id,
    });
    const entries = items.map(({ text, act, dangerous }) => button(text, () => {
        hide();
        act();
    }, { role: "menuitem", tabindex: -1, class: dangerous === true ? "menu-item danger" : "menu-item" }));
    list.append(...entries);
    const node = el("div", { class: "menu-place", keydown: steer, focusout: left }, opener, list);

    function show() {
        list.hidden = false;
        // In the window's coordinates, since the table around it cuts off what sticks out. Above the
        // button where there is no room below.
        const at = opener.getBoundingClientRect();
        const isLow = window.innerHeight - at.bottom < list.offsetHeight;
        list.style.top = `${isLow ? at.top - list.offsetHeight : at.bottom}px`;
        list.style.left = `${Math.max(0, at.right - list.offsetWidth)}px`;
        document.addEventListener("scroll", hide, { capture: true, once: true });
        open += 1;
        opener.setAttribute("aria-expanded", "true");
        entries[0]?.focus();
    }

    function hide() {
        if (list.hidden)
            return;
        list.hidden = true;
        open -= 1;
        opener.setAttribute("aria-expanded", "false");
        opener.focus();
    }

    /** @param {FocusEvent} event */
    function left(event) {
        if (!list.hidden && !(event.relatedTarget instanceof Node && node.contains(event.relatedTarget))) {
            list.hidden = true;
            open -= 1;
            opener.setAttribute("aria-expanded", "false");
        }
    }

    /** @param {KeyboardEvent} event */
    function steer(event) {
        if (list.hidden)
            return;
        const at = entries.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
        const end = entries.length - 1;
        const to = { ArrowDown: at < end ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : end, Home: 0, End: end }[event.key];
        if (to !== undefined)
            entries[to]?.focus();
        else if (event.key === "Escape")
            hide();
        else
            return;
        event.preventDefault();
        event.stopPropagation();
    }

    return node;
}
