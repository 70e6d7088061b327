import assert from "node:assert/strict";
import { test } from "node:test";
import { advice, again, begin, check, elapsed, type } from "../../../packaging/cockpit/core/pair.js";

const CLOCK = { digits: 6, period: 30 };

/** Types a field key by key. */
function keys(pair, field, typed, now) {
    return [...typed].reduce((so_far, _key, index) => type(so_far, field, typed.slice(0, index + 1), now), pair);
}

test("the_countdown_begins_when_code_1_is_complete", () => {
    const five = keys(begin(CLOCK), "code1", "12345", 0);
    assert.equal(advice(five, 60_000).seconds, null);
    const six = type(five, "code1", "123456", 60_000);
    assert.deepEqual([advice(six, 60_000).seconds, advice(six, 61_500).seconds], [30, 29]);
    assert.equal(advice(six, 60_000).text, "Wait until the token shows a new code. That takes at most 30\u00a0s.");
});

test("the_countdown_ends_and_says_so", () => {
    const pair = type(begin(CLOCK), "code1", "123456", 0);
    assert.equal(advice(pair, 29_999).seconds, 1);
    assert.deepEqual(advice(pair, 30_000), { text: "The token shows a new code now. Type it.", seconds: 0, part: 1 });
});

test("another_code_1_begins_the_countdown_again", () => {
    const first = type(begin(CLOCK), "code1", "123456", 0);
    const changed = type(type(first, "code1", "12345", 20_000), "code1", "123457", 25_000);
    assert.equal(advice(changed, 25_000).seconds, 30);
});

test("a_space_does_not_begin_the_countdown_again", () => {
    const first = type(begin(CLOCK), "code1", "123456", 0);
    assert.equal(advice(type(first, "code1", "123 456", 10_000), 10_000).seconds, 20);
});

test("spaces_and_dashes_are_dropped", () => {
    const pair = type(begin(CLOCK), "code1", " 123-456\u00a0", 0);
    assert.equal(pair.code1, "123456");
});

test("equal_codes_are_refused_here", () => {
    const pair = type(type(begin(CLOCK), "code1", "123456", 0), "code2", "123 456", 1000);
    assert.equal(pair.complaint?.field, "code2");
    assert.equal(check(pair)?.field, "code2");
    assert.notEqual(advice(pair, 1000).text, "Both codes are complete.");
});

test("two_whole_codes_that_differ_may_be_sent", () => {
    const pair = type(type(begin(CLOCK), "code1", "123456", 0), "code2", "654321", 31_400);
    assert.equal(check(pair), null);
    assert.equal(elapsed(pair), 31);
});

test("codes_of_another_length_are_refused_here", () => {
    for (const code of ["12345", "1234567", "12345a", ""]) {
        const pair = { ...begin(CLOCK), code1: code, code2: "654321" };
        assert.equal(check(pair)?.field, "code1", code);
    }
    const eight = { ...begin({ digits: 8, period: 30 }), code1: "12345678", code2: "87654321" };
    assert.equal(check(eight), null);
});

test("a_code_that_cannot_become_one_is_complained_about_at_its_field", () => {
    assert.equal(type(begin(CLOCK), "code1", "12a", 0).complaint?.field, "code1");
    assert.equal(type(begin(CLOCK), "code2", "1234567", 0).complaint?.field, "code2");
    assert.equal(type(begin(CLOCK), "code1", "12", 0).complaint, null);
});

test("a_refused_pair_leaves_empty_fields", () => {
    const pair = type(type(begin(CLOCK), "code1", "123456", 0), "code2", "654321", 31_000);
    assert.deepEqual(again(pair, "No."), begin(CLOCK, { field: "code1", text: "No." }));
});

test("a_token_with_a_button_is_not_waited_for", () => {
    const pair = type(begin({ digits: 6, period: null }), "code1", "123456", 0);
    assert.deepEqual(advice(pair, 0), { text: "Press the token's button again, and type the next code.", seconds: null, part: 0 });
});
