// Deactivate, Report lost and Unlock.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import { _, fill } from "../core/text.js";
import { lastFour } from "../core/view.js";
import { dialog } from "./dialog.js";
import { button, el } from "./dom.js";
import { choice, field, tick } from "./field.js";

/** @typedef {import("../core/wire.js").Token} Token */

/** @param {Token} token @param {() => void} changed */
export function deactivate(token, changed) {
    const { user, serial } = token;
    const isRoot = user === "root";
    const box = dialog(fill(_("Deactivate token $0"), serial), () => undefined);
    const fate = choice(_("The token"), [
        ["stock", _("goes back to stock")], ["lost", _("is lost: it never signs in again")], ["retire", _("is taken out of use")],
    ]);
    const again = field(_("Serial of root's token, as it is printed on its back"), { name: "again" });
    const bare = tick(_("Leave root without a token"));
    const nobody = tick(_("Leave no administrator with a token"));
    nobody.node.hidden = true;
    box.show(
        el("p", {}, fill(_("$0 cannot sign in with it any more."), user ?? _("Nobody"))),
        fate.node, isRoot && again.node, isRoot && bare.node, nobody.node);
    const act = button(_("Deactivate"), () => void box.busy(async () => {
        box.fail(null);
        // A user who is gone or renamed is no name to call: his token is named instead.
        const whose = isRoot ? { serial_again: again.input.value.trim(), leave_root_without_mfa: bare.input.checked || null } : { serial };
        try {
            // Meanwhile somebody else may have given it to another person, whom nobody meant.
            if ((await bus.showToken(serial)).user !== user)
                throw { kind: "failed", fact: fill(_("Token $0 has changed hands."), serial), hint: _("Close this, and look at it again.") };
            await bus.deactivate(isRoot ? "root" : "", {
                ...whose, fate: fate.select.value, leave_no_administrator: nobody.input.checked || null,
            });
            box.close();
            changed();
        } catch (error) {
            const known = failure(error);
            nobody.node.hidden = nobody.node.hidden && known.kind !== "LastAdministrator";
            box.fail(known);
        }
    }), { class: "button dangerous" });
    box.buttons([act]);
}

/** For the user himself, who proves it by a recovery code. @param {string} user @param {Token} token @param {() => void} changed */
export function reportLost(user, token, changed) {
    const box = dialog(fill(_("Report token $0 lost"), lastFour(token.serial)), () => { code.input.value = ""; });
    const code = field(_("One of your recovery codes"), { name: "recovery", spellcheck: "false", autocapitalize: "none" });
    box.show(
        el("p", {}, _("No code of it is accepted any more, and you cannot take that back. The recovery code is used up. With those that are left you sign in until an administrator gives you another token.")),
        code.node);
    box.buttons([button(_("Report lost"), () => void box.busy(async () => {
        box.fail(null);
        const typed = code.input.value;
        code.input.value = "";
        try {
            await bus.reportLost(user, typed);
            box.close();
            changed();
        } catch (error) {
            box.fail(failure(error));
        }
    }), { class: "button dangerous" })]);
}

/** @param {string} user @param {() => void} changed */
export function unlock(user, changed) {
    const box = dialog(fill(_("Unlock $0"), user), () => undefined);
    box.show(el("p", {}, fill(_("Wrong codes of $0 are forgotten: one code is enough again everywhere."), user)));
    box.buttons([button(_("Unlock"), () => void box.busy(async () => {
        try {
            await bus.unlock(user);
            box.close();
            changed();
        } catch (error) {
            box.fail(failure(error));
        }
    }), { class: "button primary" })]);
}
