// The users of the host, to be suggested.

/** Uids of people begin here, and end before nobody's (login.defs(5), UID_MIN; systemd's "Users"). */
const FIRST = 1000;
const NOBODY = 65534;

/**
 * Reads passwd(5): names of people, root first.
 * @param {string} output of `getent passwd`
 * @returns {string[]}
 */
export function people(output) {
    const all = output.split("\n").map((line) => line.split(":")).filter((fields) => fields.length >= 3);
    const isPerson = (/** @type {number} */ uid) => uid === 0 || (uid >= FIRST && uid < NOBODY);
    const names = all.filter((fields) => isPerson(Number(fields[2]))).map((fields) => fields[0] ?? "");
    return [...new Set(names)].sort((a, b) => Number(b === "root") - Number(a === "root") || a.localeCompare(b));
}
