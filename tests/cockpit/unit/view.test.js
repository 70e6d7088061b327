import assert from "node:assert/strict";
import { test } from "node:test";
import * as pages from "../../../packaging/cockpit/core/pages.js";
import { actions, ago, driftText, eventRow, fits, kindText, lastFour, needLabel, syncLabel } from "../../../packaging/cockpit/core/view.js";
import { token } from "../../../packaging/cockpit/core/wire.js";

const NOW = 2_000_000_000;
const DAY = 86_400;
const assigned = (more) => token({ serial: "A-1", state: "assigned", kind: "totp", period: 30, digits: 6, user: "alice", ...more });

test("ones_own_serial_is_shown_by_its_last_four_digits", () => {
    assert.deepEqual([lastFour("2300512345"), lastFour("123")], ["…2345", "123"]);
});

test("a_token_may_be_done_with_what_its_state_allows", () => {
    assert.deepEqual(actions(assigned({})), ["resync", "unlock", "replace", "deactivate"]);
    assert.deepEqual(actions(token({ state: "stock" })), ["assign"]);
    assert.deepEqual(actions(token({ state: "lost" })), []);
});

test("a_token_that_runs_out_of_sync_is_a_warning", () => {
    assert.equal(syncLabel(assigned({ in_sync_until: NOW + 90 * DAY }), NOW).tone, "good");
    assert.equal(syncLabel(assigned({ in_sync_until: NOW + 10 * DAY }), NOW).tone, "warning");
    assert.equal(syncLabel(assigned({}), NOW).text, "May ask for two codes");
    assert.equal(syncLabel(assigned({ kind: "hotp", period: undefined }), NOW).text, "Has a button");
    assert.equal(syncLabel(token({ state: "stock" }), NOW).text, "–");
});

test("a_drift_is_said_in_words", () => {
    assert.deepEqual([3, -3, 0, undefined].map((drift) => driftText(assigned({ drift }))), ["3 s ahead", "3 s behind", "right to the second", "not known yet"]);
});

test("a_kind_leaves_out_what_is_not_known", () => {
    assert.equal(kindText(assigned({ manufacturer: "Feitian", model: "c200" })), "Feitian c200, 6 digits, 30 s");
    assert.equal(kindText(token({ kind: "hotp", digits: 8 })), "8 digits, button");
});

test("a_time_ago_is_as_rough_as_it_is_long", () => {
    const texts = [null, NOW - 5, NOW - 300, NOW - 7200, NOW - 3 * DAY].map((unix) => ago(unix, NOW));
    assert.deepEqual(texts, ["never", "just now", "5 minutes ago", "2 hours ago", "3 days ago"]);
});

test("an_event_is_a_row", () => {
    const row = eventRow({ seq: 7, time: NOW, event: "verify", fields: { verdict: "accept", user: "alice", service: "sshd", rhost: "192.0.2.7", caller: "0", step: "3" } });
    assert.deepEqual([row.what.text, row.user, row.where, row.more], ["accepted", "alice", "sshd from 192.0.2.7", "step=3"]);
    const change = eventRow({ seq: 8, time: NOW, event: "assign", fields: { caller: "0", login_uid: "1000" } });
    assert.equal(change.more, "by uid 1000");
    assert.equal(eventRow({ seq: 9, time: NOW, event: "alarm", fields: { what: "lost_token" } }).what.tone, "danger");
});

test("each_word_of_a_forecast_has_a_text", () => {
    for (const need of ["faulty", "out-of-sync", "soon", "unused"])
        assert.notEqual(needLabel(need), need);
});

test("a_search_minds_no_case_and_no_dashes", () => {
    const wanted = assigned({ serial: "FT-2300 51", manufacturer: "Feitian" });
    for (const sought of ["ft2300", "2300-51", "ALI", "feit"])
        assert.ok(fits(wanted, sought), sought);
    assert.ok(!fits(wanted, "bob"));
});

/** A store of so many tokens, in pages; `calls` has the limits that were asked for. */
function store(count, calls = []) {
    return async (cursor, limit, state) => {
        calls.push(limit);
        const from = cursor === "" ? 0 : Number(cursor);
        const all = Array.from({ length: count }, (_none, index) => token({ serial: `S-${index}`, state: index % 2 === 0 ? "stock" : "assigned" }));
        // A page of some may end before it is full.
        const tokens = all.slice(from, from + limit).filter((one) => state === "" || one.state === state);
        return { tokens, next: from + limit < count ? String(from + limit) : "" };
    };
}

test("a_page_of_some_is_filled_up", async () => {
    const page = await pages.rows(store(1000), "", "stock");
    assert.equal(page.tokens.length, pages.ROWS);
    assert.equal((await pages.rows(store(3), "", "")).next, "");
});

test("no_call_asks_for_more_than_the_method_gives", async () => {
    const calls = [];
    await pages.search(store(5000, calls), { sought: "S-4999", state: "", cursor: "" }, () => false);
    assert.ok(calls.every((limit) => limit > 0 && limit <= 500));
});

test("a_search_stops_after_a_stretch_and_goes_on_from_there", async () => {
    const first = await pages.search(store(30_000), { sought: "S-29999", state: "", cursor: "" }, () => false);
    assert.deepEqual([first.tokens.length, first.searched], [0, 20_000]);
    const second = await pages.search(store(30_000), { sought: "S-29999", state: "", cursor: first.next }, () => false);
    assert.deepEqual([second.tokens.length, second.next], [1, ""]);
});

test("a_search_that_nobody_waits_for_ends", async () => {
    const calls = [];
    await pages.search(store(30_000, calls), { sought: "S-29999", state: "", cursor: "" }, () => calls.length >= 2);
    assert.equal(calls.length, 2);
});

test("going_back_leads_through_the_same_pages", () => {
    const third = pages.onward(pages.onward(pages.first(), "b"), "c");
    assert.deepEqual(pages.backward(third), { before: [""], cursor: "b" });
    assert.deepEqual(pages.backward(pages.backward(third)), pages.first());
    assert.deepEqual(pages.backward(pages.first()), pages.first());
});
