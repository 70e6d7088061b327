// The pages of a long list, and the search in it. Pure but for the function that fetches.

import { fits } from "./view.js";

/** @typedef {import("./wire.js").Token} Token */
/** @typedef {{tokens: Token[], next: string}} Page */
/** @typedef {(cursor: string, limit: number, state: string) => Promise<Page>} Fetch */

/** Rows of a page: a screen or two. */
export const ROWS = 50;
/** Tokens of a call when all are searched: the most that the method gives. */
const MANY = 500;
/** Tokens that are looked at before the person is asked whether to go on: some seconds at most. */
const STRETCH = 20_000;

/**
 * Where somebody is in the list: the cursors of the pages before, and of this one.
 * @typedef {object} Position
 * @property {string[]} before
 * @property {string} cursor
 */
/** @returns {Position} */
export function first() {
    return { before: [], cursor: "" };
}

/** @param {Position} position @param {string} next @returns {Position} */
export function onward({ before, cursor }, next) {
    return { before: [...before, cursor], cursor: next };
}

/** @param {Position} position @returns {Position} */
export function backward({ before, cursor }) {
    return { before: before.slice(0, -1), cursor: before.at(-1) ?? cursor };
}

/**
 * Fetches a page of tokens in one state. A page of some may end before it is full, so it goes on
 * until it has a screen's worth or all.
 * @param {Fetch} fetch
 * @param {string} cursor
 * @param {string} state
 * @returns {Promise<Page>}
 */
export async function rows(fetch, cursor, state) {
    /** @type {Token[]} */
    let found = [];
    let next = cursor;
    do {
        const page = await fetch(next, ROWS - found.length, state);
        found = [...found, ...page.tokens];
        next = page.next;
    } while (next !== "" && found.length < ROWS);
    return { tokens: found, next };
}

/**
 * Searches: a stretch of the list, or until a screen is full.
 * @param {Fetch} fetch
 * @param {{sought: string, state: string, cursor: string}} query
 * @param {() => boolean} isStale whether nobody waits for it any more
 * @returns {Promise<Page & {searched: number}>}
 */
export async function search(fetch, { sought, state, cursor }, isStale) {
    /** @type {Token[]} */
    const found = [];
    let next = cursor;
    let searched = 0;
    do {
        const page = await fetch(next, MANY, state);
        searched += page.tokens.length;
        found.push(...page.tokens.filter((token) => fits(token, sought)));
        next = page.next;
    } while (next !== "" && found.length < ROWS && searched < STRETCH && !isStale());
    return { tokens: found, next, searched };
}
