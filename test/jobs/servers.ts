// PostgreSQL and Redis from the system's packages, started on loopback with data in a temporary folder, to be stopped, killed and started again.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export interface TestServer {
  readonly address: string;
  readonly port: number;
  /** As if the power had failed. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** undefined, and a word why, where it is not installed. */
export async function postgresServer(host = "127.0.0.1"): Promise<TestServer | undefined> {
  const bin = postgresBin();
  if (bin === undefined) return missing("PostgreSQL", "postgresql");
  const folder = mkdtempSync(join(tmpdir(), "saccade-postgres-"));
  const data = join(folder, "data");
  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync("chown", ["postgres", folder]);
  const as = (program: string, args: readonly string[]): [string, string[]] =>
    isRoot
      ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", program, ...args]]
      : [program, [...args]];
  const initdb = ["-D", data, "-U", "saccade", "--auth=trust", "--no-sync", "-E", "UTF8"];
  execFileSync(...as(join(bin, "initdb"), initdb), { stdio: "ignore", cwd: "/" });
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-k", folder, "-c", `listen_addresses=${host}`, "-c", "fsync=off"];
  const allow = "host all all 0.0.0.0/0 trust\n";
  execFileSync(...as("sh", ["-c", `printf '${allow.replace("\n", "\\n")}' >> ${data}/pg_hba.conf`]));
  return serverOf({
    ...{ folder, port },
    address: `postgres://saccade@${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}/postgres`,
    spawn: () => spawn(...as(join(bin, "postgres"), args), { stdio: "ignore", cwd: "/" }),
    isReady: () => succeeds(join(bin, "pg_isready"), ["-h", "127.0.0.1", "-p", String(port), "-t", "1"]),
  });
}

/** Writes down every command, so that a restart forgets nothing. */
export async function redisServer(host = "127.0.0.1"): Promise<TestServer | undefined> {
  const program = ["/usr/bin/redis-server", "/usr/bin/valkey-server"].find((path) => existsSync(path));
  if (program === undefined) return missing("Redis", "redis-server");
  const folder = mkdtempSync(join(tmpdir(), "saccade-redis-"));
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const args = ["--port", String(port), "--bind", host, "--dir", folder, "--appendonly", "yes"];
  const cli = program.replace("-server", "-cli");
  return serverOf({
    ...{ folder, port },
    address: `redis://127.0.0.1:${port}`,
    spawn: () => spawn(program, [...args, "--appendfsync", "always", "--protected-mode", "no"], { stdio: "ignore" }),
    isReady: () => succeeds(cli, ["-h", "127.0.0.1", "-p", String(port), "ping"]),
  });
}

interface Startable {
  readonly folder: string;
  readonly address: string;
  readonly port: number;
  readonly spawn: () => ChildProcess;
  readonly isReady: () => boolean;
}

async function serverOf({ folder, address, port, spawn: begin, isReady }: Startable): Promise<TestServer> {
  let running: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  };
  const server: TestServer = {
    ...{ address, port },
    kill: () => end("SIGKILL"),
    async start() {
      running = begin();
      for (let tries = 0; !isReady(); tries++) {
        if (tries > 300) throw new Error(`${address} does not start`);
        await pause(200);
      }
    },
    async stop() {
      await end("SIGINT"); // to PostgreSQL a fast shutdown
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

function postgresBin(): string | undefined {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

function missing(what: string, packageName: string): undefined {
  console.warn(`${what} is not installed (${packageName}): the tests of its queue are skipped`);
  return undefined;
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, [...args], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

export interface ObjectStore {
  /** What the AWS SDK must be told to find it, as environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of what lies directly in a folder of a bucket, without asking the store. */
  objects(folder: string): string[];
  /** What is in it stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** With all that is in it. */
  remove(): Promise<void>;
}

interface S3rver {
  run(): Promise<unknown>;
  close(): Promise<void>;
}

/** How the store ends the names of files that are objects. */
const OBJECT = "._S3rver_object";

/** A store of objects that speaks S3, in this very process: who asks it must not be waited for without a promise. */
export async function objectStore(...buckets: readonly string[]): Promise<ObjectStore> {
  const { default: S3rver } = (await import("s3rver" as string)) as { default: new (options: object) => S3rver };
  const directory = mkdtempSync(join(tmpdir(), "saccade-s3-"));
  const port = await freePort();
  const make = () =>
    new S3rver({
      ...{ port, directory, address: "127.0.0.1", silent: true },
      configureBuckets: buckets.map((name) => ({ name })),
    });
  let server = make();
  await server.run();
  return {
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "S3RVER",
      AWS_SECRET_ACCESS_KEY: "S3RVER",
    },
    objects(folder) {
      const path = join(directory, folder);
      const names = existsSync(path) ? readdirSync(path) : [];
      return names.flatMap((name) => (name.endsWith(OBJECT) ? name.slice(0, -OBJECT.length) : []));
    },
    stop: () => server.close(),
    async start() {
      server = make();
      await server.run();
    },
    async remove() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
