// Import: a file is checked first, and taken when the administrator has seen what is in it. The page
// keeps the browser's handle of the file and not what is in it: seeds pass through, twice.

import * as bus from "../bus.js";
import { failure } from "../core/failure.js";
import { _, fill } from "../core/text.js";
import { dialog } from "./dialog.js";
import { alert, button, el, table } from "./dom.js";
import { field } from "./field.js";

/** The most that fobd reads (its contract, Import). */
const MOST = 16 * 1024 * 1024;
/** Serials and rejected rows that are shown. */
const SHOWN = 100;

/** @param {() => void} changed */
export function importSeeds(changed) {
    const box = dialog(_("Import a seed file"), () => undefined);
    choose("");

    /** @param {string} name */
    function choose(name) {
        const file = field(_("Seed file of the vendor"), { type: "file", name: "file" }, {
            help: _("PSKC, CSV or text. Encrypted files: use fobctl import, which asks for what opens them."),
        });
        const batch = field(_("Name of the delivery"), { name: "batch", value: name, maxlength: 64 }, { help: _("May be left empty.") });
        box.show(file.node, batch.node);
        box.buttons([button(_("Check the file"), () => {
            const chosen = file.input.files?.[0];
            if (chosen === undefined)
                file.complain(_("Choose a file."));
            else if (chosen.size > MOST)
                file.complain(_("A seed file has at most 16 MiB."));
            else
                void look(chosen, batch.input.value.trim());
        }, { class: "button primary" })]);
        file.input.focus();
    }

    /** @param {File} file @param {string} batch */
    async function look(file, batch) {
        box.fail(null);
        await box.busy(async () => {
            try {
                confirm(file, batch, await bus.importSeeds(file, { dryRun: true, batch, format: "" }));
            } catch (error) {
                box.fail(failure(error));
            }
        });
    }

    /** @param {File} file @param {string} batch @param {import("../core/wire.js").Receipt} found */
    function confirm(file, batch, found) {
        box.show(summary(file.name, found));
        const act = button(_("Import"), () => void take(file, batch, found), { class: "button primary" });
        act.hidden = found.added === 0;
        box.buttons([act, button(_("Back"), () => choose(batch))]);
    }

    /** @param {File} file @param {string} batch @param {import("../core/wire.js").Receipt} found */
    async function take(file, batch, found) {
        box.fail(null);
        await box.busy(async () => {
            try {
                const done = await bus.importSeeds(file, { dryRun: false, batch, format: found.format });
                box.show(
                    alert("good", fill(_("$0 tokens are in stock now."), done.added)),
                    done.sha256 !== found.sha256 && alert("warning", _("The file was changed after it was checked.")),
                    el("p", {}, _("Destroy the file and all its copies: whoever has it can make every code.")));
                box.onlyClose();
                changed();
            } catch (error) {
                box.fail(failure(error));
            }
        });
    }
}

/** @param {string} name @param {import("../core/wire.js").Receipt} found */
function summary(name, found) {
    const rows = [
        [_("File"), name],
        [_("Format"), found.format],
        [_("New tokens"), String(found.added)],
        [_("Known already"), String(found.unchanged)],
        [_("First serial"), found.first ?? "–"],
        [_("Last serial"), found.last ?? "–"],
    ];
    return el("div", {},
        el("p", { class: "lead" }, _("Nothing is imported yet.")),
        table(_("What is in the file"), [_("What"), _("Value")], rows),
        ...found.notices.map((notice) => alert("warning", noticeText(notice))),
        found.rejected.length > 0 && table(_("Rows that are not taken"), [_("Line"), _("Serial"), _("Why")],
            found.rejected.slice(0, SHOWN).map((reject) => [String(reject.line ?? "–"), reject.serial ?? "–", reject.fact])));
}

/** @param {string} notice */
function noticeText(notice) {
    switch (notice) {
    case "no-mac": return _("The seeds are encrypted, but nothing shows whether they were changed on the way.");
    case "mac-over-plaintext": return _("The check of the seeds is over what is in them, and not over what was sent.");
    case "signature-unchecked": return _("The file is signed. The signature is not checked.");
    default: return notice;
    }
}
