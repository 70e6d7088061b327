// Signing in at Cockpit's login page with a password and a code, as a person does it: the real page in a
// real browser, and behind it Debian's cockpit-ws and cockpit-bridge, PAM, the module and fobd.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { shoot } from "../browser/stage.js";
import { Machine } from "./machine.js";

const CODE = "Token code:";
const NEXT = "Wait for the next code:";
const PAIR = "Two codes in a row, with a space:";
/** A password that could be a code, and its hash (`openssl passwd -6`). */
const DIGITS = "246810";
/** See DIGITS. */
const DIGITS_HASH = "$6$digits$svOzieUKoRkaMOipOL9p5M47Zayvff2yrQflyThAbV8ZCIWpDbxezm2sIq3g2FYaiPhvx4zj6mAbVufwLAFbn0";
const NOT_ACCEPTED = "The code was not accepted. Wait for the next one, and sign in again.";

/** @type {Machine} */
let machine;
before(async () => { machine = await Machine.begin(); });
after(async () => { await machine?.close(); });
// A test closes its browser at its end: what is open then shows why it did not come to it.
afterEach(async ({ name }) => {
    for (const context of machine?.browser?.contexts() ?? []) {
        await Promise.all(context.pages().map((page) => shoot(page, `failed-${name}`)));
        await context.close();
    }
});

/** @typedef {import("playwright-core").Page} Page @typedef {import("./machine.js").Person} Person */

/** @param {Page} page @param {Person} person */
async function typePassword(page, person) {
    await page.getByLabel("User name").fill(person.name);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await page.getByRole("button", { name: "Log in" }).click();
}

/** @param {Page} page @param {Person} person @param {string} prompt @param {string} code */
async function signIn(page, person, prompt, code) {
    await typePassword(page, person);
    await page.getByLabel(prompt).fill(code);
    await page.getByRole("button", { name: "Log in" }).click();
}

/** @param {Page} page @param {Person} person */
async function inTheShell(page, person) {
    await page.getByRole("button", { name: new RegExp(`^${person.name} @ `) }).waitFor();
}

