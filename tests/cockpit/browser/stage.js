// A stage: a system bus, fobd, Cockpit's web server with a session, and a browser, all of their own.
//
// It runs as root in a mount namespace (tests/cockpit/run makes it), so that the bus, fobd's socket and
// the users are where they are on a host, and the host's own stay as they are.

import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const top = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const shots = join(top, "target/cockpit");
/** For what must happen, on however busy a machine. */
const PATIENCE = Number(process.env.FOB_PATIENCE ?? 60_000);

/** Uids that nobody on the host has. carol may use sudo. */
const PEOPLE = { alice: 47001, bob: 47002, carol: 47003 };

/** @param {string} program */
function built(program) {
    const folder = process.env.FOB_PROGRAMS ?? join(top, "target/debug");
    return join(folder, program);
}

/** @param {string} command @param {string[]} words @param {object} [options] */
function run(command, words, options = {}) {
    const done = spawnSync(command, words, { encoding: "utf8", maxBuffer: 64 << 20, ...options });
    if (done.status !== 0)
        throw new Error(`${command} ${words.join(" ")}: ${done.stderr}${done.error ?? ""}`);
    return done.stdout;
}

/** @param {() => boolean|Promise<boolean>} holds @param {string} what */
async function until(holds, what) {
    const end = Date.now() + PATIENCE;
    while (!(await holds())) {
        if (Date.now() > end)
            throw new Error(`it did not come to this: ${what}`);
        await new Promise((go) => setTimeout(go, 50));
    }
}

