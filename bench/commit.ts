import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/** The commit that is measured, and whether the sources differ from it. */
export function describeCommit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  const isChanged = git("status", "--porcelain", "--untracked-files=no", "--", "src") !== "";
  return `${git("rev-parse", "--short=10", "HEAD")}${isChanged ? " and changes" : ""}`;
}
