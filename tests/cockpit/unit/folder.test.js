// What must not be in the page, whoever writes on it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../../../packaging/cockpit/", import.meta.url);
const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
const read = (name) => readFileSync(new URL(name, folder), "utf8");

test("no_text_becomes_markup_or_code", () => {
    assert.ok(sources.length > 10);
    for (const name of sources)
        assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\(|new Function/, name);
});

test("the_page_keeps_nothing_and_says_nothing", () => {
    for (const name of sources)
        assert.doesNotMatch(read(name), /setItem|sessionStorage|indexedDB|document\.cookie|console\./, name);
});

test("the_policy_of_cockpit_is_not_loosened", () => {
    const manifest = JSON.parse(read("manifest.json"));
    assert.equal(manifest["content-security-policy"], undefined);
    const page = read("index.html");
    assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|https?:/);
});

test("every_module_is_in_the_folder", () => {
    for (const name of sources) {
        for (const [, path] of read(name).matchAll(/^import [^;]*"([^"]+)";$/gm)) {
            assert.match(path, /^\.\.?\//, `${name} imports ${path}`);
            assert.doesNotThrow(() => readFileSync(new URL(path, new URL(name, folder))), `${name} imports ${path}`);
        }
    }
});

test("the_core_touches_neither_the_document_nor_the_bus", () => {
    for (const name of sources.filter((one) => one.startsWith("core/")))
        assert.doesNotMatch(read(name), /\b(document|window)\b(?!s)[.]|cockpit\.(dbus|spawn|file)|Date\.now|performance\./, name);
});
