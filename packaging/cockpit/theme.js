// The theme that Cockpit's menu says: its shell keeps it in the storage of the browser, under a name
// that has not changed since it has one, and tells open pages by an event.

const KEY = "shell:style";
/** What Cockpit's own pages have on their root, by the age of PatternFly. */
const CLASSES = ["pf-theme-dark", "pf-v5-theme-dark", "pf-v6-theme-dark"];

/** Follows it for as long as the page is there. */
export function follow() {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const apply = (/** @type {string|null} */ style) => {
        const isDark = style === "dark" || (style !== "light" && system.matches);
        CLASSES.forEach((name) => document.documentElement.classList.toggle(name, isDark));
    };
    const kept = () => window.localStorage.getItem(KEY);
    system.addEventListener("change", () => apply(kept()));
    window.addEventListener("storage", (event) => {
        if (event.key === KEY)
            apply(event.newValue);
    });
    window.addEventListener("cockpit-style", (event) => {
        if (event instanceof CustomEvent)
            apply(event.detail.style);
    });
    apply(kept());
}
