// As much of the shell's language as examples use.

interface Scanner {
  readonly text: string;
  at: number;
}

/** Ends of a command; `>` begins a redirection. */
const OPERATORS = ["&&", "||", "|", ";", "\n"];

/**
 * The commands of a text as words: comments and redirections left out, variables filled in. Assignments before a command are left out, those
 * on a line of their own are remembered in `variables`.
 */
export function shellCommands(text: string, variables = new Map<string, string>()): string[][] {
  const commands: string[][] = [];
  const scanner: Scanner = { text: `${text.replaceAll("\\\n", " ")}\n`, at: 0 };
  let words: string[] = [];
  while (scanner.at < scanner.text.length) {
    const operator = OPERATORS.find((one) => scanner.text.startsWith(one, scanner.at));
    if (operator !== undefined) {
      scanner.at += operator.length;
      const command = takeAssignments(words, variables);
      if (command.length > 0) commands.push(command);
      words = [];
    } else if (scanner.text[scanner.at] === " ") scanner.at++;
    else if (scanner.text[scanner.at] === "#") scanner.at = scanner.text.indexOf("\n", scanner.at);
    else if (/^\d?>/.test(scanner.text.slice(scanner.at))) {
      scanner.at = scanner.text.indexOf(">", scanner.at) + 1;
      while (scanner.text[scanner.at] === " ") scanner.at++;
      readWord(scanner, variables);
    } else words.push(...readWord(scanner, variables));
  }
  return commands;
}

/** One word; a variable without quotes may make several of it. */
function readWord(scanner: Scanner, variables: ReadonlyMap<string, string>): string[] {
  let word = "";
  let quote = "";
  const parts: string[] = [];
  for (; scanner.at < scanner.text.length; scanner.at++) {
    const character = scanner.text[scanner.at]!;
    if (quote === "" && /[\s|;&>]/.test(character)) break;
    const name = quote === "'" ? undefined : /^\$(\w+)/.exec(scanner.text.slice(scanner.at))?.[1];
    if (name !== undefined) {
      const value = variables.get(name);
      if (value === undefined) throw new Error(`nothing says what $${name} is`);
      const [first, ...rest] = quote === "" ? value.split(" ") : [value];
      word += first;
      for (const part of rest) {
        parts.push(word);
        word = part;
      }
      scanner.at += name.length;
    } else if (character === quote) quote = "";
    else if (quote === "" && /["']/.test(character)) quote = character;
    else word += character;
  }
  return [...parts, word];
}

function takeAssignments(words: readonly string[], variables: Map<string, string>): string[] {
  const isAssignment = (word: string) => /^[A-Z_]+=/.test(word);
  const first = words.findIndex((word) => !isAssignment(word));
  if (first >= 0) return words.slice(first);
  for (const word of words) variables.set(word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1));
  return [];
}

/** What follows `saccade`, however it is called; undefined for other programs. */
export function saccadeArguments(command: readonly string[]): string[] | undefined {
  const rest = command[0] === "npx" ? command.slice(1) : command;
  return /^(.*\/)?saccade$/.test(rest[0] ?? "") ? rest.slice(1) : undefined;
}
