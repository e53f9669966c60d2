// Processes that get SIGTERM under load, one of two at a time: requests that were taken and not answered.
import { BalancedLoad } from "../../test/server/balanced-load.ts";
import { startServe } from "../../test/server/serve-process.ts";

export interface StopsOptions {
  readonly model: string;
  readonly body: Uint8Array;
  readonly stops: number;
  readonly clients: number;
  readonly graceMs: number;
}

export async function measureStops({ model, body, stops, clients, graceMs }: StopsOptions) {
  const start = () =>
    startServe([model, "--quiet", "--threads", "1", "--sessions", "1", "--grace-ms", String(graceMs)]);
  let [serving, next] = [await start(), await start()];
  const load = new BalancedLoad(body, clients);
  load.add(serving.url);
  load.add(next.url);
  const codes: Record<string, number> = {};
  for (let i = 0; i < stops; i++) {
    await new Promise((wake) => setTimeout(wake, 500));
    serving.child.kill("SIGTERM");
    const code = String(await serving.ended);
    codes[code] = (codes[code] ?? 0) + 1;
    serving = next;
    next = await start();
    load.add(next.url);
    console.error(`${i + 1} stops, ${load.answers} answers`);
  }
  const outcome = await load.stop();
  for (const { child } of [serving, next]) child.kill("SIGTERM");
  await Promise.all([serving.ended, next.ended]);
  return { stops, clients, grace_ms: graceMs, exit_codes: codes, ...outcome };
}