/** @param {Page} page */
async function logOut(page) {
    await page.getByRole("button", { name: "Session" }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.getByLabel("User name").waitFor();
}

/** As sudo asks for it. @param {Page} page @param {Person} person @param {string} code */
async function turnAccessOn(page, person, code) {
    await page.getByRole("button", { name: "Limited access" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Password").fill(person.password);
    await dialog.getByRole("button", { name: "Authenticate" }).click();
    await dialog.getByLabel(CODE).fill(code);
    await dialog.getByRole("button", { name: "Authenticate" }).click();
    await page.getByText("Administrative access", { exact: true }).waitFor();
    // After this dialog, Cockpit 287 leaves all of its frame hidden from screen readers, and so from roles.
    await page.reload();
    await page.getByRole("button", { name: "Administrative access" }).waitFor();
}

/** What `fobctl show` says of somebody's wrong codes. @param {string} name */
function wrongCodes(name) {
    return machine.shell(`fobctl show ${name}`).split("\n").filter((line) => line.includes("wrong code"));
}

/** @param {Page} page */
async function notAccepted(page) {
    await page.getByText(NOT_ACCEPTED).waitFor();
}

test("a_person_signs_in_with_password_and_code_in_a_browser", async () => {
    const alice = machine.person("alice");
    const page = await machine.browse();
    await typePassword(page, alice);
    const field = page.getByLabel(CODE);
    await field.waitFor();
    assert.equal(await field.getAttribute("type"), "text", "what is typed is seen");
    await shoot(page, "login-code");
    await field.fill(alice.token.next());
    await page.getByRole("button", { name: "Log in" }).click();
    await inTheShell(page, alice);
    await shoot(page, "login-shell");
    assert.deepEqual(machine.verdicts("alice"), ["accept"]);
    await page.context().close();
});

test("a_wrong_code_is_said_in_a_sentence_and_the_next_one_signs_in", async () => {
    const bob = machine.person("bob");
    const page = await machine.browse();
    await signIn(page, bob, CODE, /** @type {string} */ (bob.token.wrong(1)[0]));
    await notAccepted(page);
    await shoot(page, "login-wrong");
    await signIn(page, bob, NEXT, bob.token.next());
    await inTheShell(page, bob);
    assert.deepEqual(machine.verdicts("bob"), ["reject", "accept"]);
    await page.context().close();
});

test("a_used_code_is_said_in_the_same_sentence", async () => {
    const carol = machine.person("carol");
    const code = carol.token.next();
    const page = await machine.browse();
    await signIn(page, carol, CODE, code);
    await inTheShell(page, carol);
    await logOut(page);
    await signIn(page, carol, CODE, code);
    await notAccepted(page);
    await shoot(page, "login-used");
    assert.deepEqual(machine.verdicts("carol"), ["accept", "replay"]);
    await page.context().close();
});

test("after_five_wrong_codes_a_right_one_is_not_enough_and_two_in_a_row_are", async () => {
    const dora = machine.person("dora");
    const page = await machine.browse();
    for (const [index, wrong] of dora.token.wrong(5).entries()) {
        await signIn(page, dora, index === 0 ? CODE : NEXT, wrong);
        await notAccepted(page);
    }
    await typePassword(page, dora);
    await page.getByLabel(PAIR).waitFor();
    await shoot(page, "login-throttled");
    await page.getByLabel(PAIR).fill(dora.token.next());
    await page.getByRole("button", { name: "Log in" }).click();
    await notAccepted(page);
    // Pairs are tried ten seconds apart, and waiting costs nobody anything.
    const pair = `${dora.token.next()} ${dora.token.next()}`;
    const isIn = page.getByRole("button", { name: /^dora @ / });
    while (!await isIn.isVisible()) {
        await signIn(page, dora, PAIR, pair);
        await isIn.or(page.getByText(NOT_ACCEPTED)).waitFor();
    }
    assert.deepEqual(machine.verdicts("dora").slice(0, 5), Array(5).fill("reject"));
    assert.equal(machine.verdicts("dora").at(-1), "accept");
    await page.context().close();
});

test("a_wrong_password_is_told_apart_from_a_wrong_code", async () => {
    const emil = machine.person("emil");
    const page = await machine.browse();
    await signIn(page, { ...emil, password: "wrong" }, CODE, emil.token.next());
    await page.getByText("Authentication failed").waitFor();
    await signIn(page, emil, CODE, emil.token.next());
    await inTheShell(page, emil);
    await page.context().close();
});

test("the_packages_page_is_in_the_menu_and_shows_ones_own_token", async () => {
    const fritz = machine.person("fritz");
    const page = await machine.browse();
    await signIn(page, fritz, CODE, fritz.token.next());
    await inTheShell(page, fritz);
    await page.getByRole("link", { name: "Hardware tokens" }).click();
    const frame = page.frameLocator("iframe[name='cockpit1:localhost/fob']");
    await frame.getByRole("heading", { name: `Token …${fritz.token.serial.slice(-4)}` }).waitFor();
    await shoot(page, "login-own");
    await frame.getByRole("link", { name: "Tokens", exact: true }).click();
    await frame.getByText("Administrative access is needed").waitFor();
    await page.context().close();
});

test("an_administrator_turns_his_access_on_with_password_and_code_and_sees_all_tokens", async () => {
    const gitta = machine.person("gitta");
    const page = await machine.browse();
    await signIn(page, gitta, CODE, gitta.token.next());
    await inTheShell(page, gitta);
    await turnAccessOn(page, gitta, gitta.token.next());
    await page.getByRole("link", { name: "Hardware tokens" }).click();
    const frame = page.frameLocator("iframe[name='cockpit1:localhost/fob']");
    await frame.getByRole("rowheader", { name: gitta.token.serial }).waitFor();
    await shoot(page, "login-tokens");
    await page.context().close();
});

// At each login from then on its bridge runs sudo. Cockpit before 334 answers each prompt with the password;
// later ones leave the one for the code without an answer.
test("the_access_that_the_page_remembers_leaves_the_budget_of_wrong_codes_as_it_was", async () => {
    const hanna = { ...machine.person("hanna"), password: DIGITS };
    machine.shell(`usermod --password '${DIGITS_HASH}' hanna
        echo 'Defaults:hanna passwd_tries=3' >/etc/sudoers.d/zz-hanna
        sed -i 's/^auth required pam_fob.so/& debug/' /etc/pam.d/sudo`);
    const page = await machine.browse();
    await signIn(page, hanna, CODE, hanna.token.next());
    await inTheShell(page, hanna);
    await turnAccessOn(page, hanna, hanna.token.next());
    await logOut(page);
    await signIn(page, hanna, CODE, /** @type {string} */ (hanna.token.wrong(1)[0]));
    await notAccepted(page);
    const before = wrongCodes("hanna");
    assert.equal(before.length, 1, "one wrong code is counted, so that there is something to change");
    await signIn(page, hanna, NEXT, hanna.token.next());
    await inTheShell(page, hanna);
    const [junk, none] = ["the answer cannot be a code", "the conversation gave no answer"].map((end) => `(sudo) user "hanna" from "": ${end}`);
    machine.shell(`timeout 60 bash -c "until journalctl -q | grep -qE ' hanna : .*incorrect password|user .hanna. .* gave no answer'; do sleep 0.2; done"`);
    const [answered, unanswered] = [junk, none].map((line) => machine.journal(/** @type {string} */ (line)).length);
    assert.ok(answered === 3 || unanswered === 1, `sudo was answered ${answered} times, and left without an answer ${unanswered} times`);
    await page.getByRole("button", { name: "Limited access" }).waitFor();
    await shoot(page, "login-remembered");
    assert.deepEqual(wrongCodes("hanna"), before);
    assert.deepEqual(machine.verdicts("hanna"), ["accept", "accept", "reject", "accept"]);
    await page.context().close();
});
