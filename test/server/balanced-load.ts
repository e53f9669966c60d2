// Clients behind a balancer: they ask servers that say they are ready, over connections that are used again, and every request that a server took must be
// answered. Written here, because load generators do not know of servers that come and go.
import { Agent, request } from "node:http";

const HEALTH_EVERY_MS = 50;

export interface LoadOutcome {
  /** Answers by status. */
  readonly answered: Readonly<Record<number, number>>;
  /** Requests that went elsewhere because nobody listened any more: no server took them. */
  readonly refused: number;
  /** Requests that were sent and never answered, by the error's code. */
  readonly lost: Readonly<Record<string, number>>;
}

class Target {
  readonly agent = new Agent({ keepAlive: true });
  isReady = true;
  isChecked = false;
  constructor(readonly url: string) {}
}

/**
 * @example
 * const load = new BalancedLoad(picture, 8);
 * load.add(server.url);
 * const { lost } = await load.stop();
 */
export class BalancedLoad {
  readonly #targets = new Set<Target>();
  readonly #answered: Record<number, number> = {};
  readonly #lost: Record<string, number> = {};
  #refused = 0;
  #isStopped = false;
  readonly #working: Promise<unknown>;

  /** @param clients requests that are under way at once */
  constructor(
    readonly picture: Uint8Array,
    clients: number,
  ) {
    this.#working = Promise.all([this.#watch(), ...Array.from({ length: clients }, () => this.#ask())]);
  }

  /** Answers so far. */
  get answers(): number {
    return Object.values(this.#answered).reduce((sum, count) => sum + count, 0);
  }

  /** Takes a server that is ready into turn; it leaves by itself when it is not ready any more. */
  add(url: string): void {
    this.#targets.add(new Target(url));
  }

  async stop(): Promise<LoadOutcome> {
    this.#isStopped = true;
    await this.#working;
    for (const { agent } of this.#targets) agent.destroy();
    return { answered: this.#answered, refused: this.#refused, lost: this.#lost };
  }

  async #ask(): Promise<void> {
    while (!this.#isStopped) {
      const ready = [...this.#targets].filter(({ isReady }) => isReady);
      const target = ready[Math.floor(Math.random() * ready.length)];
      if (target === undefined) {
        await new Promise((wake) => setTimeout(wake, 10));
        continue;
      }
      try {
        const status = await post(target, this.picture);
        this.#answered[status] = (this.#answered[status] ?? 0) + 1;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "unknown";
        target.isReady = false;
        if (code === "ECONNREFUSED") this.#refused++;
        else this.#lost[code] = (this.#lost[code] ?? 0) + 1;
      }
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      await new Promise((wake) => setTimeout(wake, HEALTH_EVERY_MS));
      for (const target of this.#targets) if (target.isReady && !target.isChecked) void check(target);
    }
  }
}

async function check(target: Target): Promise<void> {
  target.isChecked = true;
  const isReady = await fetch(new URL("/readyz", target.url)).then(
    ({ ok }) => ok,
    () => false, // what it took is still being answered
  );
  if (!isReady) target.isReady = false;
  target.isChecked = false;
}

/** The status of the answer, all of which is read. */
function post({ url, agent }: Target, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "image/jpeg", "Content-Length": body.length };
    const asking = request(new URL("/v1/classify?top_k=1", url), { method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0));
      answer.once("error", reject);
    });
    asking.once("error", reject);
    asking.end(body);
  });
}
