// What ONNX Runtime's native build must find before it is loaded. Its Linux build collects telemetry: it keeps a device number and a database of
// events under ~/.cache/Microsoft for uploading, and to name the program it matches the whole command line of the process with a regular
// expression that recurses once a byte. On a worker's ordinary stack of 4 MB that ends the process (SIGSEGV) from about 14 kB of arguments.
import { readFileSync } from "node:fs";

/** ONNX Runtime's own switch. Whoever wants its telemetry sets it to 0. */
const SWITCH = "ORT_DISABLE_TELEMETRY";

/** What Node gives a worker unasked. */
const ORDINARY_MEGABYTES = 4;
/** Measured with 1.30.0: 288 bytes of stack for each byte of the command line, from 7 kB to 1.9 MB, whatever the arguments' lengths. */
const STACK_BYTES_PER_BYTE = 320;
/** Below this the ordinary stack is enough. */
const SHORT_COMMAND_LINE = 8192;

/** Turns telemetry off for this process and its children, unless the variable is set already. Call it before the engine is loaded. */
export function turnOffTelemetry(environment: NodeJS.ProcessEnv = process.env): void {
  environment[SWITCH] ??= "1";
}

/**
 * The stack that a thread needs which loads the engine, in megabytes; undefined: the ordinary one is enough. It matters where telemetry stays on:
 * somebody set the variable to 0, or this code runs in a worker, whose environment native code does not see. Only what is used of a stack costs
 * memory, and it is given back when the thread ends.
 */
export function engineStackMegabytes(commandLineBytes = ownCommandLineBytes()): number | undefined {
  if (commandLineBytes < SHORT_COMMAND_LINE) return undefined;
  return ORDINARY_MEGABYTES + Math.ceil((commandLineBytes * STACK_BYTES_PER_BYTE) / 2 ** 20);
}

/** As the kernel has it, because it is what the engine reads. 0 where there is no such file: the engine finds none either. */
function ownCommandLineBytes(): number {
  try {
    return readFileSync("/proc/self/cmdline").length;
  } catch {
    return 0;
  }
}
