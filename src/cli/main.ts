// Entry of the command line.
import { processTerminal } from "./process-terminal.ts";
import { runCli } from "./program.ts";

const terminal = processTerminal();
process.exitCode = await terminal.finish(await runCli(process.argv.slice(2), terminal));