/** Hides the host behind the stage's own folders, once. */
export function hideTheHost() {
    if (process.env.FOB_STAGE !== "namespace")
        throw new Error("run tests/cockpit/run: it makes the mount namespace that this needs");
    if (existsSync("/run/fob-stage"))
        return;
    run("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
    mkdirSync("/run/fob-stage");
    const passwd = join("/run/fob-stage", "passwd");
    writeFileSync(passwd, readFileSync("/etc/passwd"));
    const group = join("/run/fob-stage", "group");
    writeFileSync(group, readFileSync("/etc/group"));
    for (const [name, uid] of Object.entries(PEOPLE)) {
        mkdirSync(`/run/fob-stage/${name}`);
        run("chown", [`${uid}:${uid}`, `/run/fob-stage/${name}`]);
        appendFileSync(passwd, `${name}:x:${uid}:${uid}:${name}:/run/fob-stage/${name}:/bin/sh\n`);
        appendFileSync(group, `${name}:x:${uid}:\n`);
    }
    const shadow = join("/run/fob-stage", "shadow");
    writeFileSync(shadow, readFileSync("/etc/shadow"), { mode: 0o640 });
    appendFileSync(shadow, "carol:*:20000:0:99999:7:::\n");
    const sudoers = join("/run/fob-stage", "sudoers");
    writeFileSync(sudoers, "root ALL=(ALL:ALL) ALL\ncarol ALL=(ALL:ALL) NOPASSWD: ALL\n", { mode: 0o440 });
    for (const [ours, theirs] of [[passwd, "/etc/passwd"], [group, "/etc/group"], [shadow, "/etc/shadow"], [sudoers, "/etc/sudoers"]])
        run("mount", ["--bind", ours, theirs]);
}

/** A token in software, whose codes node computes. */
export class Token {
    /** @param {string} serial */
    constructor(serial) {
        this.serial = serial;
        this.seed = createHmac("sha1", "a seed of the tests").update(serial).digest();
    }

    /** @returns {string} its line in a list of seeds */
    line() {
        return `${this.serial}, ${this.seed.toString("hex")}, totp, 6, 30\n`;
    }

    /** The code of so many steps from now (RFC 6238). @param {number} steps @returns {string} */
    code(steps) {
        const counter = Buffer.alloc(8);
        counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
        const hash = createHmac("sha1", this.seed).update(counter).digest();
        const offset = (hash[19] ?? 0) & 15;
        const number = hash.readUInt32BE(offset) & 0x7fffffff;
        return String(number % 1_000_000).padStart(6, "0");
    }
}

/** @param {string} folder */
function busConfiguration(folder) {
    mkdirSync(join(folder, "system.d"), { recursive: true });
    cpSync(join(top, "packaging/dbus/org.fobd.Fob1.conf"), join(folder, "system.d/org.fobd.Fob1.conf"));
    const bus = readFileSync(join(top, "tests/harness/system_bus.conf"), "utf8");
    writeFileSync(join(folder, "bus.conf"), bus.replace("@SOCKET@", "/run/dbus/system_bus_socket"));
}

export class Stage {
    /** @param {string} folder */
    constructor(folder) {
        this.folder = folder;
        /** @type {Map<string, import("node:child_process").ChildProcess>} */
        this.processes = new Map();
        /** @type {import("playwright-core").Browser|null} */
        this.browser = null;
        this.said = "";
    }

    static async begin() {
        hideTheHost();
        const folder = mkdtempSync(join(tmpdir(), "fob-cockpit-"));
        const stage = new Stage(folder);
        chmodSync(folder, 0o755);
        mkdirSync(join(folder, "bin"));
        symlinkSync(built("fobctl"), join(folder, "bin/fobctl"));
        mkdirSync(join(folder, "share/cockpit"), { recursive: true });
        // The way to administrative access, as Cockpit's own package cockpit-system has it; without a password.
        mkdirSync(join(folder, "share/cockpit/way"));
        writeFileSync(join(folder, "share/cockpit/way/manifest.json"), JSON.stringify({
            bridges: [{ privileged: true, label: "sudo", spawn: ["sudo", "-n", "cockpit-bridge", "--privileged"] }],
        }));
        cpSync(join(top, "packaging/cockpit"), join(folder, "share/cockpit/fob"), { recursive: true });
        for (const place of ["/run/dbus", "/run/fobd"])
            mkdirSync(place, { recursive: true });
        busConfiguration(folder);
        stage.start("bus", "dbus-daemon", [`--config-file=${folder}/bus.conf`, "--nofork", "--nopidfile", "--nosyslog"]);
        await until(() => existsSync("/run/dbus/system_bus_socket"), "dbus-daemon listens");
        run(built("fobd"), ["--initialize", `--state=${folder}/state`]);
        writeFileSync(join(folder, "fobd.conf"), 'clock = "trusted"\n', { mode: 0o644 });
        await stage.startFobd();
        return stage;
    }

    /**
     * @param {string} name @param {string} command @param {string[]} words
     * @param {import("node:child_process").SpawnOptions} [options]
     */
    start(name, command, words, options = {}) {
        const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"], ...options });
        for (const stream of [child.stdout, child.stderr])
            stream?.on("data", (data) => { this.said += `${name}: ${data}`; });
        this.processes.set(name, child);
        return child;
    }

    async startFobd() {
        const before = this.said.length;
        const { folder } = this;
        this.start("fobd", built("fobd"), [`--state=${folder}/state`, `--config=${folder}/fobd.conf`,
            "--socket=/run/fobd/bus", "--bus=unix:path=/run/dbus/system_bus_socket"]);
        await until(() => this.said.slice(before).includes('bus state="connected"'), `fobd serves the bus:\n${this.said}`);
    }

    /** @param {string} name */
    async end(name) {
        const child = this.processes.get(name);
        if (child === undefined || child.exitCode !== null || child.signalCode !== null)
            return;
        const gone = new Promise((done) => child.once("exit", done));
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await gone;
        clearTimeout(late);
    }

    /** @param {string[]} words @param {string} [input] */
    fobctl(words, input = "") {
        return run(built("fobctl"), words, { input });
    }

    /** @param {Token[]} tokens */
    stock(...tokens) {
        this.fobctl(["import", "--format=oath-csv", "-"], tokens.map((token) => token.line()).join(""));
    }

    /** @param {string} user @param {Token} token */
    assign(user, token) {
        this.fobctl(["assign", user, token.serial], `${token.code(-1)}\n${token.code(0)}\n`);
    }

    /**
     * Opens the page in a browser, as somebody with a session of Cockpit's.
     * @param {{user?: "root"|keyof typeof PEOPLE, path?: string, dark?: boolean, width?: number}} [how]
     */
    async open({ user = "root", path = "/tokens", dark = false, width = 1280 } = {}) {
        const port = await freePort();
        const as = user === "root" ? [] : ["setpriv", `--reuid=${PEOPLE[user]}`, `--regid=${PEOPLE[user]}`, "--clear-groups"];
        const home = user === "root" ? this.folder : `/run/fob-stage/${user}`;
        const environment = {
            PATH: `${this.folder}/bin:${process.env.PATH}`, HOME: home, USER: user, LOGNAME: user, LANG: "C.UTF-8",
            XDG_DATA_DIRS: `${this.folder}/share:/usr/share`, XDG_RUNTIME_DIR: home, XDG_CONFIG_DIRS: this.folder,
        };
        const [command, ...words] = [...as, "/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address=127.0.0.1", `--port=${port}`,
            "--local-session=cockpit-bridge"];
        this.start(`cockpit-ws ${port}`, /** @type {string} */ (command), words, { env: environment });
        const address = `http://127.0.0.1:${port}/cockpit/@localhost/fob/index.html#${path}`;
        await until(() => fetch(`http://127.0.0.1:${port}/ping`).then((answer) => answer.ok, () => false), `cockpit-ws answers:\n${this.said}`);
        this.browser ??= await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
        const context = await this.browser.newContext({
            viewport: { width, height: 860 }, colorScheme: dark ? "dark" : "light", locale: "en-GB", reducedMotion: "reduce",
        });
        const page = await context.newPage();
        page.setDefaultTimeout(PATIENCE);
        /** @type {string[]} */
        const wrong = [];
        page.on("pageerror", (error) => wrong.push(String(error)));
        page.on("console", (message) => {
            if (message.type() === "error")
                wrong.push(message.text());
        });
        await page.goto(address);
        return { page, wrong, port };
    }

    async close() {
        await this.browser?.close();
        for (const name of [...this.processes.keys()].reverse())
            await this.end(name);
        rmSync(this.folder, { recursive: true, force: true });
        rmSync("/run/dbus/system_bus_socket", { force: true });
        rmSync("/run/fobd/bus", { force: true });
    }
}

/** @returns {Promise<number>} */
function freePort() {
    return new Promise((found, failed) => {
        const server = createServer();
        server.once("error", failed);
        server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            server.close(() => found(address !== null && typeof address === "object" ? address.port : 0));
        });
    });
}

/**
 * Looks with axe-core whether everybody can use what is shown.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>} what is wrong
 */
export async function violations(page) {
    await page.evaluate(readFileSync(join(top, "tests/cockpit/node_modules/axe-core/axe.min.js"), "utf8"));
    return await page.evaluate(async () => {
        const { violations: found } = await /** @type {any} */ (window).axe.run(document);
        return found.flatMap((/** @type {any} */ rule) => rule.nodes.map((/** @type {any} */ node) => `${rule.id}: ${node.html}: ${node.failureSummary}`));
    });
}

/** @param {import("playwright-core").Page} page @param {string} name */
export async function shoot(page, name) {
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}.png`) });
}
