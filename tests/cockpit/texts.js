// The texts of the page for translators, and their translations for the page.
//
//   node tests/cockpit/texts.js                  prints the template, a .pot of gettext's
//   node tests/cockpit/texts.js de <de.po        prints packaging/cockpit/po.de.js
//
// The page asks Cockpit for po.js and gets the file of the reader's language, if there is one.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../../packaging/cockpit/", import.meta.url);
/** A string of JavaScript's in double quotes. */
const LITERAL = /^"(?:[^"\\\n]|\\.)*"/;

/**
 * Reads which texts a source asks the catalogue for.
 * @param {string} name
 * @param {string} source
 * @returns {{text: string, place: string}[]}
 * @throws if a text is put together before it is asked for: no catalogue would have it
 */
export function textsOf(name, source) {
    const code = source.replace(/^(?:export )?function _\(.*$/m, "");
    return [...code.matchAll(/(?<![\w.$])_\(/g)].map(({ index }) => {
        const place = `${name}:${code.slice(0, index).split("\n").length}`;
        const rest = code.slice(index + 2);
        const [literal] = LITERAL.exec(rest) ?? [];
        if (literal === undefined || rest[literal.length] !== ")")
            throw new Error(`${place}: what _() is given is not one literal text`);
        return { text: /** @type {string} */ (JSON.parse(literal)), place };
    });
}

/** All texts of the page, with the places where they stand. @returns {Map<string, string[]>} */
export function texts() {
    const found = new Map();
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".js") && !name.startsWith("po."));
    for (const name of names.sort()) {
        for (const { text, place } of textsOf(name, readFileSync(new URL(name, folder), "utf8")))
            found.set(text, [...found.get(text) ?? [], place]);
    }
    return found;
}

/** @returns {string} the template, as xgettext(1) writes it */
export function template() {
    const entries = [...texts()].map(([text, places]) => `#: ${places.join(" ")}\nmsgid ${JSON.stringify(text)}\nmsgstr ""\n`);
    return ['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n', ...entries].join("\n");
}

/** Reads a translator's file; what is not translated yet, or only guessed ("fuzzy"), is left out. @param {string} po */
export function translations(po) {
    const found = new Map();
    for (const entry of po.split(/\n\s*\n/).filter((lines) => !/^#,.*\bfuzzy\b/m.test(lines))) {
        const word = (/** @type {string} */ key) => {
            const [, literals = ""] = new RegExp(`^${key} ((?:"[^\n]*"\\s*)+)`, "m").exec(entry) ?? [];
            return (literals.match(/"(?:[^"\\]|\\.)*"/g) ?? []).map((literal) => JSON.parse(literal)).join("");
        };
        if (word("msgid") !== "" && word("msgstr") !== "")
            found.set(word("msgid"), word("msgstr"));
    }
    return found;
}

/**
 * Returns a catalogue as `cockpit.locale` takes it. The page has no plurals.
 * @param {string} language
 * @param {Map<string, string>} translated
 */
export function catalogue(language, translated) {
    const words = [...translated].map(([text, theirs]) => [text, [null, theirs]]);
    const all = { "": { language }, ...Object.fromEntries(words) };
    return `cockpit.locale(${JSON.stringify(all, null, 1)});\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [, , language] = process.argv;
    process.stdout.write(language === undefined ? template() : catalogue(language, translations(readFileSync(0, "utf8"))));
}
