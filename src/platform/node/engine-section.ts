// Keeps a process from ending while ONNX Runtime's native code runs in a worker. Node stops workers when the process exits; a native run that
// then returns finds its JavaScript gone, throws from C++ and aborts the whole process (exit code 134, "terminate called after throwing an
// instance of 'Napi::Error'"; seen with process.exit, with the end of the main module and with worker.terminate). So a worker enters a
// section before native code and leaves it afterwards, in shared memory, and an exiting process waits for the sections in use.

const IDLE = 0;
const BUSY = 1;
const CLOSED = 2;

/** The longest that an exiting process waits for one run, in milliseconds. */
const EXIT_PATIENCE_MS = 60_000;

/** One flag shared by the thread that owns a session and the worker that runs it. */
export type EngineSection = Int32Array<SharedArrayBuffer>;

export function engineSection(): EngineSection {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Worker: native code begins. Never returns once the process is exiting; the thread is stopped while it waits here. */
export function enterSection(section: EngineSection): void {
  while (Atomics.compareExchange(section, 0, IDLE, BUSY) === CLOSED) Atomics.wait(section, 0, CLOSED);
}

/** Worker: native code is done, on success as on failure. */
export function leaveSection(section: EngineSection): void {
  Atomics.store(section, 0, IDLE);
  Atomics.notify(section, 0);
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
  for (const section of guarded)
    while (Atomics.compareExchange(section, 0, IDLE, CLOSED) === BUSY && performance.now() < deadline)
      Atomics.wait(section, 0, BUSY, deadline - performance.now());
}
