// What translators get, and what the page gets back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogue, template, texts, textsOf, translations } from "../texts.js";

test("every_text_of_the_page_can_be_given_to_translators", () => {
    const all = texts();
    assert.ok(all.size > 100, `${all.size}`);
    assert.ok(all.has("Hardware tokens"), "the menu's word is in the same catalogue");
    for (const [text, places] of all)
        assert.match(text, /\p{L}/u, places[0]);
});

test("a_text_that_is_put_together_is_refused_with_its_place", () => {
    assert.deepEqual(textsOf("a.js", 'x(\n_("A \\"b\\""), y._(z))'), [{ text: 'A "b"', place: "a.js:2" }]);
    for (const wrong of ["_(`a ${b}`)", '_("a" + b)', "_(word)", "_('a')"])
        assert.throws(() => textsOf("a.js", `\n${wrong}`), /^Error: a\.js:2: /, wrong);
});

test("the_template_names_each_text_once_and_is_read_again", () => {
    const all = texts();
    const filled = template().replace(/^msgid (".+")\nmsgstr ""$/gm, "msgid $1\nmsgstr $1");
    assert.deepEqual([...translations(filled)], [...all.keys()].map((text) => [text, text]));
});

test("what_is_not_translated_or_guessed_stays_english", () => {
    const po = 'msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "Close"\nmsgstr "Zu"\n\n#, fuzzy\nmsgid "Lost"\nmsgstr "Los"\n\nmsgid "Next"\nmsgstr ""\n\nmsgid ""\n"Long "\n"text"\nmsgstr ""\n"Langer "\n"Text"\n';
    const translated = translations(po);
    assert.deepEqual([...translated], [["Close", "Zu"], ["Long text", "Langer Text"]]);
    /** @type {any} */
    let given;
    new Function("cockpit", catalogue("de", translated))({ locale: (/** @type {any} */ all) => { given = all; } });
    assert.deepEqual(given.Close, [null, "Zu"]);
    assert.equal(given[""].language, "de");
});
