// Entry of the command line.
import { keepCompiledCode } from "../platform/node/compiled-code.ts";

keepCompiledCode();
const [{ processTerminal }, { runCli }] = await Promise.all([import("./process-terminal.ts"), import("./program.ts")]);
const terminal = processTerminal();
process.exitCode = await terminal.finish(await runCli(process.argv.slice(2), terminal));
