// Which tokens a batch is cut to, and that whole rows move.
import { describe, expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { compact } from "./compact.ts";
import { takeRows } from "./rows.ts";

/** "x.xx": kept, left out, … of each picture. Tokens are numbered from 0, those of the second picture from 10. */
function compacted(...keep: readonly string[]) {
  const [n, tokens] = [keep.length, keep[0]!.length];
  const graph = trace(({ graph }) => {
    const { order, alive } = compact(graph.input("keep", [n, tokens], "bool"), "left");
    const rows = takeRows(graph.input("x", [n, tokens, 2]), order);
    return alive === undefined ? { rows } : { rows, alive };
  });
  const numbers = Float32Array.from({ length: n * tokens * 2 }, (_, i) => {
    const token = Math.floor(i / 2);
    return (10 * Math.floor(token / tokens) + (token % tokens)) * (i % 2 === 0 ? 1 : -1);
  });
  const bits = Uint8Array.from([...keep.join("")], (mark) => Number(mark === "x"));
  const inputs = { keep: tensor("bool", [n, tokens], bits), x: tensor("float32", [n, tokens, 2], numbers) };
  const outputs = interpret(graph, { inputs, parameters: new Map() });
  const rows = outputs.get("rows")!;
  return { shape: rows.shape, rows: [...toFloat64(rows)], alive: outputs.get("alive") };
}

describe("tokens that are left", () => {
  test("of one picture: these alone, in their order", () => {
    const { shape, rows, alive } = compacted(".x.xx");
    expect(shape).toEqual([1, 3, 2]);
    expect(rows).toEqual([1, -1, 3, -3, 4, -4]);
    expect(alive).toBeUndefined();
  });

  test("of a batch: as many as the fullest row has, and it is said which of them fill up", () => {
    const { shape, rows, alive } = compacted("x.x.", ".xxx");
    expect(shape).toEqual([2, 3, 2]);
    expect(rows.filter((_, i) => i % 2 === 0)).toEqual([0, 2, 1, 11, 12, 13]);
    expect([...alive!.data]).toEqual([1, 1, 0, 1, 1, 1]);
  });

  test("all of them: nothing moves", () => {
    expect(compacted("xxx").rows.filter((_, i) => i % 2 === 0)).toEqual([0, 1, 2]);
  });
});
