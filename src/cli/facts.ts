// Lists of facts for people: a title, and beside it a text that is folded to the terminal's width.
import { printable } from "./terminal.ts";

/** A title (empty: it goes on under the title above) and its text. */
export type Fact = readonly [title: string, text: string];

const INDENT = "  ";
const LEAST_WIDTH = 20;

/** Titles in one column, texts in another. */
export function listFacts(facts: readonly Fact[], columns: number): string {
  const width = INDENT.length + Math.max(0, ...facts.map(([title]) => title.length)) + 2;
  const lines = facts.flatMap(([title, text]) =>
    fold(text, Math.max(LEAST_WIDTH, columns - width)).map(
      (line, i) => (i === 0 ? `${INDENT}${title}`.padEnd(width) : " ".repeat(width)) + line,
    ),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** Breaks at spaces; words longer than a line stay whole, so that paths and addresses can be copied. */
export function fold(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    for (const word of printable(paragraph).trim().split(/ +/)) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}
