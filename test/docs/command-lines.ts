// The command lines that people are shown: examples of every --help, and blocks of the pages.
import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";
import { codeBlocks } from "./documents.ts";
import { saccadeArguments, shellCommands } from "./shell.ts";

export interface ShownCommand {
  /** Where it stands: "docs/models.md:111", "saccade classify --help". */
  readonly at: string;
  /** What follows `saccade`. */
  readonly args: readonly string[];
}

/** Every command of the program, with what it has said. Nothing runs. */
export async function commands(): Promise<readonly Command[]> {
  return (await createProgram(fakeTerminal().terminal, () => undefined)).commands;
}

/** The lines after "$" in the help of the program and of its commands. */
export async function helpExamples(): Promise<ShownCommand[]> {
  const { terminal, said } = fakeTerminal();
  const program = await createProgram(terminal, () => undefined);
  return [program, ...program.commands].flatMap((command) => {
    const before = said().stdout.length;
    command.outputHelp();
    const help = said().stdout.slice(before).replaceAll("\\\n", " ");
    const lines = [...help.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line!);
    const name = command === program ? "" : ` ${command.name()}`;
    return shownCommands(lines.join("\n"), `saccade${name} --help`, new Map());
  });
}

/** The command lines in the pages' blocks. A variable that one block sets is known to those after it. */
export function pageExamples(): ShownCommand[] {
  const variables = new Map<string, string>();
  return codeBlocks()
    .filter(({ language }) => language === "bash")
    .flatMap(({ text, at }) => shownCommands(text, at, variables));
}

function shownCommands(text: string, at: string, variables: Map<string, string>): ShownCommand[] {
  return shellCommands(text, variables).flatMap((words) => {
    const args = saccadeArguments(words);
    return args === undefined ? [] : [{ at, args }];
  });
}
