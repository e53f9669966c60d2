// Requests that come when they come, whether or not earlier ones are answered: what overload is. Written here because autocannon's clients wait for
// answers, and send what a second may have at its beginning; bench/serve-load.ts runs it beside this one.
import { Agent, request } from "node:http";

/** One answer. */
export interface Sample {
  /** 0: no answer. */
  readonly status: number;
  readonly milliseconds: number;
}

export interface OpenLoopOptions {
  readonly url: string;
  readonly bodies: readonly Uint8Array[];
  readonly perSecond: number;
  readonly seconds: number;
}

/** Sends evenly; resolves when all is answered. */
export async function openLoop({ url, bodies, perSecond, seconds }: OpenLoopOptions): Promise<Sample[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const count = Math.ceil(perSecond * seconds);
  const asked: Promise<Sample>[] = [];
  const began = performance.now();
  while (asked.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
    while (asked.length < due) asked.push(ask(url, bodies[asked.length % bodies.length]!, agent));
    await new Promise((wake) => setTimeout(wake, 1));
  }
  const samples = await Promise.all(asked);
  agent.destroy();
  return samples;
}

function ask(url: string, body: Uint8Array, agent: Agent): Promise<Sample> {
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (status: number) => resolve({ status, milliseconds: performance.now() - began });
    const headers = { "Content-Type": "image/jpeg", "Content-Length": body.length };
    const asking = request(url, { method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.once("end", () => end(answer.statusCode ?? 0));
      answer.once("error", () => end(0));
    });
    asking.once("error", () => end(0));
    asking.end(body);
  });
}
