// This program's version, as in package.json (a test compares them).
export const version = "0.1.0";

/** A digest of the sources, which the build puts here (scripts/node-parts.mjs). */
declare const SACCADE_BUILD: string | undefined;

/** What the program was built from; undefined for sources, which may be others the next time. */
export const build = typeof SACCADE_BUILD === "undefined" ? undefined : SACCADE_BUILD;
