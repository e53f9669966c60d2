// Who works on which shard. A queue hands out shards and takes them back from those who fall silent; what is done is said by the markers of parts, not by
// the queue, so that one that forgets everything, or hands a shard out twice, costs time and nothing else.

/** A shard that is one's own for a while. */
export interface Lease {
  readonly shard: number;
  /** Once more the whole time. false: it has gone to somebody else. Rejects where the queue cannot be asked. */
  renew(): Promise<boolean>;
  /** It is done, or given up: nobody is to have it again. */
  complete(): Promise<void>;
  /** Somebody is to have it, now. */
  release(): Promise<void>;
}

export interface ShardQueue extends AsyncDisposable {
  /** For people: "shared folder", "PostgreSQL", "Redis". */
  readonly kind: string;
  /** Puts shards in that are not in it already. */
  fill(shards: readonly number[]): Promise<void>;
  /** undefined where none is to be had now: all are done, or others have them. */
  take(): Promise<Lease | undefined>;
  /** Shards that wait, or are somebody's, or may become free. */
  outstanding(): Promise<number>;
}

export interface QueueOptions {
  /** Where the plan is. */
  readonly folder: string;
  /** Its hash: queues of several plans have one database. */
  readonly plan: string;
  readonly shards: number;
  /** Who takes shards. */
  readonly worker: string;
  /** After so long without a sign a worker has lost what it took. */
  readonly leaseMs: number;
}

/** Shards that are one's own and nobody else's: of tasks to which a scheduler has given a number each. */
export function ownShards(shards: readonly number[]): ShardQueue {
  const waiting = [...shards];
  return {
    kind: "own shards",
    fill: async () => undefined,
    async take() {
      const shard = waiting.shift();
      if (shard === undefined) return undefined;
      return { shard, renew: async () => true, complete: async () => undefined, release: async () => undefined };
    },
    outstanding: async () => waiting.length,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
