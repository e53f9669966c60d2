import { describe, expect, test } from "vitest";
import { SaccadeError } from "../errors.ts";
import { harmlessTerminal, noteError, printable } from "./terminal.ts";

/** ESC, BEL, CSI in one byte, DEL, a paragraph separator, a direction override, an isolate and a mark. */
const EVIL = "a\u001b[31m\u0007\u009b2J\u007f\u2029\u202egpj\u2066\u200f\u061cb";

function recorder() {
  const shown = { out: "", notes: [] as string[], statuses: [] as string[] };
  const terminal = harmlessTerminal({
    out: (text) => {
      shown.out += text;
    },
    note: (line) => shown.notes.push(line),
    status: (line) => shown.statuses.push(line),
    outputClosed: false,
    columns: 80,
    interactive: false,
    readInput: async () => new Uint8Array(),
    signal: new AbortController().signal,
  });
  return { terminal, shown };
}

describe("whatever is said", () => {
  test("holds nothing that a terminal obeys", () => {
    const { terminal, shown } = recorder();
    terminal.out(`${EVIL}\n${EVIL}\n`);
    terminal.note(`${EVIL}\nsaccade: all is well`);
    terminal.status(EVIL);
    const text = [shown.out.replaceAll("\n", ""), ...shown.notes, ...shown.statuses].join("");
    expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
    expect(shown.out.split("\n")).toHaveLength(3);
    expect(shown.notes).toEqual([expect.stringContaining("\\x1b[31m\\x07\\u009b2J\\u007f\\u2029\\u202egpj")]);
  });

  test("stays JSON with the same values", () => {
    const { terminal, shown } = recorder();
    terminal.out(`${JSON.stringify({ [EVIL]: EVIL }, undefined, 2)}\n`);
    expect(JSON.parse(shown.out)).toEqual({ [EVIL]: EVIL });
  });

  test("keeps line ends of either kind, and no other carriage return", () => {
    const { terminal, shown } = recorder();
    terminal.out("a,b\r\nc\rd\n\r\n");
    expect(shown.out).toBe("a,b\r\nc\\x0dd\n\r\n");
  });

  test("keeps ordinary text of any script", () => {
    const text = "naïve 写真 صورة 👩‍🔬 e\u0301 \\x1b";
    expect(printable(text)).toBe(text);
  });

  test("errors: further lines are indented, so that a name cannot look like a message", () => {
    const { terminal, shown } = recorder();
    noteError(terminal, new SaccadeError("x", "cannot read a\nsaccade: done", { hint: "try again" }));
    noteError(terminal, new SaccadeError("x", "no"), "$& b.jpg");
    expect(shown.notes).toEqual(["saccade: cannot read a", "  saccade: done", "  try again", "$& b.jpg: no"]);
  });

  test("a name is not said twice", () => {
    const { shown, terminal } = recorder();
    for (const message of ["a.mp4 is cut off", "a.mp4: it is damaged", "video not found: a.mp4", "a.mp4x is odd"])
      noteError(terminal, new SaccadeError("x", message), "a.mp4");
    expect(shown.notes).toEqual([
      "a.mp4 is cut off",
      "a.mp4: it is damaged",
      "video not found: a.mp4",
      "a.mp4: a.mp4x is odd",
    ]);
  });
});
