// The pruning rule against a plain restatement of it, on certainties with many ties.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpret } from "../../graph/interpreter/interpret.ts";
import { trace } from "../../graph/scope.ts";
import { tensor, toFloat64 } from "../../tensor.ts";
import { CONTEXT, stopping } from "./pruning.ts";

const THRESHOLD = 0.5;

interface Picture {
  /** By class, by token. */
  readonly certainty: readonly (readonly number[])[];
  readonly alive: readonly boolean[];
}

/** Few different certainties, so that several tokens are equally sure. */
const pictures = fc
  .record({ classes: fc.integer({ min: 1, max: 3 }), tokens: fc.integer({ min: 1, max: 24 }) })
  .chain(({ classes, tokens }) => {
    const row = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: tokens, maxLength: tokens });
    const certainty = fc.array(row, { minLength: classes, maxLength: classes });
    const alive = fc.array(fc.boolean(), { minLength: tokens, maxLength: tokens });
    return fc.record({ certainty, alive });
  })
  .map(({ certainty, alive }): Picture => ({ certainty: certainty.map((row) => row.map((x) => x / 10)), alive }));

function stops({ certainty, alive }: Picture): boolean[] {
  const shape = [1, certainty.length, alive.length];
  const graph = trace(({ graph }) => {
    const of = graph.input("certainty", shape);
    return { stops: stopping(of, THRESHOLD, graph.input("alive", [1, alive.length], "bool"), alive.length) };
  });
  const inputs = {
    certainty: tensor("float32", shape, Float32Array.from(certainty.flat())),
    alive: tensor("bool", [1, alive.length], Uint8Array.from(alive, Number)),
  };
  return [...toFloat64(interpret(graph, { inputs, parameters: new Map() }).get("stops")!)].map((value) => value === 1);
}

/** The class that a token is likeliest of, the first of equal ones, and how sure that is. */
function likeliest({ certainty }: Picture, token: number): { readonly label: number; readonly sure: number } {
  const values = certainty.map((row) => row[token]!);
  const sure = Math.max(...values);
  return { label: values.indexOf(sure), sure };
}

/** For each class the tokens above the threshold, the surest first. */
function candidatesByClass(picture: Picture): number[][] {
  const sure = (token: number) => likeliest(picture, token).sure;
  const candidates = picture.alive.flatMap((alive, i) => (alive && sure(i) > THRESHOLD ? [i] : []));
  return picture.certainty.map((_, label) =>
    candidates.filter((i) => likeliest(picture, i).label === label).sort((a, b) => sure(b) - sure(a) || a - b),
  );
}

const check = (holds: (picture: Picture, stopped: boolean[]) => void) =>
  fc.assert(
    fc.property(pictures, (picture) => holds(picture, stops(picture))),
    { numRuns: 60, seed: 17 },
  );

describe("which tokens stop", () => {
  test("all above the threshold, but for the surest of each class", () => {
    check((picture, stopped) => {
      const expected = picture.alive.map(() => false);
      for (const tokens of candidatesByClass(picture)) for (const i of tokens.slice(CONTEXT)) expected[i] = true;
      expect(stopped).toEqual(expected);
    });
  });

  test("of each class at least as many go on as are its context", () => {
    check((picture, stopped) => {
      for (const tokens of candidatesByClass(picture))
        expect(tokens.filter((i) => !stopped[i])).toHaveLength(Math.min(CONTEXT, tokens.length));
    });
  });

  test("none that has stopped before, and none that nobody is sure of", () => {
    check((picture, stopped) => {
      stopped.forEach((stop, i) => {
        if (stop) expect(picture.alive[i] && likeliest(picture, i).sure > THRESHOLD).toBe(true);
      });
    });
  });
});
