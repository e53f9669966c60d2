// Comma-separated values (RFC 4180) with tabs or semicolons as well, because spreadsheets write those.
import { FormatError } from "../errors.ts";

export interface CsvRow {
  /** Of its first character, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * The rows of a table; empty lines are skipped. The separator is whichever of tab, semicolon and comma the first line has most of.
 *
 * @throws FormatError for a quote that is never closed
 */
export function parseCsv(text: string, name: string): CsvRow[] {
  const separator = guessSeparator(text);
  const rows: CsvRow[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const start = line;
    const fields: string[] = [];
    for (;;) {
      const field = readField(text, at, separator, () => {
        throw new FormatError("CSV", `${name}:${line} has a quote that is never closed`);
      });
      fields.push(field.value);
      line += field.lines;
      at = field.end;
      if (text[at] !== separator) break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    line++;
    if (fields.length > 1 || fields[0] !== "") rows.push({ line: start, fields });
  }
  return rows;
}

function guessSeparator(source: string): string {
  const first = source.slice(0, Math.max(source.search(/[\r\n]/), 0) || undefined).slice(0, 10_000);
  const count = (separator: string) => first.split(separator).length;
  return [";", ","].reduce((best, other) => (count(other) > count(best) ? other : best), "\t");
}

interface Field {
  readonly value: string;
  /** Line breaks inside. */
  readonly lines: number;
  readonly end: number;
}

function readField(source: string, start: number, separator: string, unclosed: () => never): Field {
  const endOfPlain = (from: number) => {
    let end = from;
    while (end < source.length && source[end] !== separator && source[end] !== "\n" && source[end] !== "\r") end++;
    return end;
  };
  if (source[start] !== '"') {
    const end = endOfPlain(start);
    return { value: source.slice(start, end).trim(), lines: 0, end };
  }
  let value = "";
  let at = start + 1;
  for (;;) {
    const quote = source.indexOf('"', at);
    if (quote === -1) unclosed();
    value += source.slice(at, quote);
    at = quote + 1;
    if (source[at] !== '"') break;
    value += '"';
    at++;
  }
  // Whatever stands between the closing quote and the separator belongs to the field all the same.
  const end = endOfPlain(at);
  return { value: value + source.slice(at, end).trimEnd(), lines: value.split("\n").length - 1, end };
}
