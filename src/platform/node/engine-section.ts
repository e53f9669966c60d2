// Keeps a process from ending while ONNX Runtime's native code runs in a worker. Node stops workers when the process exits; a native run that
// then returns finds its JavaScript gone, throws from C++ and aborts the whole process (exit code 134, "terminate called after throwing an
// instance of 'Napi::Error'"; seen with process.exit, with the end of the main module and with worker.terminate). So a worker enters a
// section before native code and leaves it afterwards, in shared memory, and an exiting process waits for the sections in use.

const IDLE = 0;
const BUSY = 1;
const CLOSED = 2;

/** The longest that an exiting process waits for one run, in milliseconds. */
const EXIT_PATIENCE_MS = 60_000;

/** What the thread that owns a session shares with the worker that runs it. */
export interface EngineSection {
  /** Whether the worker is in native code. */
  readonly flag: Int32Array<SharedArrayBuffer>;
  /** Whether any worker of the process is on WebGPU's device; one for all of them. */
  readonly turn: Int32Array<SharedArrayBuffer>;
}

const flag = () => new Int32Array(new SharedArrayBuffer(4));
const turn = flag();

export function engineSection(): EngineSection {
  return { flag: flag(), turn };
}

/** Worker: native code begins. Never returns once the process is exiting; the thread is stopped while it waits here. */
export function enterSection({ flag }: EngineSection): void {
  while (Atomics.compareExchange(flag, 0, IDLE, BUSY) === CLOSED) Atomics.wait(flag, 0, CLOSED);
}

/** Worker: native code is done, on success as on failure. */
export function leaveSection({ flag }: EngineSection): void {
  Atomics.store(flag, 0, IDLE);
  Atomics.notify(flag, 0);
}

/** Worker: native code runs in here, so that the process does not end in the middle of it. */
export async function inSection<T>(section: EngineSection, work: () => Promise<T>): Promise<T> {
  enterSection(section);
  try {
    return await work();
  } finally {
    leaveSection(section);
  }
}

/**
 * Worker: waits until no other worker of the process is on WebGPU's device. All sessions share that device, which does not bear several threads:
 * closing sessions side by side crashed the process ("double free or corruption", onnxruntime-node 1.30.0). Waiting blocks the thread, so a
 * worker never has two turns under way.
 */
export async function inTurn<T>({ turn }: EngineSection, work: () => Promise<T>): Promise<T> {
  while (Atomics.compareExchange(turn, 0, IDLE, BUSY) !== IDLE) Atomics.wait(turn, 0, BUSY);
  try {
    return await work();
  } finally {
    Atomics.store(turn, 0, IDLE);
    Atomics.notify(turn, 0, 1);
  }
}

const guarded = new Set<EngineSection>();
let listening = false;

/** Owner: from now until the returned function is called, the process does not exit inside this section. */
export function guardSection(section: EngineSection): () => void {
  if (!listening) {
    listening = true;
    process.once("exit", closeSections); // once for all sessions: no listener warning, whatever their number
  }
  guarded.add(section);
  return () => guarded.delete(section);
}

function closeSections(): void {
  const deadline = performance.now() + EXIT_PATIENCE_MS;
  for (const { flag } of guarded)
    while (Atomics.compareExchange(flag, 0, IDLE, CLOSED) === BUSY && performance.now() < deadline)
      Atomics.wait(flag, 0, BUSY, deadline - performance.now());
}
