import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "../../../packaging/cockpit/core/pair.js";
import { accepted, back, check, options, refused, start, strict, toCodes } from "../../../packaging/cockpit/core/wizard.js";
import { token } from "../../../packaging/cockpit/core/wire.js";

const TOKEN = token({ serial: "A-1", state: "stock", digits: 6, period: 30 });
const missing = (name) => `${name}?`;
const failure = (kind) => ({ kind, fact: `${kind}.`, hint: null });

/** A wizard with both codes typed. */
function typed(wizard) {
    const at = toCodes(wizard, TOKEN);
    return { ...at, pair: type(type(at.pair, "code1", "123456", 0), "code2", "654321", 30_000) };
}

test("assign_asks_who_first_and_resync_does_not", () => {
    assert.equal(start("assign", {}).step, "who");
    assert.equal(start("replace", { user: "alice" }).step, "who");
    assert.equal(start("resync", { user: "alice", token: TOKEN }).step, "codes");
});

test("an_empty_field_is_complained_about", () => {
    assert.deepEqual(check(start("assign", {}), missing, "differ"), { user: "user?", serial: "serial?" });
    assert.deepEqual(check({ ...start("assign", {}), user: "alice", serial: "A-1" }, missing, "differ"), {});
});

test("the_serial_of_roots_token_is_typed_twice", () => {
    const root = { ...start("assign", {}), user: "root", serial: "A-1" };
    assert.deepEqual(check(root, missing, "differ"), { again: "again?" });
    assert.deepEqual(check({ ...root, again: "A-2" }, missing, "differ"), { again: "differ" });
    assert.deepEqual(check({ ...root, again: "a 1" }, missing, "differ"), {});
    assert.equal(options({ ...root, again: "A-1" }, 30).serial_again, "A-1");
    assert.equal(start("resync", { user: "root", token: TOKEN }).step, "who");
});

test("root_by_another_name_is_asked_for_his_serial_again", () => {
    for (const verb of ["assign", "replace", "resync"]) {
        const after = refused(typed(start(verb, { user: "toor", token: TOKEN })), failure("RootOnly"));
        assert.deepEqual([after.step, after.complaints], ["who", { again: "RootOnly." }], verb);
        assert.equal(strict(after), true, verb);
        assert.equal(options({ ...after, again: "A-1" }, 30).serial_again, "A-1", verb);
    }
    assert.equal(strict(refused(start("resync", { user: "toor", own: true, token: TOKEN }), failure("RootOnly"))), false);
});

test("others_serials_are_typed_once", () => {
    assert.equal(strict(start("assign", { user: "alice" })), false);
    assert.equal(options(start("assign", { user: "alice" }), 30).serial_again, null);
});

test("a_bad_pair_leads_back_to_code_1_with_empty_fields", () => {
    const after = refused(typed(start("assign", { user: "alice" })), failure("InvalidCodePair"));
    assert.equal(after.step, "codes");
    assert.deepEqual([after.pair.code1, after.pair.code2], ["", ""]);
    assert.deepEqual(after.pair.complaint, { field: "code1", text: "InvalidCodePair." });
});

test("a_refusal_is_said_at_the_field_that_it_is_about", () => {
    for (const [kind, field] of [["NoSuchUser", "user"], ["LimitExceeded", "user"], ["NoSuchToken", "serial"], ["AlreadyAssigned", "serial"], ["RootOnly", "again"]]) {
        const after = refused(typed(start("assign", { user: "alice" })), failure(kind));
        assert.equal(after.step, "who", kind);
        assert.deepEqual(after.complaints, { [field]: `${kind}.` });
        assert.deepEqual([after.pair.code1, after.pair.code2], ["", ""], kind);
    }
});

test("trouble_of_no_field_is_said_at_the_top_and_forgets_the_codes", () => {
    for (const wizard of [start("assign", { user: "alice" }), start("resync", { user: "alice", token: TOKEN })]) {
        const after = refused(typed(wizard), failure("StoreUnavailable"));
        assert.equal(after.step, "codes");
        assert.equal(after.trouble?.kind, "StoreUnavailable");
        assert.deepEqual([after.pair.code1, after.pair.code2], ["", ""]);
    }
});

test("a_clock_that_is_far_off_may_be_accepted_after_it_was_said", () => {
    const fresh = start("assign", { user: "alice" });
    assert.deepEqual([fresh.clockIsFar, options(fresh, 1).accept_clock], [false, null]);
    const after = refused(typed(fresh), failure("ClockFarOff"));
    assert.deepEqual([after.clockIsFar, after.step, options(after, 1).accept_clock], [true, "codes", null]);
    assert.equal(options({ ...after, acceptClock: true }, 1).accept_clock, true);
});

test("nothing_of_the_codes_is_left_when_it_is_done_or_left", () => {
    for (const after of [accepted(typed(start("assign", { user: "alice" })), TOKEN), back(typed(start("assign", { user: "alice" })))])
        assert.doesNotMatch(JSON.stringify(after), /123456|654321/);
});

test("the_fate_of_the_old_token_goes_with_a_replacement_alone", () => {
    assert.equal(options({ ...start("replace", {}), fate: "lost" }, 1).fate, "lost");
    assert.equal(options(start("assign", {}), 1).fate, null);
});
