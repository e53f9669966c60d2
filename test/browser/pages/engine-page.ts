// Sessions in a page, over models that the test puts there.
import { type EngineFiles, setEngineFiles } from "../../../src/platform/web/engine-files.ts";
import { createStagedWebSession, createWebSession, type WebSession } from "../../../src/platform/web/session.ts";
import type { SessionOptions } from "../../../src/runtime/session.ts";
import type { StagedSession, StageStep } from "../../../src/runtime/staged-session.ts";
import { fromPlain, type PlainTensors, plainTensors } from "../plain-tensors.ts";
import { expose, fetchBytes } from "./expose.ts";

type PlainOptions = Pick<SessionOptions, "check" | "device" | "threads" | "state">;
type PlainStep = Omit<StageStep, "feeds" | "signal"> & { readonly feeds?: PlainTensors };

const sessions: WebSession[] = [];
const stagedSessions: StagedSession[] = [];

const faulty = () => new Worker(new URL("./faulty-worker.js", import.meta.url), { type: "module" });
const absent = () => new Worker(new URL("./no-such-worker.js", import.meta.url), { type: "module" });
const WORKERS = { faulty, absent } as const;

const tensors = (values: PlainTensors) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fromPlain(value)]));

const api = {
  /** Opens a session; what else is called names it by the number that comes back. */
  async open(path: string, options: PlainOptions = {}, worker?: keyof typeof WORKERS) {
    const notices: string[] = [];
    const session = await createWebSession(
      await fetchBytes(path),
      { ...options, onNotice: (line) => notices.push(line) },
      worker === undefined ? undefined : WORKERS[worker],
    );
    const { device, engine, threads, inputs, outputs } = session;
    return { id: sessions.push(session) - 1, device, engine, threads, inputs, outputs, notices };
  },
  run: async (id: number, feeds: PlainTensors, outputs?: readonly string[]) =>
    plainTensors(await sessions[id]!.run(tensors(feeds), outputs === undefined ? {} : { outputs })),
  /** Runs one picture while another run waits, and aborts one of the two. */
  async abort(id: number, feeds: PlainTensors, which: "running" | "waiting") {
    const controllers = { running: new AbortController(), waiting: new AbortController() };
    const runs = [controllers.running, controllers.waiting].map(({ signal }) =>
      sessions[id]!.run(tensors(feeds), { signal }).then(
        () => "done",
        (error: Error) => error.name,
      ),
    );
    setTimeout(() => controllers[which].abort(), 0);
    return Promise.all(runs);
  },
  async abortLoad(path: string) {
    const controller = new AbortController();
    const loading = createWebSession(await fetchBytes(path), { device: "wasm", signal: controller.signal });
    controller.abort();
    await loading;
  },
  /** Whether the page's own work went on while a run was under way: the number of timers that fired, and how long the run took. */
  async ticksDuring(id: number, feeds: PlainTensors) {
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 5);
    const begin = performance.now();
    await sessions[id]!.run(tensors(feeds));
    clearInterval(timer);
    return { ticks, ms: performance.now() - begin };
  },
  readState: async (id: number) => plainTensors(await sessions[id]!.readState!()),
  closed: (id: number) => sessions[id]!.closed,
  dispose: (id: number) => sessions[id]!.dispose(),
  isolated: () => crossOriginIsolated,
  setEngineFiles: (files?: EngineFiles) => setEngineFiles(files),
  async openStages(paths: Readonly<Record<string, string>>, options: PlainOptions = {}) {
    const models = await Promise.all(
      Object.entries(paths).map(async ([stage, path]) => [stage, await fetchBytes(path)] as const),
    );
    const session = await createStagedWebSession(new Map(models), { ...options, onNotice: () => undefined });
    return { id: stagedSessions.push(session) - 1, device: session.device };
  },
  /** Takes the steps of one run, and gives the outputs of each. */
  async steps(id: number, steps: readonly PlainStep[]) {
    const run = stagedSessions[id]!.begin();
    const answers = [];
    for (const { feeds, ...step } of steps) {
      const { outputs } = await run.step({ ...step, ...(feeds === undefined ? {} : { feeds: tensors(feeds) }) });
      answers.push(plainTensors(outputs));
    }
    run.end();
    return answers;
  },
  disposeStages: (id: number) => stagedSessions[id]!.dispose(),
};

export type EngineApi = typeof api;
expose(api);
