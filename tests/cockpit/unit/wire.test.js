import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, ofProgram, place } from "../../../packaging/cockpit/core/failure.js";
import { people } from "../../../packaging/cockpit/core/people.js";
import { fill } from "../../../packaging/cockpit/core/text.js";
import { events, options, plain, receipt, status, token, user } from "../../../packaging/cockpit/core/wire.js";

const of = (t, v) => ({ t, v });

test("variants_are_taken_off_at_any_depth", () => {
    const reply = { user: of("s", "alice"), tokens: of("aa{sv}", [{ serial: of("s", "A-1"), drift: of("x", -3) }]) };
    assert.deepEqual(plain(reply), { user: "alice", tokens: [{ serial: "A-1", drift: -3 }] });
});

test("what_is_missing_or_of_another_type_is_not_known", () => {
    const odd = token({ serial: of("s", "A-1"), drift: of("s", "3"), period: of("u", 30), digits: of("d", Number.NaN), new_key: of("b", true) });
    assert.deepEqual([odd.serial, odd.drift, odd.period, odd.digits, odd.user], ["A-1", null, 30, null, null]);
    for (const nonsense of [null, undefined, 3, "text", []])
        assert.equal(token(nonsense).serial, "");
});

test("a_user_comes_with_his_tokens_and_shares", () => {
    const alice = user({
        user: of("s", "alice"), uid: of("u", 1000), recovery_left: of("u", 2),
        tokens: of("aa{sv}", [{ serial: of("s", "A-1"), state: of("s", "assigned") }]),
        shares: of("aa{sv}", [{ share: of("s", "known"), asks: of("s", "pair"), wrong: of("u", 5) }]),
    });
    assert.deepEqual([alice.uid, alice.recoveryLeft, alice.tokens[0].state], [1000, 2, "assigned"]);
    assert.deepEqual(alice.shares, [{ share: "known", asks: "pair", wrong: 5, until: null }]);
});

test("a_status_counts", () => {
    assert.equal(status({ stock: of("u", 7) }).stock, 7);
    assert.equal(status({}).lost, 0);
    assert.deepEqual([status({ mode: of("s", "observe") }).observes, status({ mode: of("s", "enforce") }).observes], [true, false]);
});

test("options_have_the_types_of_the_contract", () => {
    assert.deepEqual(options({ elapsed: 31, login_uid: 1000, accept_clock: true, fate: "lost", serial_again: null }), {
        elapsed: of("u", 31), login_uid: of("u", 1000), accept_clock: of("b", true), fate: of("s", "lost"),
    });
    assert.throws(() => options({ acceptclock: true }), TypeError);
});

test("the_log_is_read_line_by_line", () => {
    const read = events('{"seq":7,"time":5,"event":"verify","fields":{"user":"alice","odd":3}}\n\n{"seq":8,"time":6,"event":"ready","fields":{}}\n');
    assert.deepEqual(read.map((event) => [event.seq, event.event, event.fields]), [[7, "verify", { user: "alice" }], [8, "ready", {}]]);
    assert.throws(() => events("no JSON"));
});

test("a_receipt_tells_counts_and_rejected_rows", () => {
    const read = receipt('{"format":"oath-csv","added":2,"unchanged":1,"first":"A","last":"B","sha256":"ab","notices":["no-mac"],"rejected":[{"line":3,"column":1,"serial":null,"fact":"no seed","hint":null}]}');
    assert.deepEqual([read.added, read.unchanged, read.last, read.notices], [2, 1, "B", ["no-mac"]]);
    assert.deepEqual(read.rejected, [{ line: 3, serial: null, fact: "no seed", hint: null }]);
});

test("a_refusal_of_fobd_is_known_by_its_name", () => {
    const refusal = failure({ name: "org.fobd.Fob1.Error.InvalidCodePair", message: "these are not two.", problem: null });
    assert.deepEqual([refusal.kind, refusal.fact, place(refusal)], ["InvalidCodePair", "These are not two.", "codes"]);
    assert.equal(failure(refusal), refusal);
});

test("what_is_in_the_way_is_told_apart", () => {
    for (const [error, kind] of [
        [{ problem: "access-denied" }, "unauthorized"],
        [{ problem: "disconnected" }, "lost"],
        [{ problem: "not-found" }, "absent"],
        [{ problem: "fobd-is-silent" }, "absent"],
        [{ name: "org.freedesktop.DBus.Error.ServiceUnknown", message: "" }, "absent"],
        [{ name: "org.freedesktop.DBus.Error.Spawn.ChildExited", message: "" }, "absent"],
        [{ name: "org.freedesktop.DBus.Error.AccessDenied", message: "" }, "unauthorized"],
        [new Error("odd"), "failed"],
        [undefined, "failed"],
    ])
        assert.equal(failure(error).kind, kind, JSON.stringify(error));
});

test("what_fobctl_says_is_a_fact_and_a_hint", () => {
    const said = ofProgram("fobctl: line 3: no seed.\nhint: ask the vendor.\n");
    assert.deepEqual([said.fact, said.hint], ["Line 3: no seed.", "ask the vendor."]);
    assert.equal(ofProgram("").fact, "Something went wrong.");
});

test("people_are_suggested_and_services_are_not", () => {
    const passwd = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nbob:x:1001:1001::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
    assert.deepEqual(people(passwd), ["root", "alice", "bob"]);
});

test("a_value_is_put_in_once", () => {
    assert.equal(fill("$0 for $1", "$1", "<b>"), "$1 for <b>");
});
