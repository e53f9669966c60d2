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
  /** The number of the worker that is on WebGPU's device, or 0; one for all workers of the process. */
  readonly turn: Int32Array<SharedArrayBuffer>;
  /** This worker's own number. */
  readonly number: number;
}

const flag = () => new Int32Array(new SharedArrayBuffer(4));
const turn = flag();
let sections = 0;

export function engineSection(): EngineSection {
  sections += 1;
  return { flag: flag(), turn, number: sections };
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
export async function inTurn<T>(section: EngineSection, work: () => Promise<T>): Promise<T> {
  const { turn, number } = section;
  for (;;) {
    const other = Atomics.compareExchange(turn, 0, IDLE, number);
    if (other === IDLE) break;
    Atomics.wait(turn, 0, other);
  }
  try {
    return await work();
  } finally {
    endTurn(section);
  }
}

function endTurn({ turn, number }: EngineSection): void {
  if (Atomics.compareExchange(turn, 0, number, IDLE) === number) Atomics.notify(turn, 0);
}

const guarded = new Set<EngineSection>();
let listening = false;

/**
 * Owner: from now until the returned function is called, the process does not exit inside this section. It is called when the worker is gone, and
 * a turn that died with it is then another's.
 */
export function guardSection(section: EngineSection): () => void {
  if (!listening) {
    listening = true;
    process.once("exit", closeSections); // once for all sessions: no listener warning, whatever their number
  }
  guarded.add(section);
  return () => {
    guarded.delete(section);
    endTurn(section);
  };
}

function closeSections(): void {
  const deadline = performance.now() + EXIT_PATIENCE_MS;
  for (const { flag } of guarded)
    while (Atomics.compareExchange(flag, 0, IDLE, CLOSED) === BUSY && performance.now() < deadline)
      Atomics.wait(flag, 0, BUSY, deadline - performance.now());
}
