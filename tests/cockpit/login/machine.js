// A machine to sign in to: Debian with Cockpit, booted in a container, with Fob from its two packages;
// its people and their tokens; and a browser in the machine's own network.
//
// tests/containers/engine knows the container engine. The machine ends with this process, however that ends.

import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { top } from "../browser/stage.js";

const engine = join(top, "tests/containers/engine");
/** For what must happen, on however busy a machine. Milliseconds. */
const PATIENCE = Number(process.env.FOB_PATIENCE ?? 60_000);
/** Of everybody. */
const PASSWORD = "correct horse";
/** See PASSWORD (`openssl passwd -6`). */
const HASH = "$6$fobtests$iMBjyb2NQinCxAyiqlp/laV2luIuf1vI1gY4lUUid.za8ZE3rFAzLGnU1fufi0Y6PZXyTmWloRpFyOuMdBaN.1";
/** Counters of a token in which no code of these tests is wrong. */
const FAR = 50;

/** @param {string[]} words @param {string|Buffer} [input] */
function run(words, input = "") {
    const done = spawnSync(engine, words, { encoding: "utf8", input, maxBuffer: 64 << 20 });
    if (done.status !== 0)
        throw new Error(`engine ${words.join(" ")}: ${done.stdout}${done.stderr}${done.error ?? ""}`);
    return done.stdout;
}

/** A token with a button, which has any number of codes at once. */
export class Button {
    /** @param {string} serial */
    constructor(serial) {
        this.serial = serial;
        this.seed = createHmac("sha1", "a seed of the tests").update(serial).digest();
        this.counter = 0;
    }

    /** @returns {string} its line in a list of seeds */
    line() {
        return `${this.serial}, ${this.seed.toString("hex")}, hotp, 6\n`;
    }

    /** The code of a counter (RFC 4226 section 5.3). @param {number} counter */
    #of(counter) {
        const message = Buffer.alloc(8);
        message.writeBigUInt64BE(BigInt(counter));
        const hash = createHmac("sha1", this.seed).update(message).digest();
        const offset = (hash[19] ?? 0) & 15;
        return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
    }

    /** Presses the button. */
    next() {
        this.counter += 1;
        return this.#of(this.counter - 1);
    }

    /** So many codes that it does not show. @param {number} count @returns {string[]} */
    wrong(count) {
        const near = Array.from({ length: FAR }, (_none, counter) => this.#of(counter));
        const all = Array.from({ length: FAR + count }, (_none, number) => String(123_456 + number));
        return all.filter((code) => !near.includes(code)).slice(0, count);
    }
}

/** @typedef {{name: string, password: string, token: Button}} Person */

export class Machine {
    /** @param {string} name */
    constructor(name) {
        this.name = name;
        this.folder = mkdtempSync(join(tmpdir(), "fob-login-"));
        this.lifeline = spawn(engine, ["exec", name, "sh", "-c", "cat >/dev/null; systemctl --force poweroff"],
            { stdio: ["pipe", "ignore", "ignore"] });
        /** @type {import("playwright-core").Browser|null} */
        this.browser = null;
    }

    /** Boots it, and installs the packages as an administrator does. */
    static async begin() {
        run(["prepare"]);
        const name = `fob-login-${process.pid}`;
        run(["start", name, "cockpit"]);
        const machine = new Machine(name);
        try {
            machine.install((process.env.FOB_PACKAGES ?? "").split(/\s+/).filter((file) => file !== "").map((file) => resolve(top, file)));
            // A busy machine may need longer than the ten minutes after which the change is taken back.
            machine.shell("fobctl emergency root >/dev/null && fobctl enable --yes sudo cockpit && systemctl stop fob-revert.timer");
            await machine.startBrowser();
            return machine;
        } catch (error) {
            await machine.close();
            throw error;
        }
    }

    /** @param {string[]} files */
    install(files) {
        if (files.length === 0)
            throw new Error("run tests/cockpit/run login: it makes the packages that this installs");
        for (const file of files)
            this.shell(`cat >/root/${basename(file)}`, readFileSync(file));
        this.shell("DEBIAN_FRONTEND=noninteractive apt-get -qq -y install /root/*.deb");
    }

    /** In the machine's network its page is at 127.0.0.1, and nothing else can be reached. */
    async startBrowser() {
        const program = join(this.folder, "chromium");
        const pid = run(["pid", this.name]).trim();
        writeFileSync(program, `#!/bin/sh\nexec nsenter --net=/proc/${pid}/ns/net -- /usr/bin/chromium "$@"\n`, { mode: 0o755 });
        this.browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    }

    /** Runs a command as root; it must succeed. @param {string} command @param {string|Buffer} [input] */
    shell(command, input) {
        return run(["exec", this.name, "--", "timeout", "120", "bash", "-c", command], input);
    }

    /** Makes an account, and gives it a token. @param {string} name @returns {Person} */
    person(name) {
        this.shell(`useradd --create-home --groups users --shell /bin/bash --password '${HASH}' ${name}`);
        const token = new Button(`B-${name}`);
        this.shell("fobctl import --format=oath-csv -", token.line());
        this.shell(`fobctl assign ${name} ${token.serial}`, `${token.next()}\n${token.next()}\n`);
        return { name, password: PASSWORD, token };
    }

    /** The daemon's verdicts about somebody, in their order. @param {string} name @returns {string[]} */
    verdicts(name) {
        return this.journal(`user="${name}"`).flatMap((line) => / verify verdict="(\w+)"/.exec(line)?.[1] ?? []);
    }

    /** The lines of the journal that hold a text. @param {string} text @returns {string[]} */
    journal(text) {
        return this.shell("journalctl --sync && journalctl --no-pager -o short").split("\n").filter((line) => line.includes(text));
    }

    /** A browser of somebody's own, at the page. */
    async browse() {
        const context = await /** @type {import("playwright-core").Browser} */ (this.browser).newContext({
            viewport: { width: 1280, height: 860 }, locale: "en-GB", reducedMotion: "reduce",
        });
        const page = await context.newPage();
        page.setDefaultTimeout(PATIENCE);
        await page.goto("http://127.0.0.1:9090/");
        return page;
    }

    async close() {
        await this.browser?.close();
        const ended = new Promise((done) => this.lifeline.once("exit", done));
        run(["remove", this.name]);
        await ended;
        rmSync(this.folder, { recursive: true, force: true });
    }
}
