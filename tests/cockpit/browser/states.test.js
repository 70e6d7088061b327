// What the page shows when there is nothing, when it may not, when nobody answers, and when others
// wrote what it shows.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Stage, Token, shoot, violations } from "./stage.js";

/** @type {Stage} */
let stage;
before(async () => { stage = await Stage.begin(); });
after(async () => { await stage?.close(); });

const [ann, ben, spare, roots] = ["ANN-2300510001", "BEN-2300510002", "NEW-2300510003", "ROOT-2300510004"].map((serial) => new Token(serial));
const hostile = '<img src=x onerror="window.hit=1">';

/** @param {import("playwright-core").Page} page @param {string} code1 @param {string} code2 */
async function typeCodes(page, code1, code2) {
    await page.getByLabel("Code 1").pressSequentially(code1);
    await page.getByLabel("Code 2").pressSequentially(code2);
}

test("an_empty_stock_leads_to_an_import_that_is_looked_at_first", async () => {
    const file = join(stage.folder, "seeds.csv");
    writeFileSync(file, [ann, ben, spare, roots].map((token) => token.line()).join(""));
    const { page, wrong } = await stage.open();
    await page.getByText("There are no tokens yet").waitFor();
    await shoot(page, "empty-light");
    await page.getByRole("main").getByRole("button", { name: "Import" }).last().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Check the file" }).click();
    await dialog.getByText("Choose a file.").waitFor();
    await dialog.getByLabel("Seed file of the vendor").setInputFiles(file);
    await dialog.getByLabel("Name of the delivery").fill("2026-11 <Feitian>");
    await dialog.getByRole("button", { name: "Check the file" }).click();
    await dialog.getByText("Nothing is imported yet.").waitFor();
    assert.match(await dialog.innerText(), /New tokens\s+4\s/);
    assert.equal(JSON.parse(stage.fobctl(["status", "--json"])).stock, 0);
    assert.deepEqual(await violations(page), []);
    await shoot(page, "import-light");
    await dialog.getByRole("button", { name: "Import" }).click();
    await dialog.getByText("4 tokens are in stock now.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("rowheader", { name: ann.serial }).waitFor();
    assert.equal(JSON.parse(stage.fobctl(["list", "--json"]))[0].batch, "2026-11 <Feitian>");
    const everything = await page.content() + await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.ok(!everything.includes(ann.seed.toString("hex")));
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("a_file_that_is_none_is_refused_with_a_reason", async () => {
    const { page } = await stage.open();
    await page.getByRole("button", { name: "Import" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Seed file of the vendor").setInputFiles({ name: "x.csv", mimeType: "text/csv", buffer: Buffer.from(`A-1, ${hostile}\n`) });
    await dialog.getByRole("button", { name: "Check the file" }).click();
    await dialog.getByRole("alert").waitFor();
    assert.notEqual((await dialog.getByRole("alert").innerText()).trim(), "Something went wrong.");
    assert.deepEqual(await violations(page), []);
    await page.context().close();
});

test("a_bad_pair_leads_back_to_code_1_with_empty_fields", async () => {
    const { page } = await stage.open();
    /** @type {string[]} */
    const sent = [];
    /** @type {string[]} */
    const frames = [];
    page.on("request", (request) => sent.push(request.url()));
    page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => frames.push(String(payload))));
    await page.reload();
    await page.getByRole("button", { name: `Actions for token ${ann.serial}` }).click();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("User").fill("nobody-here");
    await dialog.getByRole("button", { name: "Next" }).click();
    await typeCodes(page, ann.code(-1), ann.code(-1));
    await dialog.getByText("This is the same code again. Wait until the token shows a new one.").waitFor();
    await dialog.getByLabel("Code 2").fill(ann.code(0));
    await shoot(page, "ready-light");
    await dialog.getByRole("button", { name: "Assign" }).click();
    await dialog.getByText("There is no user nobody-here on this host.").waitFor();
    assert.equal(await dialog.getByLabel("User").getAttribute("aria-invalid"), "true");
    await dialog.getByLabel("User").fill("alice");
    await dialog.getByRole("button", { name: "Next" }).click();
    await typeCodes(page, ann.code(-9), ann.code(0));
    await page.keyboard.press("Enter");
    await dialog.getByText(/These are not two consecutive unused codes/).waitFor();
    for (const label of ["Code 1", "Code 2"])
        assert.equal(await dialog.getByLabel(label).inputValue(), "");
    assert.equal(await dialog.getByLabel("Code 1").getAttribute("aria-invalid"), "true");
    assert.ok(await dialog.getByLabel("Code 1").evaluate((input) => input === document.activeElement));
    await shoot(page, "bad-pair-light");
    assert.deepEqual(await violations(page), []);
    const pair = [ann.code(-4), ann.code(-3)];
    await typeCodes(page, pair[0], pair[1]);
    await page.keyboard.press("Enter");
    await dialog.getByText(`Token ${ann.serial} is assigned to alice.`).waitFor();
    const left = await page.content() + page.url() + sent.join(" ") + await page.evaluate(() => JSON.stringify({ ...localStorage }));
    const inputs = await page.locator("input").evaluateAll((all) => all.map((input) => input.value));
    for (const code of pair) {
        assert.ok(!left.includes(code) && !inputs.includes(code), "a code is in the page, its address or its storage");
        assert.equal(frames.filter((frame) => frame.includes(code)).length, 1, "a code travels in one call");
        assert.ok(!stage.said.includes(code), "a code is in what the programs said");
    }
    await page.context().close();
});

test("the_serial_of_roots_token_is_typed_twice_in_the_browser", async () => {
    const { page } = await stage.open();
    await page.getByRole("button", { name: "Assign", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("User").fill("alice");
    assert.equal(await dialog.getByLabel("Serial again").isVisible(), false);
    await dialog.getByLabel("User").fill("root");
    await dialog.getByLabel("Serial", { exact: true }).fill(roots.serial);
    await dialog.getByLabel("Serial again").fill("ROOT-2300510005");
    await dialog.getByRole("button", { name: "Next" }).click();
    await dialog.getByText("The two serials differ.").waitFor();
    await dialog.getByLabel("Serial again").fill(roots.serial);
    await shoot(page, "root-light");
    assert.deepEqual(await violations(page), []);
    await dialog.getByRole("button", { name: "Next" }).click();
    await typeCodes(page, roots.code(-1), roots.code(0));
    await dialog.getByRole("button", { name: "Assign" }).click();
    await dialog.getByText(`Token ${roots.serial} is assigned to root.`).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();

    await page.getByRole("button", { name: `Actions for token ${roots.serial}` }).click();
    await page.getByRole("menuitem", { name: "Deactivate" }).click();
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel(/Serial of root's token/).fill(roots.serial);
    await dialog.getByLabel("Leave root without a token").check();
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await dialog.getByText("root is the last administrator with a token.", { exact: false }).waitFor();
    assert.deepEqual(await violations(page), []);
    await dialog.getByLabel("Leave no administrator with a token").check();
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await dialog.waitFor({ state: "hidden" });
    const listed = JSON.parse(stage.fobctl(["list", "--state=stock", "--json"]));
    assert.ok(listed.some((/** @type {any} */ token) => token.serial === roots.serial));
    await page.context().close();
});

test("a_user_sees_and_resyncs_his_own_token_and_nobody_elses", async () => {
    stage.assign("bob", ben);
    const { page, wrong } = await stage.open({ user: "bob", path: "/own" });
    await page.getByRole("heading", { name: "Token …0002" }).waitFor();
    assert.ok(!(await page.content()).includes(ben.serial));
    await shoot(page, "own-light");
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "Resync" }).click();
    await typeCodes(page, ben.code(1), ben.code(2));
    await page.getByRole("dialog").getByRole("button", { name: "Resync" }).click();
    await page.getByText("The token is in sync again.").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("link", { name: "Tokens", exact: true }).click();
    await page.getByText("Administrative access is needed").waitFor();
    await shoot(page, "no-rights-light");
    assert.deepEqual(await violations(page), []);
    assert.ok(!(await page.content()).includes(ann.serial));
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("a_user_without_a_token_is_told_so", async () => {
    const { page } = await stage.open({ user: "carol", path: "/own" });
    await page.getByText("You have no token").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.context().close();
});

test("a_daemon_that_is_gone_is_said_and_its_return_is_seen", async () => {
    const { page } = await stage.open();
    await page.getByRole("rowheader", { name: ann.serial }).waitFor();
    await stage.end("fobd");
    await page.getByText("fobd does not answer.").waitFor();
    await shoot(page, "absent-light");
    assert.deepEqual(await violations(page), []);
    await stage.startFobd();
    await page.getByRole("rowheader", { name: ann.serial }).waitFor();
    await page.context().close();
});

test("a_host_that_only_observes_is_said", async () => {
    const settings = join(stage.folder, "fobd.conf");
    const before = readFileSync(settings, "utf8");
    writeFileSync(settings, `mode = "observe"\n${before}`);
    await stage.end("fobd");
    await stage.startFobd();
    const { page } = await stage.open();
    await page.getByText("Nobody is asked for a code on this host: its mode is observe.").waitFor();
    await shoot(page, "observe-light");
    assert.deepEqual(await violations(page), []);
    writeFileSync(settings, before);
    await stage.end("fobd");
    await stage.startFobd();
    await page.context().close();
});

test("a_lost_connection_is_said", async () => {
    const { page, port } = await stage.open();
    await page.getByRole("rowheader", { name: ann.serial }).waitFor();
    await stage.end(`cockpit-ws ${port}`);
    await page.getByText("The connection to this host is lost.").waitFor();
    await page.getByRole("button", { name: "Reload" }).waitFor();
    await page.context().close();
});

test("what_others_do_is_seen_without_a_reload", async () => {
    const { page } = await stage.open();
    await page.getByRole("rowheader", { name: spare.serial }).waitFor();
    stage.assign("carol", spare);
    await page.getByRole("row", { name: /carol/ }).waitFor();
    await page.context().close();
});

test("what_others_wrote_stays_text", async () => {
    const maker = hostile.replaceAll('"', '""');
    stage.fobctl(["import", "--format=entra-csv", "-"],
        `upn,serial number,secret key,time interval,manufacturer,model\nx,MARK-1,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,30,"${maker}","<b>m</b>"\n`);
    const { page, wrong } = await stage.open();
    await page.getByLabel("Search").fill("onerror");
    await page.getByText(hostile).waitFor();
    assert.equal(await page.evaluate(() => /** @type {any} */ (window).hit), undefined);
    assert.equal(await page.locator("main img, main b").count(), 0);
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("events_and_the_forecast_are_shown_as_fobctl_tells_them", async () => {
    const { page, wrong } = await stage.open({ path: "/events" });
    await page.getByRole("cell", { name: "assign", exact: true }).first().waitFor();
    assert.match(await page.getByRole("main").innerText(), /alice/);
    await shoot(page, "events-light");
    assert.deepEqual(await violations(page), []);
    await page.getByLabel("User").fill("bob");
    await page.getByRole("cell", { name: "alice" }).first().waitFor({ state: "detached" });
    await page.getByRole("cell", { name: "resync" }).first().waitFor();
    await page.getByRole("link", { name: "Forecast" }).click();
    await page.getByLabel("Within").selectOption("30");
    await page.getByText("No token needs a hand in that time.").waitFor();
    await page.getByLabel("Within").selectOption("365");
    await page.getByRole("button", { name: `Resync: ${ann.serial}` }).waitFor();
    await shoot(page, "forecast-light");
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(wrong, []);
    await page.context().close();
});

test("everything_can_be_read_in_the_dark_and_on_a_telephone", async () => {
    const { page } = await stage.open({ dark: true });
    for (const [tab, text] of [["Tokens", ann.serial], ["Events", "alice"], ["Your token", "You have no token"], ["Forecast", "Forecast"]]) {
        await page.getByRole("link", { name: tab, exact: true }).click();
        await page.getByText(/** @type {string} */ (text)).first().waitFor();
        assert.deepEqual(await violations(page), [], tab);
        await shoot(page, `${tab?.toLowerCase().replace(" ", "-")}-dark`);
    }
    await page.goto(page.url().replace(/#.*/, "#/tokens"));
    await page.getByRole("button", { name: `Actions for token ${ann.serial}` }).click();
    await shoot(page, "menu-dark");
    assert.deepEqual(await violations(page), []);
    await page.getByRole("menuitem", { name: "Replace" }).click();
    await shoot(page, "replace-dark");
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press("Escape");
    await page.setViewportSize({ width: 390, height: 800 });
    assert.deepEqual(await violations(page), []);
    await shoot(page, "tokens-telephone");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "it scrolls to the side");
    await page.context().close();
});

test("a_token_that_changed_hands_meanwhile_is_not_taken_away", async () => {
    const { page } = await stage.open();
    await page.getByRole("button", { name: `Actions for token ${ann.serial}` }).click();
    await page.getByRole("menuitem", { name: "Deactivate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("alice cannot sign in with it any more.").waitFor();
    stage.fobctl(["deactivate", "carol", "--leave-no-administrator"]);
    stage.fobctl(["deactivate", "alice"]);
    stage.fobctl(["assign", "carol", ann.serial], `${ann.code(3)}\n${ann.code(4)}\n`);
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await dialog.getByText(`Token ${ann.serial} has changed hands.`).waitFor();
    const { user } = JSON.parse(stage.fobctl(["list", "--json"])).find((/** @type {any} */ token) => token.serial === ann.serial);
    assert.equal(user, "carol");
    await page.context().close();
});
