// Shards as jobs of pg-boss in PostgreSQL: https://github.com/timgit/pg-boss, version 10. A job that is not renewed within its lease is retried by
// pg-boss's own maintenance, which any worker runs. Version 10 cannot renew, so the time at which a job was begun is set anew; the number of its
// tries tells whether it is still the same one's.
import { createHash } from "node:crypto";
import type PgBoss from "pg-boss";
import type { Lease, QueueOptions, ShardQueue } from "../../../jobs/queue.ts";
import { inTime, optionalPackage } from "./optional-package.ts";

/** Looked up when it is run and not when a program is bundled, because it may not be there. */
const PACKAGE = "pg-boss";
const KIND = "PostgreSQL";
const SCHEMA = "saccade_jobs";
/** Jobs of one statement. */
const INSERTED = 1000;
const ANSWER_MS = 20_000;
/** Giving up is decided by what happened to a shard, not by how often it was tried. */
const RETRIES = 1_000_000;

interface ShardJob {
  readonly shard: number;
}

export async function openPostgresQueue(address: string, options: QueueOptions): Promise<ShardQueue> {
  const load = () => import(PACKAGE) as Promise<{ readonly default: typeof PgBoss }>;
  const { default: Boss } = await optionalPackage(load, `a queue in ${KIND}`, "pg-boss@10");
  const boss = new Boss({
    connectionString: address,
    schema: SCHEMA,
    application_name: "saccade",
    // One renews while another is asked for.
    max: 2,
    supervise: false,
    schedule: false,
  });
  boss.on("error", () => undefined); // a connection that broke; what is asked next says so
  try {
    await inTime(KIND, boss.start(), ANSWER_MS);
    const queue = new PostgresQueue(boss, options);
    await queue.create();
    return queue;
  } catch (error) {
    await boss.stop({ graceful: false, wait: false }).catch(() => undefined);
    throw error;
  }
}

class PostgresQueue implements ShardQueue {
  readonly kind = KIND;
  readonly #boss: PgBoss;
  readonly #options: QueueOptions;
  readonly #name: string;
  #maintainedAt = 0;

  constructor(boss: PgBoss, options: QueueOptions) {
    this.#boss = boss;
    this.#options = options;
    this.#name = `plan-${options.plan.slice(0, 24)}`;
  }

  /** Several workers may do so at once; the one who loses finds it there. */
  async create(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await inTime(KIND, this.#boss.createQueue(this.#name, { name: this.#name, policy: "standard" }), ANSWER_MS);
        return;
      } catch (error) {
        if (tries === 5) throw error;
      }
    }
  }

  async fill(shards: readonly number[]): Promise<void> {
    const leaseSeconds = Math.max(1, Math.ceil(this.#options.leaseMs / 1000));
    for (let at = 0; at < shards.length; at += INSERTED) {
      const jobs = shards.slice(at, at + INSERTED).map((shard) => ({
        // The same for every worker: a shard is in it once.
        id: uuidOf(`${this.#options.plan} ${shard}`),
        name: this.#name,
        data: { shard },
        retryLimit: RETRIES,
        retryDelay: 0,
        expireInSeconds: leaseSeconds,
      }));
      await inTime(KIND, this.#boss.insert(jobs), ANSWER_MS);
    }
  }

  async take(): Promise<Lease | undefined> {
    await this.#maintain();
    const fetching = this.#boss.fetch<ShardJob>(this.#name, { batchSize: 1, includeMetadata: true });
    const [job] = await inTime(KIND, fetching, ANSWER_MS);
    return job === undefined ? undefined : new PostgresLease(this.#boss, this.#name, job);
  }

  async outstanding(): Promise<number> {
    return inTime(KIND, this.#boss.getQueueSize(this.#name, { before: "completed" }), ANSWER_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inTime(KIND, this.#boss.stop({ graceful: false, wait: false }), 5000).catch(() => undefined);
  }

  /** Takes jobs back from those who have fallen silent. */
  async #maintain(): Promise<void> {
    const now = performance.now();
    if (this.#maintainedAt !== 0 && now - this.#maintainedAt < this.#options.leaseMs / 4) return;
    await inTime(KIND, this.#boss.maintain(), ANSWER_MS);
    this.#maintainedAt = now;
  }
}

class PostgresLease implements Lease {
  readonly shard: number;
  readonly #boss: PgBoss;
  readonly #queue: string;
  readonly #id: string;
  readonly #tries: number;

  constructor(boss: PgBoss, queue: string, job: PgBoss.JobWithMetadata<ShardJob>) {
    this.#boss = boss;
    this.#queue = queue;
    this.#id = job.id;
    this.#tries = job.retryCount;
    this.shard = job.data.shard;
  }

  async renew(): Promise<boolean> {
    const { rows } = await this.#sql("SET started_on = now()");
    return rows.length === 1;
  }

  async complete(): Promise<void> {
    await inTime(KIND, this.#boss.deleteJob(this.#queue, this.#id), ANSWER_MS);
  }

  async release(): Promise<void> {
    await this.#sql("SET state = 'retry', start_after = now()");
  }

  /** Changes the job if it is still this lease's. */
  #sql(change: string): Promise<{ rows: unknown[] }> {
    const text = `UPDATE ${SCHEMA}.job ${change} WHERE name = $1 AND id = $2 AND state = 'active' AND retry_count = $3 RETURNING id`;
    return inTime(KIND, this.#boss.getDb().executeSql(text, [this.#queue, this.#id, this.#tries]), ANSWER_MS);
  }
}

/** A UUID of what a text says (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join("-");
}
