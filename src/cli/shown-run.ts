// A training run as the command line shows it: notes and one changing line for people, JSON for programs, and at the end what can be done with the model.
import { totalmem } from "node:os";
import { AbortedError } from "../errors.ts";
import { nodeTrainingHost } from "../platform/node/training-host.ts";
import { isResumable } from "../workflows/train.ts";
import type { TrainOptions, TrainPlan, TrainResult } from "../workflows/train-options.ts";
import { refuseInside } from "./outputs.ts";
import type { Terminal } from "./terminal.ts";
import {
  choiceLines,
  epochLine,
  LiveLine,
  measuredLines,
  memoryLine,
  nextLines,
  pretrainedLines,
  probeLine,
  problemLines,
  shellWord,
  stageLine,
  stepLine,
  taughtLine,
  teacherLine,
} from "./train-progress.ts";

/** Options of a command that are about showing, and not about the run. */
export interface ShownFlags {
  readonly out?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/**
 * Runs a training and shows it. Where it is stopped with something to go on from, it says how.
 *
 * @param command its name, for what is said of going on
 * @param read what the run reads, so that it does not write there
 */
export async function showRun<F extends ShownFlags>(
  command: string,
  flags: F,
  read: readonly string[],
  terminal: Terminal,
  run: (options: Omit<F, "out" | "json"> & Partial<TrainOptions>) => Promise<TrainResult>,
): Promise<void> {
  const { json, out, ...rest } = flags;
  if (out !== undefined && flags.resume !== true) await refuseInside(out, read);
  let isUnread = false;
  const print = (report: Record<string, unknown>) => {
    if (json === true) terminal.out(`${JSON.stringify(report)}\n`);
    if (!terminal.outputClosed || isUnread) return;
    isUnread = true;
    terminal.note("standard output is closed; training goes on without it");
  };
  const live = new LiveLine(terminal);
  const shown = new ShownRun(live, print, terminal);
  try {
    const result = await run({
      ...rest,
      ...(out === undefined ? {} : { folder: out }),
      signal: terminal.signal,
      ...shown.hooks(),
    });
    live.end();
    shown.finish(result);
  } catch (error) {
    live.end();
    const folder = out ?? shown.folder;
    if (error instanceof AbortedError && folder !== undefined && (await isResumable(nodeTrainingHost.files, folder)))
      terminal.note(`saved; go on with: saccade ${command} --resume --out ${shellWord(folder)}`);
    throw error;
  }
}

/** What people and programs see of a run while it works, and at its end. */
class ShownRun {
  readonly #live: LiveLine;
  readonly #print: (report: Record<string, unknown>) => void;
  readonly #terminal: Terminal;
  readonly #started = performance.now();
  #plan: TrainPlan | undefined;
  #stages = 0;

  constructor(live: LiveLine, print: (report: Record<string, unknown>) => void, terminal: Terminal) {
    this.#live = live;
    this.#print = print;
    this.#terminal = terminal;
  }

  /** Of the run, once it is decided. */
  get folder(): string | undefined {
    return this.#plan?.folder;
  }

  hooks(): Partial<TrainOptions> {
    const { columns } = this.#terminal;
    const note = (line: string) => this.#terminal.note(line);
    return {
      onNotice: note,
      onPlan: (plan) => {
        this.#plan = plan;
      },
      onTeacher: (done, total) => this.#live.show(teacherLine(done, total, (performance.now() - this.#started) / 1000)),
      onTaught: (accuracy) => note(taughtLine(accuracy)),
      onStage: (stage) => this.#live.show(stageLine(stage)),
      onMemory: (bytes) => note(memoryLine(bytes, totalmem())),
      onStep: (report) => this.#live.show(stepLine(report, columns)),
      onReport: (report) => this.#print({ kind: "train", ...report }),
      onEpoch: (epoch, report, evaluation, places) => {
        if (evaluation !== undefined) this.#print({ kind: "eval", epoch, ...evaluation });
        if (places !== undefined) this.#print({ kind: "eval", epoch, ...places.numbers, pictures: places.pictures });
        const { recipe, labels } = this.#plan!;
        note(epochLine(epoch, recipe.epochs, labels.length, report, evaluation ?? places, columns));
      },
      onProbe: (epochs, score) => {
        this.#print({ kind: "probe", epochs, ...score });
        note(probeLine(epochs, score));
      },
      onStageResult: (result) => {
        this.#stages += 1;
        this.#end(result);
      },
    };
  }

  /** Of a run of stages, all has been said of the last one. */
  finish(result: TrainResult): void {
    if (this.#stages === 0) this.#end(result);
    else this.#print({ kind: "done", folder: result.folder, model: result.model });
    const { pretext, annotations } = this.#plan?.recipe ?? {};
    const lines =
      pretext === undefined
        ? nextLines(result, annotations)
        : pretrainedLines(result, pretext.objective === "reflections");
    for (const line of lines) this.#terminal.note(line);
  }

  #end({ folder, model, choice, measured, problems }: TrainResult): void {
    this.#print({ kind: "done", folder, model, ...choice, ...measured });
    const lines = measured === undefined ? choiceLines(choice) : measuredLines(measured);
    for (const line of [...problemLines(problems), ...lines]) this.#terminal.note(line);
  }
}
