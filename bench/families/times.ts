// What one picture costs each member: processor time of a run with one picture, all members in turn, again and again, so that what else the machine does meets all of them alike.
import { writeFileSync } from "node:fs";
import { inferenceGraph } from "../../src/models/graph.ts";
import { lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import type { Session } from "../../src/runtime/session.ts";
import { spreadOf } from "../../src/statistics.ts";
import { tensor } from "../../src/tensor.ts";
import { startingPoint } from "../../src/train/start.ts";
import { processorSeconds, recipeOf } from "./learn.ts";
import { MEMBERS, type Member } from "./members.ts";
import type { FamilyTime } from "./results.ts";

const ROUNDS = 9;
/** Of one member in a round. */
const RUNS = 8;

/** Fresh weights: how long a run takes does not depend on them. */
async function open(member: Member, size: number, classes: number): Promise<Session> {
  const labels = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const { definition, weights } = startingPoint(recipeOf(member, size, 0), labels).model;
  const bytes = lower(inferenceGraph(definition, {}, { inColour: true }), {
    parameters: weights,
    target: "onnxruntime",
    outputs: ["logits"],
  });
  return nodeHost.createSession(bytes, { device: "cpu", threads: 1 });
}

async function millisecondsOf(session: Session, size: number): Promise<number> {
  const image = tensor("float32", [1, 3, size, size], new Float32Array(3 * size * size));
  const started = processorSeconds();
  for (let run = 0; run < RUNS; run++) await session.run({ image }, { outputs: ["logits"] });
  return (1000 * (processorSeconds() - started)) / RUNS;
}

/** Measures all members at one size and writes medians of the rounds. */
export async function measureTimes(size: number, classes: number, path: string): Promise<void> {
  const sessions = await Promise.all(MEMBERS.map((member) => open(member, size, classes)));
  const measured = MEMBERS.map((): number[] => []);
  // The first round is not counted: engines settle in it.
  for (let round = 0; round <= ROUNDS; round++)
    for (const [i, session] of sessions.entries()) {
      const milliseconds = await millisecondsOf(session, size);
      if (round > 0) measured[i]!.push(milliseconds);
    }
  await Promise.all(sessions.map((session) => session.dispose()));
  const rows = MEMBERS.map(({ name }, i): FamilyTime => {
    const { median, q1, q3 } = spreadOf(measured[i]!);
    const [middle, low, high] = [median, q1, q3].map((value) => Number(value.toFixed(3))) as [number, number, number];
    return { family: name, milliseconds: middle, q1: low, q3: high };
  });
  writeFileSync(path, `${JSON.stringify({ size, threads: 1, batch: 1, rounds: ROUNDS, rows }, undefined, 1)}\n`);
}
