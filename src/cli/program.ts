// The command line as a whole: one command a file under commands/, registered here. Exit codes: 0 done, 1 failed, 2 used wrongly.
import { Command, CommanderError } from "commander";
import { AbortedError, UsageError } from "../errors.ts";
import { version } from "../version.ts";
import { addAudit } from "./commands/audit.ts";
import { addBench } from "./commands/bench.ts";
import { addCalibrate } from "./commands/calibrate.ts";
import { addClassify } from "./commands/classify.ts";
import { addConvert } from "./commands/convert.ts";
import { addDetect } from "./commands/detect.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEmbed } from "./commands/embed.ts";
import { addEval } from "./commands/eval.ts";
import { addExport } from "./commands/export.ts";
import { addFaces } from "./commands/faces.ts";
import { addIndex } from "./commands/index.ts";
import { addInspect } from "./commands/inspect.ts";
import { addJobs } from "./commands/jobs.ts";
import { addLearn } from "./commands/learn.ts";
import { addModels } from "./commands/models.ts";
import { addMotion } from "./commands/motion.ts";
import { addPage } from "./commands/page.ts";
import { addPlan } from "./commands/plan.ts";
import { addPretrain } from "./commands/pretrain.ts";
import { addPull } from "./commands/pull.ts";
import { addRecipes } from "./commands/recipes.ts";
import { addRestore } from "./commands/restore.ts";
import { addRun } from "./commands/run.ts";
import { addScenes } from "./commands/scenes.ts";
import { addSearch } from "./commands/search.ts";
import { addSegment } from "./commands/segment.ts";
import { addServe } from "./commands/serve.ts";
import { addTrain } from "./commands/train.ts";
import { addWork } from "./commands/work.ts";
import { noteError, type Terminal } from "./terminal.ts";

/** What a command's file exports: adds itself to the program. `finish` sets the exit code of a command that went through but found faults. */
export type AddCommand = (program: Command, terminal: Terminal, finish: (exitCode: number) => void) => void;

const COMMANDS: readonly AddCommand[] = [
  addClassify,
  addDetect,
  addSegment,
  addFaces,
  addRestore,
  addLearn,
  addTrain,
  addPretrain,
  addRecipes,
  addEval,
  addCalibrate,
  addAudit,
  addBench,
  addEmbed,
  addIndex,
  addSearch,
  addModels,
  addPull,
  addInspect,
  addConvert,
  addExport,
  addRun,
  addScenes,
  addMotion,
  addServe,
  addPlan,
  addWork,
  addJobs,
  addPage,
  addDoctor,
];

const EXAMPLES = `
Examples:
  $ saccade classify photo.jpg
  $ saccade classify photo.jpg --explain looked.png

saccade COMMAND --help shows a command's options and examples.
`;

/** The command line with all its commands. `finish` hears exit codes of commands that went through but found faults. */
export function createProgram(terminal: Terminal, finish: (exitCode: number) => void): Command {
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
  for (const add of COMMANDS) add(program, terminal, finish);
  return program;
}

/** Runs one command line; the exit code is the answer. Never throws. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createProgram(terminal, (code) => {
    exitCode = Math.max(exitCode, code);
  });
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
