// What people read, in their language.

/**
 * Returns a text in the language of Cockpit's menu; under node, and without a catalogue, as it is.
 * @param {string} text
 * @returns {string}
 */
export function _(text) {
    const { cockpit } = globalThis;
    return cockpit === undefined ? text : cockpit.gettext(text);
}

/**
 * Puts values in the places `$0`, `$1` … of a text. They are put in once: a `$0` inside a value,
 * such as a serial, stays what it is.
 * @param {string} template
 * @param {...(string|number)} values
 * @returns {string}
 */
export function fill(template, ...values) {
    return template.replace(/\$(\d)/g, (place, index) => {
        const value = values[Number(index)];
        return value === undefined ? place : String(value);
    });
}
