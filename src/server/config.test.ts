// Options from the file, the environment and flags, and what is said where they are wrong.
import { expect, test } from "vitest";
import { CONFIG_FLAGS, modelEntry, serverConfig } from "./config.ts";

test("a flag wins over a variable, a variable over the file, the file over what is usual", () => {
  const config = serverConfig({
    models: [],
    flags: { maxQueue: "3", apiOnly: true },
    environment: {
      SACCADE_SERVE_MAX_QUEUE: "2",
      SACCADE_SERVE_PORT: "0",
      SACCADE_SERVE_CORS_ORIGINS: "https://a.org, https://b.org",
    },
    file: {
      json: { max_queue: 1, port: 9, timeout_ms: 5, models: ["runs/flowers", { name: "a", source: "b" }] },
      name: "serve.json",
    },
  });
  expect(config).toMatchObject({
    max_queue: 3,
    port: 0,
    timeout_ms: 5,
    api_only: true,
    host: "127.0.0.1",
    max_pictures: 32,
  });
  expect(config.cors_origins).toEqual(["https://a.org", "https://b.org"]);
  expect(config.models).toEqual([
    { name: "flowers", version: "1", source: "runs/flowers" },
    { name: "a", version: "1", source: "b" },
  ]);
});

test("what is wrong is named with where it was said", () => {
  const wrong = (sources: Partial<Parameters<typeof serverConfig>[0]>) => () =>
    serverConfig({ models: [], flags: {}, environment: {}, ...sources });
  expect(wrong({ flags: { port: "x" } })).toThrow(/--port: .*got "x"/);
  expect(wrong({ environment: { SACCADE_SERVE_MAX_BATCH: "0" } })).toThrow(/SACCADE_SERVE_MAX_BATCH: /);
  expect(wrong({ file: { json: { max_bach: 3 }, name: "serve.json" } })).toThrow(/serve.json: .*max_bach/);
  expect(wrong({ flags: { tlsCert: "a.pem" } })).toThrow(/certificate and its key/);
  expect(wrong({ models: ["a/m", "b/m"] })).toThrow(/two models m@1/);
});

test("models are named by their last part, or as is said", () => {
  expect(modelEntry("saccade/photographs")).toMatchObject({ name: "photographs", source: "saccade/photographs" });
  expect(modelEntry("runs/my flowers/")).toMatchObject({ name: "my-flowers" });
  expect(modelEntry("gfnet.pth.tar")).toMatchObject({ name: "gfnet" });
  expect(modelEntry("flowers@2=a=b")).toEqual({ name: "flowers", version: "2", source: "a=b" });
});

test("every field is a flag", () => {
  expect(CONFIG_FLAGS.map(({ flag }) => flag)).toContain("--max-delay-ms <ms>");
});
