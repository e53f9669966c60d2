// HTML by template: whatever is put in is text and gets escaped, unless it came out of a template itself. Pages are well-formed XML too.

/** Markup that is safe as it is. Only `html` makes it. */
export class Markup {
  constructor(readonly text: string) {}
}

export type HtmlValue = Markup | string | number | undefined | false | readonly HtmlValue[];

/**
 * Markup with values in it: text and numbers escaped, lists one after the other, undefined and false nothing.
 *
 * @example html`<li title="${name}">${name}</li>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + print(values[i - 1]) + part));
}

function print(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "string") return escapeText(value);
  if (typeof value === "number") return String(value);
  return value.map(print).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters, which neither HTML nor XML can hold, become the sign for what cannot be shown. */
function escapeText(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replace(/\p{Cc}/gu, (character) => (/[\n\t]/.test(character) ? character : "\ufffd"));
}

/** 0.6524 -> "65.2 %", with a space that does not break. */
export function percent(value: number | undefined, digits = 1): string {
  return value === undefined ? "–" : `${(100 * value).toFixed(digits)}\u00a0%`;
}

/** A coordinate, as short as it is sharp. */
export function px(value: number): number {
  return Math.round(value * 100) / 100;
}
