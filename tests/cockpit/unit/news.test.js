import assert from "node:assert/strict";
import { test } from "node:test";
import { APART, CALM, News, POLL } from "../../../packaging/cockpit/core/news.js";

/** News that were looked at from `began` to `ended`. */
function looked(began, ended) {
    const news = new News();
    news.begin(began);
    news.end(ended);
    return news;
}

test("without_signals_the_page_looks_every_few_seconds", () => {
    const news = looked(0, 10);
    assert.deepEqual([10 + POLL - 1, 10 + POLL].map((now) => news.isDue(now, false)), [false, true]);
});

test("with_signals_it_looks_once_in_a_while_and_after_each", () => {
    const news = looked(0, 10);
    assert.deepEqual([10 + POLL, 10 + CALM].map((now) => news.isDue(now, true)), [false, true]);
    news.heard();
    assert.equal(news.isDue(10 + APART, true), true);
});

test("a_storm_of_signals_is_one_look_after_the_other_with_a_pause", () => {
    const news = looked(0, 10);
    news.heard();
    assert.equal(news.isDue(11, true), false);
    const slow = looked(0, 2000);
    slow.heard();
    assert.deepEqual([2000 + APART, 2000 + 8000].map((now) => slow.isDue(now, true)), [false, true]);
});

test("a_signal_during_a_look_is_looked_at_afterwards", () => {
    const news = new News();
    news.begin(0);
    news.heard();
    assert.equal(news.isDue(CALM, true), false);
    news.end(100);
    assert.equal(news.isDue(100 + APART, true), true);
});

test("a_signal_is_kept_until_somebody_may_look", () => {
    const news = looked(0, 10);
    news.heard();
    // A dialog is open, and nobody asks.
    assert.equal(news.isDue(10 + 3 * APART, true), true);
    news.begin(10 + 3 * APART);
    news.end(20 + 3 * APART);
    assert.equal(news.isDue(20 + 5 * APART, true), false);
});
