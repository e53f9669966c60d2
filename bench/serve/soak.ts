// Minutes of everything that a server meets: pictures, more of them than it takes, damaged ones, clients that hang up, drawings. Its memory is read after every
// round.
import { residentMebibytes, startServe } from "../../test/server/serve-process.ts";
import { openLoop } from "./open-loop.ts";

export interface SoakOptions {
  readonly model: string;
  readonly bodies: readonly Uint8Array[];
  readonly minutes: number;
}

export async function soak({ model, bodies, minutes }: SoakOptions) {
  const serving = await startServe([model, "--quiet", "--max-queue", "32"]);
  try {
    const url = new URL("/v1/classify", serving.url).href;
    const rounds: { minutes: number; requests: number; mebibytes: number }[] = [];
    const statuses: Record<number, number> = {};
    const began = performance.now();
    let requests = 0;
    const elapsed = () => (performance.now() - began) / 60_000;
    const run = async (perSecond: number, seconds: number, of: readonly Uint8Array[], query = "") => {
      for (const { status } of await openLoop({ url: url + query, bodies: of, perSecond, seconds })) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        requests++;
      }
    };
    const damaged = bodies.map((body) => body.subarray(0, body.length / 2));
    while (elapsed() < minutes) {
      await run(15, 5, bodies, "?top_k=3");
      await run(400, 1, bodies);
      await run(20, 1, damaged);
      await run(5, 1, bodies.slice(0, 5), "?explain=gaze");
      await hangUps(url, bodies);
      requests += HANG_UPS;
      rounds.push({ minutes: elapsed(), requests, mebibytes: residentMebibytes(serving) });
    }
    const later = rounds.slice(Math.floor(rounds.length / 2));
    return {
      minutes: elapsed(),
      requests,
      statuses,
      mebibytes: { first: rounds[0]?.mebibytes, middle: later[0]?.mebibytes, last: rounds.at(-1)?.mebibytes },
      second_half: {
        mebibytes_per_minute: slope(later.map((one) => [one.minutes, one.mebibytes])),
        kibibytes_per_request: 1024 * slope(later.map((one) => [one.requests, one.mebibytes])),
      },
      rounds: rounds.map(({ minutes: at, requests: count, mebibytes }) => [
        Number(at.toFixed(2)),
        count,
        Math.round(mebibytes),
      ]),
    };
  } finally {
    serving.child.kill("SIGTERM");
    await serving.ended;
  }
}

const HANG_UPS = 20;

async function hangUps(url: string, bodies: readonly Uint8Array[]): Promise<void> {
  const asking = Array.from({ length: HANG_UPS }, async (_, i) => {
    const gone = new AbortController();
    setTimeout(() => gone.abort(), 5 * i);
    const body = new Uint8Array(bodies[i % bodies.length]!);
    await fetch(url, { method: "POST", body, signal: gone.signal }).then((answer) => answer.text());
  });
  await Promise.allSettled(asking);
}

/** Of the line nearest to the points by squares. */
function slope(points: readonly (readonly number[])[]): number {
  const mean = (at: number) => points.reduce((sum, point) => sum + point[at]!, 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const over = points.reduce((sum, point) => sum + (point[0]! - x) * (point[1]! - y), 0);
  return over / points.reduce((sum, point) => sum + (point[0]! - x) ** 2, 0);
}
