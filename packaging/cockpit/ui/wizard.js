// Assign, Replace and Resync: the dialog around core/wizard.js and core/pair.js.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import * as codes from "../core/pair.js";
import { _, fill } from "../core/text.js";
import { driftText, kindText } from "../core/view.js";
import * as steps from "../core/wizard.js";
import { dialog } from "./dialog.js";
import { alert, button, el, put } from "./dom.js";
import { choice, field, suggestions, tick } from "./field.js";

/** Tokens of the stock that are suggested: more than anybody reads through. */
const SUGGESTED = 50;
/** Pause between two looks at the countdown. */
const TICK = 250;

/** @typedef {import("../core/wizard.js").Wizard} Wizard */

/** @param {Wizard} wizard */
function title({ verb, own, user }) {
    switch (verb) {
    case "assign": return _("Assign a token");
    case "replace": return _("Replace a token");
    case "resync": return own ? _("Resync my token") : fill(_("Resync the token of $0"), user);
    }
}

/**
 * Opens it.
 * @param {import("../core/wizard.js").Verb} verb
 * @param {Parameters<typeof steps.start>[1]} known
 * @param {() => void} changed is called when something was changed
 */
export async function open(verb, known, changed) {
    let wizard = steps.start(verb, known);
    const timer = { id: 0 };
    const box = dialog(title(wizard), () => {
        window.clearInterval(timer.id);
        // What was typed is gone with the fields; nothing else holds it.
        wizard = steps.back(wizard);
    });
    draw();

    function draw() {
        window.clearInterval(timer.id);
        box.fail(wizard.trouble);
        if (wizard.step === "who")
            drawWho();
        else if (wizard.step === "codes")
            drawCodes();
        else
            drawDone();
    }

    function drawWho() {
        const serials = suggestions([]);
        const names = suggestions([]);
        const isKnown = verb !== "assign" && wizard.user !== "";
        const user = field(_("User"), { value: wizard.user, readonly: isKnown, name: "user" }, { suggestions: names });
        const serialLabel = verb === "replace" ? _("Serial of the new token") : _("Serial");
        const serial = field(serialLabel, {
            value: verb === "resync" ? "" : wizard.serial, name: "serial",
        }, { help: _("It is printed on the token's back. Case, spaces and dashes do not matter."), suggestions: serials });
        const again = field(_("Serial again"), { name: "again", value: "" }, { help: _("root's token has stricter rules: type its serial in full, twice.") });
        const fate = choice(_("The old token"), [
            ["stock", _("goes back to stock")], ["lost", _("is lost: it never signs in again")], ["retire", _("is taken out of use")],
        ]);
        fate.select.value = wizard.fate;
        const read = () => {
            const name = user.input.value.trim();
            const ofRoot = wizard.ofRoot && name === wizard.user;
            wizard = { ...wizard, user: name, serial: serial.input.value, again: again.input.value, ofRoot, fate: fate.select.value };
        };
        const rules = () => {
            read();
            again.node.hidden = !steps.strict(wizard);
            // What is suggested is picked, not read off the token.
            serial.input.toggleAttribute("list", false);
            if (!steps.strict(wizard))
                serial.input.setAttribute("list", serials.id);
        };
        user.input.addEventListener("input", rules);
        box.show(user.node, serial.node, again.node, verb === "replace" && fate.node);
        rules();
        for (const [name, text] of Object.entries(wizard.complaints))
            ({ user, serial, again })[name]?.complain(text);
        const next = button(_("Next"), () => {
            read();
            const missing = (/** @type {string} */ name) => name === "user" ? _("Whose token is it to be?") : _("Type the serial on the token's back.");
            const complaints = steps.check(wizard, missing, _("The two serials differ."));
            for (const [name, input] of Object.entries({ user, serial, again }))
                input.complain(complaints[/** @type {steps.Name} */ (name)] ?? null);
            if (Object.keys(complaints).length === 0)
                void goOn();
        }, { class: "button primary" });
        box.buttons([next]);
        const first = wizard.complaints.serial !== undefined || wizard.user !== "" ? serial : user;
        (wizard.complaints.again === undefined ? first : again).input.focus();
        void suggest(names, verb === "resync" ? null : serials);
    }

    /** @param {HTMLDataListElement} names @param {HTMLDataListElement|null} serials */
    async function suggest(names, serials) {
        const fillIn = (/** @type {HTMLDataListElement} */ list, /** @type {string[]} */ values) =>
            put(list, ...values.map((value) => el("option", { value })));
        fillIn(names, await bus.userNames());
        if (serials === null)
            return;
        try {
            const { tokens } = await bus.page("", SUGGESTED, "stock");
            fillIn(serials, tokens.map((token) => token.serial).sort());
        } catch {
            // They are only suggestions: what is in the way is said when Next is pressed.
        }
    }

    async function goOn() {
        await box.busy(async () => {
            try {
                const token = await bus.showToken(wizard.serial.trim());
                wizard = steps.toCodes(wizard, token);
            } catch (error) {
                wizard = steps.refused(wizard, failure(error));
            }
        });
        draw();
    }

    function drawCodes() {
        const field1 = codeField("code1", _("Code 1"));
        const field2 = codeField("code2", _("Code 2"));
        const fields = { code1: field1, code2: field2 };
        const advice = el("p", { class: "advice", "aria-live": "polite" });
        const bar = el("progress", { class: "countdown", max: 1, value: 0, "aria-hidden": "true" });
        const accept = tick(_("Accept this clock: the token was set to local time"), wizard.acceptClock);
        accept.input.addEventListener("change", () => {
            wizard = { ...wizard, acceptClock: accept.input.checked };
        });
        const send = button(word(verb), () => void submit(fields), { class: "button primary" });
        // Said aloud when it changes in kind, not each second.
        let said = "";
        const tell = () => {
            const { text, seconds, part } = codes.advice(wizard.pair, performance.now());
            const kind = seconds === null || seconds === 0 ? text : "wait";
            advice.setAttribute("aria-live", kind === said ? "off" : "polite");
            said = kind;
            put(advice, text);
            bar.value = part;
            bar.hidden = seconds === null && part === 0;
        };
        for (const name of /** @type {codes.Field[]} */ (["code1", "code2"])) {
            fields[name].input.addEventListener("input", () => {
                wizard = { ...wizard, pair: codes.type(wizard.pair, name, fields[name].input.value, performance.now()) };
                const { complaint } = wizard.pair;
                fields[name].complain(complaint?.field === name ? complaint.text : null);
                tell();
            });
        }
        const who = verb === "resync" ? null : el("p", { class: "lead" }, fill(_("Token $0 for $1"), wizard.serial, wizard.user));
        box.show(who, wizard.clockIsFar && accept.node, field1.node, field2.node, bar, advice);
        const { complaint } = wizard.pair;
        if (complaint !== null)
            fields[complaint.field].complain(complaint.text);
        const hasFirst = verb !== "resync" || steps.strict(wizard);
        box.buttons(hasFirst ? [send, button(_("Back"), () => {
            wizard = steps.back(wizard);
            draw();
        })] : [send]);
        field1.input.focus();
        tell();
        timer.id = window.setInterval(tell, TICK);
    }

    /** @param {Record<codes.Field, import("./field.js").Field>} fields */
    async function submit(fields) {
        const wrong = codes.check(wizard.pair);
        if (wrong !== null) {
            fields[wrong.field].complain(wrong.text);
            fields[wrong.field].input.focus();
            return;
        }
        await box.busy(async () => {
            const { pair } = wizard;
            // From here on the codes are in the one call alone.
            fields.code1.input.value = "";
            fields.code2.input.value = "";
            try {
                wizard = steps.accepted(wizard, await carryOut(pair));
                changed();
            } catch (error) {
                wizard = steps.refused(wizard, failure(error));
            }
        });
        draw();
    }

    /** @param {codes.Pair} pair */
    async function carryOut(pair) {
        const options = steps.options(wizard, codes.elapsed(pair));
        const both = [pair.code1, pair.code2];
        if (verb === "resync") {
            const { fate: _fate, accept_clock, serial_again, elapsed } = options;
            const role = wizard.own ? "own" : "administrator";
            return await bus.resync(role, wizard.user, both, { elapsed, accept_clock, serial_again });
        }
        const method = verb === "assign" ? "Assign" : "Rotate";
        return await bus.bind(method, wizard.user, wizard.serial, both, options);
    }

    function drawDone() {
        const token = wizard.result;
        if (token === null)
            return;
        const serial = token.serial;
        const text = {
            assign: fill(_("Token $0 is assigned to $1."), serial, wizard.user),
            replace: fill(_("Token $0 is now the token of $1."), serial, wizard.user),
            resync: wizard.own ? _("The token is in sync again.") : fill(_("Token $0 is in sync again."), serial),
        }[verb];
        box.show(alert("good", text), el("dl", { class: "facts" },
            el("dt", {}, _("Its clock")), el("dd", {}, token.kind === "hotp" ? _("It has a button.") : driftText(token)),
            el("dt", {}, _("Token")), el("dd", {}, kindText(token) || "–")));
        box.onlyClose();
    }
}

/** @param {import("../core/wizard.js").Verb} verb */
function word(verb) {
    switch (verb) {
    case "assign": return _("Assign");
    case "replace": return _("Replace");
    case "resync": return _("Resync");
    }
}

/** @param {codes.Field} name @param {string} label */
function codeField(name, label) {
    return field(label, { inputmode: "numeric", class: "code", name, maxlength: 16, autocomplete: "off" });
}
