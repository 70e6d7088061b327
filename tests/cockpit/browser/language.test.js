// The page in another language: its catalogue is found, and no word goes past it. The language is none:
// each text stands in brackets.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { catalogue, texts } from "../texts.js";
import { Stage, Token, shoot } from "./stage.js";

/** @type {Stage} */
let stage;
before(async () => { stage = await Stage.begin(); });
after(async () => { await stage?.close(); });

const ann = new Token("2300-510001");
const ben = new Token("2300-510002");

/**
 * What a person sees or hears that stands in no brackets and is no data.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>}
 */
async function english(page) {
    const said = await page.evaluate(() => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            if (element?.checkVisibility())
                found.push(walker.currentNode.textContent ?? "");
        }
        for (const element of document.querySelectorAll("[aria-label], [placeholder], [title]"))
            found.push(...["aria-label", "placeholder", "title"].map((name) => element.getAttribute(name) ?? ""));
        return found;
    });
    const months = Array.from({ length: 12 }, (_none, month) => new Intl.DateTimeFormat("de", { month: "short" }).format(new Date(2026, month)));
    const data = ["alice", "bob", "root", ann.serial, ben.serial, ...months];
    return [...new Set(said)].filter((text) => {
        const rest = data.reduce((left, word) => left.replaceAll(word, ""), text.replace(/⟦[^⟧]*⟧/gs, ""));
        return /\p{L}{2}/u.test(rest);
    });
}

test("no_word_of_the_page_goes_past_the_catalogue", async () => {
    writeFileSync(join(stage.folder, "share/cockpit/fob/po.de.js"),
        catalogue("de", new Map([...texts().keys()].map((text) => [text, `⟦${text}⟧`]))));
    stage.stock(ann, ben);
    stage.assign("alice", ann);
    const { page, wrong } = await stage.open();
    await page.context().addCookies([{ name: "CockpitLang", value: "de", url: page.url() }]);
    await page.reload();
    const tokens = page.getByRole("rowheader", { name: ann.serial });
    await tokens.waitFor();
    assert.equal(await page.title(), "⟦Hardware tokens⟧");
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    await shoot(page, "language-light");
    assert.deepEqual(await english(page), [], "tokens");
    for (const [tab, there] of [["Forecast", "⟦Within⟧"], ["Your token", "⟦You have no token⟧"]]) {
        await page.getByRole("link", { name: `⟦${tab}⟧` }).click();
        await page.getByText(/** @type {string} */ (there)).first().waitFor();
        assert.deepEqual(await english(page), [], tab);
    }
    await page.getByRole("link", { name: "⟦Tokens⟧" }).click();
    const dialog = page.getByRole("dialog");
    for (const verb of ["Resync", "Replace", "Unlock", "Deactivate"]) {
        await page.getByRole("button", { name: ann.serial }).click();
        await page.getByRole("menuitem", { name: `⟦${verb}⟧` }).click();
        await dialog.waitFor();
        assert.deepEqual(await english(page), [], verb);
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "hidden" });
    }
    for (const verb of ["Import", "Assign"]) {
        await page.getByRole("button", { name: `⟦${verb}⟧`, exact: true }).click();
        await dialog.waitFor();
        assert.deepEqual(await english(page), [], verb);
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "hidden" });
    }
    await page.getByRole("button", { name: ben.serial }).click();
    await page.keyboard.press("Enter");
    await dialog.getByLabel("⟦User⟧").fill("bob");
    await dialog.getByRole("button", { name: "⟦Next⟧" }).click();
    await dialog.getByLabel("⟦Code 1⟧").pressSequentially(ben.code(-1));
    await dialog.getByText("⟦Wait until").waitFor();
    assert.deepEqual(await english(page), [], "the codes");
    assert.deepEqual(wrong, []);
    await page.context().close();
});
