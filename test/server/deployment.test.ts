// Files to be copied by those who run a server, and the page that describes it: what they name is there, and a container is given the time that stopping takes.
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { CONFIG_FLAGS, serverConfig } from "../../src/server/config.ts";
import { ServerMetrics } from "../../src/server/metrics.ts";

const DOCS = resolve(import.meta.dirname, "../../docs");
const DEPLOY = resolve(DOCS, "deploy");
const read = (name: string) => readFileSync(resolve(DEPLOY, name), "utf8");
const page = readFileSync(resolve(DOCS, "server.md"), "utf8");
const usual = serverConfig({ models: [], flags: {}, environment: {} });

test("every variable is an option", () => {
  const known = CONFIG_FLAGS.map(
    ({ flag }) => `SACCADE_SERVE_${flag.slice(2).split(" ")[0]!.replaceAll("-", "_").toUpperCase()}`,
  );
  const used = [...readdirSync(DEPLOY).map(read), page].flatMap((text) => text.match(/SACCADE_SERVE_[A-Z_]+/g) ?? []);
  expect(used.length).toBeGreaterThan(3);
  for (const variable of used) expect(known).toContain(variable);
});

test("every flag that the page names is one", () => {
  const flags = new Set([...CONFIG_FLAGS.map(({ flag }) => flag.split(" ")[0]), "--config"]);
  const others = new Set(["--data-binary", "--json", "--import"]);
  for (const flag of page.match(/--[a-z][a-z-]+/g) ?? []) if (!others.has(flag)) expect(flags).toContain(flag);
});

test("every metric is one", async () => {
  const { body } = await new ServerMetrics().text();
  for (const text of [read("kubernetes.yaml"), page])
    for (const name of text.match(/\bsaccade_[a-z_]+/g) ?? [])
      if (!name.startsWith("saccade_serve")) expect(body).toContain(`# TYPE ${name} `);
});

test("ports are the usual one, and health is where it is", () => {
  for (const name of ["Dockerfile", "compose.yaml", "kubernetes.yaml"])
    expect(read(name)).toContain(String(usual.port));
  for (const path of read("kubernetes.yaml").match(/path: \/\w+z/g) ?? [])
    expect(["path: /readyz", "path: /livez"]).toContain(path);
  expect(read("Dockerfile")).toContain("/readyz");
});

test("stopping ends before its time is over", () => {
  const seconds = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);
  const drain = usual.drain_ms / 1000;
  const grace = usual.grace_ms / 1000;
  const kubernetes = read("kubernetes.yaml");
  const ofKubernetes = seconds(kubernetes, /SACCADE_SERVE_GRACE_MS, value: "(\d+)"/) / 1000;
  expect(seconds(kubernetes, /terminationGracePeriodSeconds: (\d+)/)).toBeGreaterThan(ofKubernetes + drain);
  expect(seconds(read("compose.yaml"), /stop_grace_period: (\d+)s/)).toBeGreaterThan(grace + drain);
  expect(seconds(read("saccade.service"), /TimeoutStopSec=(\d+)/)).toBeGreaterThan(grace + drain);
});
