import { expect, test } from "vitest";
import { saccadeArguments, shellCommands } from "./shell.ts";

test("quotes, comments, continued lines, lists, pipes, redirections and variables", () => {
  const text = `S="--size 48 --seed 1"   # settings
npm ci && ./bin/saccade classify "a b.jpg" \\
  --top-k 3 > out.txt 2> /dev/null
cat x | saccade classify - ; D=1 npx saccade scenes $S --name "$S" 'no $S'`;
  const commands = shellCommands(text);
  expect(commands).toEqual([
    ["npm", "ci"],
    ["./bin/saccade", "classify", "a b.jpg", "--top-k", "3"],
    ["cat", "x"],
    ["saccade", "classify", "-"],
    ["npx", "saccade", "scenes", "--size", "48", "--seed", "1", "--name", "--size 48 --seed 1", "no $S"],
  ]);
  expect(commands.map((command) => saccadeArguments(command)?.[0])).toEqual([
    undefined,
    "classify",
    undefined,
    "classify",
    "scenes",
  ]);
  expect(() => shellCommands("saccade eval $MISSING")).toThrow("$MISSING");
});
