// The page in front of a large stock: as many tokens as FOB_CROWD says. A hundred thousand want a release:
// a fobd of target/debug takes ten seconds to count them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage, Token, shoot, violations } from "./stage.js";

const COUNT = Number(process.env.FOB_CROWD ?? 5000);
/** Of a busy machine; on a quiet one it is under a second. Milliseconds. */
const FIRST_VIEW = 20_000;

/** @type {Stage} */
let stage;
before(async () => {
    stage = await Stage.begin();
    stage.stock(...Array.from({ length: COUNT }, (_none, index) => new Token(`CROWD-${String(index).padStart(7, "0")}`)));
});
after(async () => { await stage?.close(); });

test("a_large_stock_is_shown_in_pages_and_searched", async (t) => {
    const { page, wrong } = await stage.open({ path: "/own" });
    await page.getByText("You have no token").waitFor();
    // From the click, with everything loaded; and from nothing.
    let began = Date.now();
    await page.getByRole("link", { name: "Tokens", exact: true }).click();
    await page.getByRole("rowheader").first().waitFor();
    t.diagnostic(`the list after a click: ${Date.now() - began} ms`);
    began = Date.now();
    await page.reload();
    await page.getByRole("rowheader").first().waitFor();
    const first = Date.now() - began;
    t.diagnostic(`the first view of ${COUNT} tokens, page and all: ${first} ms`);
    assert.ok(first < FIRST_VIEW, `${first} ms`);
    assert.equal(await page.getByRole("rowheader").count(), 50);
    assert.match(await page.getByRole("main").innerText(), new RegExp(`${COUNT.toLocaleString("en")} in stock`));
    await shoot(page, "crowd-light");
    assert.deepEqual(await violations(page), []);

    const shown = await page.getByRole("rowheader").first().innerText();
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText("Page 2").waitFor();
    await page.getByRole("rowheader", { name: shown }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Previous page" }).click();
    await page.getByRole("rowheader", { name: shown }).waitFor();

    began = Date.now();
    await page.getByLabel("Search").fill(`crowd${String(COUNT - 1).padStart(7, "0")}`);
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    t.diagnostic(`a whole serial, found: ${Date.now() - began} ms`);
    assert.equal(await page.getByRole("rowheader").innerText(), `CROWD-${String(COUNT - 1).padStart(7, "0")}`);
    began = Date.now();
    await page.getByLabel("Search").fill("0000");
    await page.getByRole("rowheader").nth(10).waitFor();
    t.diagnostic(`a part of serials, found: ${Date.now() - began} ms`);
    await page.getByLabel("Search").fill("");
    await page.getByLabel("Show").selectOption("assigned");
    began = Date.now();
    await page.getByText("No token is found").waitFor();
    t.diagnostic(`that none is assigned, found: ${Date.now() - began} ms`);
    assert.deepEqual(wrong, []);
    await page.context().close();
});
