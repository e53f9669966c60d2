import { expect, test } from "vitest";
import { shardRowsFor } from "./shard-size.ts";

test.each([
  ["of many, what takes a minute", 20, 10_000_000, 1024],
  ["no more than a file should hold", 5000, 10_000_000, 16_384],
  ["of fewer, sixteen shards for workers to share", 20, 10_000, 512],
  ["that take eight seconds at least: of few pictures there are fewer shards", 60, 2500, 512],
  ["of slow models, sixteen pictures at least", 0.01, 1000, 16],
])("rows of a shard: %s", (_, perSecond, rows, expected) => {
  expect(shardRowsFor(perSecond, rows)).toBe(expected);
});
