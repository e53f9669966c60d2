// The command line as a whole: one command a file under commands/, registered here. Exit codes: 0 done, 1 failed, 2 used wrongly.
import { Command, CommanderError } from "commander";
import { AbortedError, UsageError } from "../errors.ts";
import { version } from "../version.ts";
import { noteError, type Terminal } from "./terminal.ts";

/** What a command's file exports: adds itself to the program. `finish` sets the exit code of a command that went through but found faults. */
export type AddCommand = (program: Command, terminal: Terminal, finish: (exitCode: number) => void) => void;

/** By name, in the order of the help. A command's module is loaded when it is asked for: together they import most of the library. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  classify: async () => (await import("./commands/classify.ts")).addClassify,
  detect: async () => (await import("./commands/detect.ts")).addDetect,
  segment: async () => (await import("./commands/segment.ts")).addSegment,
  faces: async () => (await import("./commands/faces.ts")).addFaces,
  restore: async () => (await import("./commands/restore.ts")).addRestore,
  learn: async () => (await import("./commands/learn.ts")).addLearn,
  train: async () => (await import("./commands/train.ts")).addTrain,
  pretrain: async () => (await import("./commands/pretrain.ts")).addPretrain,
  recipes: async () => (await import("./commands/recipes.ts")).addRecipes,
  eval: async () => (await import("./commands/eval.ts")).addEval,
  calibrate: async () => (await import("./commands/calibrate.ts")).addCalibrate,
  audit: async () => (await import("./commands/audit.ts")).addAudit,
  bench: async () => (await import("./commands/bench.ts")).addBench,
  embed: async () => (await import("./commands/embed.ts")).addEmbed,
  index: async () => (await import("./commands/index.ts")).addIndex,
  search: async () => (await import("./commands/search.ts")).addSearch,
  models: async () => (await import("./commands/models.ts")).addModels,
  pull: async () => (await import("./commands/pull.ts")).addPull,
  inspect: async () => (await import("./commands/inspect.ts")).addInspect,
  convert: async () => (await import("./commands/convert.ts")).addConvert,
  export: async () => (await import("./commands/export.ts")).addExport,
  run: async () => (await import("./commands/run.ts")).addRun,
  scenes: async () => (await import("./commands/scenes.ts")).addScenes,
  motion: async () => (await import("./commands/motion.ts")).addMotion,
  serve: async () => (await import("./commands/serve.ts")).addServe,
  plan: async () => (await import("./commands/plan.ts")).addPlan,
  work: async () => (await import("./commands/work.ts")).addWork,
  jobs: async () => (await import("./commands/jobs.ts")).addJobs,
  page: async () => (await import("./commands/page.ts")).addPage,
  doctor: async () => (await import("./commands/doctor.ts")).addDoctor,
};

const EXAMPLES = `
Examples:
  $ saccade classify photo.jpg
  $ saccade classify photo.jpg --explain looked.png

saccade COMMAND --help shows a command's options and examples.
`;

/**
 * The command line. `finish` hears exit codes of commands that went through but found faults.
 *
 * @param names the commands that it is to have. Default: all
 */
export async function createProgram(
  terminal: Terminal,
  finish: (exitCode: number) => void,
  names: readonly string[] = Object.keys(COMMANDS),
): Promise<Command> {
  const program = new Command("saccade")
    .description(
      "Sparse visual recognition: says what is in a picture by looking at a few places, and shows where it looked.",
    )
    .version(version, "-V, --version")
    .addHelpText("after", EXAMPLES)
    // Names alone leave room for what the commands do; their arguments are in their own help.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .showHelpAfterError("(saccade --help, or saccade COMMAND --help, shows the options)")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => {
        for (const line of text.trimEnd().split("\n")) terminal.note(line);
      },
      getOutHelpWidth: () => Math.min(terminal.columns, 110),
      getErrHelpWidth: () => Math.min(terminal.columns, 110),
    });
  const commands = await Promise.all(names.map((name) => COMMANDS[name]!()));
  for (const add of commands) add(program, terminal, finish);
  return program;
}

/** The commands that these arguments are about: the one they name, none for the version, else all, for help and for suggestions. */
function namedCommands([first = ""]: readonly string[]): readonly string[] | undefined {
  if (Object.hasOwn(COMMANDS, first)) return [first];
  return first === "-V" || first === "--version" ? [] : undefined;
}

/** Runs one command line; the exit code is the answer. Never throws. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = await createProgram(
    terminal,
    (code) => {
      exitCode = Math.max(exitCode, code);
    },
    namedCommands(args),
  );
  try {
    // Nothing was asked for, so nothing has failed.
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof AbortedError || terminal.signal.aborted) {
      terminal.note("saccade: stopped");
      return 130;
    }
    noteError(terminal, error);
    return error instanceof UsageError ? 2 : 1;
  }
}
