// Rules of the page: what a type checker does not see. ESLint's own recommended set is spelled out in
// the package @eslint/js, which comes with it.

import js from "@eslint/js";

const browser = ["window", "document", "Node", "NodeFilter", "HTMLElement", "HTMLButtonElement", "HTMLInputElement", "CustomEvent",
    "TextDecoder", "performance", "cockpit", "console", "localStorage", "sessionStorage"];
const node = ["process", "console", "URL", "Buffer", "setTimeout", "clearTimeout", "fetch"];
const globals = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

/** What would let another's text become markup or code, or keep a code (tests/THREATS.md). */
const never = [
    { selector: "MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|write|createContextualFragment)$/]", message: "Text becomes text nodes: ui/dom.js." },
    { selector: "NewExpression[callee.name='Function']", message: "No code is made from text." },
    { selector: "MemberExpression[property.name='setItem']", message: "The page keeps nothing." },
    { selector: "Identifier[name=/^(sessionStorage|indexedDB)$/]", message: "The page keeps nothing." },
    { selector: "CallExpression[callee.object.name='cockpit'][callee.property.name=/^(script|http|eject)$/]", message: "Calls go through bus.js." },
];

export default [
    { ignores: ["node_modules/"] },
    js.configs.recommended,
    {
        languageOptions: { ecmaVersion: 2022, sourceType: "module" },
        rules: {
            "eqeqeq": "error",
            "no-eval": "error",
            "no-implied-eval": "error",
            "no-console": "error",
            "no-var": "error",
            "prefer-const": "error",
            "max-lines": ["error", 400],
            "max-params": ["error", 7],
            "no-unused-vars": ["error", { varsIgnorePattern: "^_" }],
            "no-irregular-whitespace": "error",
        },
    },
    { files: ["**/packaging/cockpit/**"], languageOptions: { globals: globals(browser) }, rules: { "no-restricted-syntax": ["error", ...never] } },
    { files: ["**/packaging/cockpit/core/**"], languageOptions: { globals: globals(["cockpit"]) } },
    { files: ["**/tests/cockpit/**"], languageOptions: { globals: globals([...browser, ...node]) } },
];
