// The life of a token, clicked as a person would, against a real fobd.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage, Token, shoot, violations } from "./stage.js";

/** @type {Stage} */
let stage;
before(async () => { stage = await Stage.begin(); });
after(async () => { await stage?.close(); });

const first = new Token("2300512345");
const second = new Token("2300599999");

/** @param {import("playwright-core").Page} page @param {Token} token @param {number} steps */
async function typePair(page, token, steps) {
    await page.getByLabel("Code 1").pressSequentially(token.code(steps));
    await page.getByLabel("Code 2").pressSequentially(token.code(steps + 1));
}

test("an_administrator_assigns_resyncs_and_replaces_a_token_in_a_browser", async () => {
    stage.stock(first, second);
    const { page, wrong } = await stage.open();

    await page.getByRole("button", { name: "Assign", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("User").fill("alice");
    await dialog.getByLabel("Serial", { exact: true }).fill("2300 512-345");
    await dialog.getByRole("button", { name: "Next" }).click();
    await dialog.getByLabel("Code 1").pressSequentially(first.code(-1).replace(/(...)/, "$1 "));
    await dialog.getByText(/Wait until the token shows a new code\. That takes at most \d+\ss\./).waitFor();
    await shoot(page, "assign-light");
    assert.deepEqual(await violations(page), []);
    await dialog.getByLabel("Code 2").pressSequentially(first.code(0));
    await dialog.getByRole("button", { name: "Assign" }).click();
    await dialog.getByText("Token 2300512345 is assigned to alice.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    assert.match(stage.fobctl(["show", "alice", "--json"]), /2300512345/);
    // Who signed in to Cockpit stands in the log, as the page says it.
    assert.equal(JSON.parse(stage.fobctl(["log", "--json", "--event=assign"])).fields.login_uid, "0");

    await page.getByRole("button", { name: "Actions for token 2300512345" }).click();
    await page.getByRole("menuitem", { name: "Resync" }).click();
    await typePair(page, first, 1);
    await dialog.getByRole("button", { name: "Resync" }).click();
    await dialog.getByText("Token 2300512345 is in sync again.").waitFor();
    await dialog.getByText(/ahead|behind|right to the second/).waitFor();
    await shoot(page, "resynced-light");
    await dialog.getByRole("button", { name: "Close" }).click();

    await page.getByRole("button", { name: "Actions for token 2300512345" }).click();
    await page.getByRole("menuitem", { name: "Replace" }).click();
    await dialog.getByLabel("Serial of the new token").fill("2300599999");
    await dialog.getByLabel("The old token").selectOption("lost");
    await dialog.getByRole("button", { name: "Next" }).click();
    await typePair(page, second, -1);
    await dialog.getByRole("button", { name: "Replace" }).click();
    await dialog.getByText("Token 2300599999 is now the token of alice.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    const tokens = JSON.parse(stage.fobctl(["list", "--json"]));
    const states = Object.fromEntries(tokens.map((/** @type {any} */ token) => [token.serial, [token.state, token.user]]));
    assert.deepEqual(states, { "2300512345": ["lost", null], "2300599999": ["assigned", "alice"] });

    await page.getByRole("rowheader", { name: "2300599999" }).waitFor();
    await shoot(page, "tokens-light");
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("an_administrator_who_is_not_root_is_named_in_the_log", async () => {
    const { page, wrong } = await stage.open({ user: "carol" });
    await page.getByText("Administrative access is needed").waitFor();
    // What the menu of Cockpit's frame does.
    await page.evaluate(() => /** @type {any} */ (cockpit).dbus(null, { bus: "internal" }).call("/superuser", "cockpit.Superuser", "Start", ["sudo"]));
    await page.getByRole("button", { name: "Actions for token 2300599999" }).click();
    await page.getByRole("menuitem", { name: "Unlock" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Unlock" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const { fields } = JSON.parse(stage.fobctl(["log", "--json", "--event=unlock"]));
    assert.deepEqual([fields.user, fields.caller, fields.login_uid], ["alice", "0", "47003"]);
    assert.deepEqual(wrong, []);
    await page.context().close();
});

/** Waits for fobd's next signal that comes to this page's session. @param {import("playwright-core").Page} page */
function told(page) {
    return page.evaluate(() => new Promise((heard) => {
        const client = /** @type {any} */ (cockpit).dbus("org.fobd.Fob1", { bus: "system", superuser: "require" });
        client.subscribe({ path: "/org/fobd/Fob1", interface: "org.fobd.Fob1", member: "Changed" }, () => heard(true));
    }));
}

test("a_token_that_fobctl_assigns_appears_without_a_click_and_without_the_poll", async () => {
    const third = new Token("2300577777");
    stage.stock(third);
    const { page, wrong } = await stage.open();
    const row = page.getByRole("row").filter({ hasText: third.serial });
    await row.getByText("In stock").waitFor();
    // From now on the page asks for nothing by itself.
    await page.evaluate(() => {
        for (let timer = window.setInterval(() => undefined, 1e6); timer > 0; timer -= 1)
            window.clearInterval(timer);
    });
    stage.assign("bob", third);
    // One signal may come while the page has just looked.
    while (await row.getByText("bob").count() === 0) {
        const next = told(page);
        while (!(await Promise.race([next, new Promise((go) => setTimeout(() => go(false), 500))])))
            stage.fobctl(["unlock", "bob"]);
    }
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("what_is_typed_in_a_dialog_stays_while_tokens_change", async () => {
    const { page, wrong } = await stage.open();
    await page.getByRole("rowheader").first().waitFor();
    await page.getByRole("button", { name: "Assign", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("User").fill("carol");
    // With the second signal the first is a second old: what it could do is done.
    for (const serial of ["2300588888", "2300588889"]) {
        const next = told(page);
        for (let number = 0; !(await Promise.race([next, new Promise((go) => setTimeout(() => go(false), 500))])); number += 1)
            stage.stock(new Token(`${serial}-${number}`));
    }
    assert.equal(await page.locator("th", { hasText: "2300588888" }).count(), 0);
    assert.equal(await dialog.getByLabel("User").inputValue(), "carol");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    // What was told meanwhile is looked at now.
    await page.getByRole("rowheader", { name: "2300588888-0" }).waitFor();
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("a_user_reports_his_token_lost_with_a_recovery_code", async () => {
    const codes = stage.fobctl(["recovery", "bob"]).match(/[0-9a-z]{5}-[0-9a-z]{5}/g) ?? [];
    const { page, wrong } = await stage.open({ user: "bob", path: "/own" });
    await page.getByRole("button", { name: "Report lost" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("One of your recovery codes").fill("abcde-fghj2");
    await dialog.getByRole("button", { name: "Report lost" }).click();
    await dialog.getByText("This is no unused recovery code.").waitFor();
    assert.equal(await dialog.getByLabel("One of your recovery codes").inputValue(), "");
    assert.deepEqual(await violations(page), []);
    await shoot(page, "report-lost-light");
    // A wrong one is followed by a wait, as at a prompt.
    while (await dialog.count() > 0) {
        await dialog.getByLabel("One of your recovery codes").fill(codes[0] ?? "");
        await dialog.getByRole("button", { name: "Report lost" }).click();
        await page.getByText(/You have no token|the next try is possible/).first().waitFor();
    }
    await page.getByText("You have no token").waitFor();
    const [token] = JSON.parse(stage.fobctl(["list", "--json", "--state=lost"])).filter((/** @type {any} */ one) => one.serial === "2300577777");
    assert.equal(token.user, null);
    assert.deepEqual(wrong, []);
    await page.context().close();
});
