// When models that run in steps may stop: options that commands share.
import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../errors.ts";
import type { ExitOptions } from "../tasks/classify/exit-rule.ts";

export interface ExitFlags {
  threshold?: number;
  minimumValue?: number;
  budgetMs?: number;
  budgetMacs?: number;
  averageMacs?: number;
}

/** --threshold, --minimum-value, --budget-ms, --budget-macs, --average-macs. */
export function addExitOptions(command: Command): Command {
  return command
    .option("--threshold <p>", "models in steps: stop when the likeliest class has this probability", probability)
    .option("--minimum-value <v>", "the same when its value net expects no more of going on (AdaptiveNN)", finite)
    .option("--budget-ms <ms>", "models in steps: milliseconds a picture may take in the model", positive)
    .option("--budget-macs <n>", "models in steps: multiply-accumulates a picture may take, such as 1.5G", macs)
    .option("--average-macs <n>", "the same on average over many, by thresholds stored with the model", macs);
}

/** What a task takes. */
export function exitOptions({ threshold, minimumValue, budgetMs, budgetMacs, averageMacs }: ExitFlags): ExitOptions {
  return {
    ...(threshold === undefined ? {} : { threshold }),
    ...(minimumValue === undefined ? {} : { minimumValue }),
    ...(budgetMs === undefined ? {} : { budgetMs }),
    ...(budgetMacs === undefined ? {} : { budgetMacs }),
    ...(averageMacs === undefined ? {} : { averageMacs }),
  };
}

/** Whether an early stop was asked for. */
export function hasExitOptions(flags: ExitFlags): boolean {
  return Object.keys(exitOptions(flags)).length > 0;
}

/** Throws UsageError when a model that does not run in steps is asked to stop early. */
export function refuseExitOptions(flags: ExitFlags, model: string): void {
  const [given] = Object.keys(exitOptions(flags));
  if (given === undefined) return;
  const flag = `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new UsageError(
    `${model} does not run in steps, so ${flag} cannot stop it early`,
    "take a GFNet, an AdaptiveNN or the bundled model, or leave it out",
  );
}

function probability(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("It must be a number from 0 to 1.");
  return value;
}

function finite(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a positive number.");
  return value;
}

const UNITS = { "": 1, k: 1e3, M: 1e6, G: 1e9 } as const;

/** A count with k, M or G behind it. */
function macs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kMG]?)$/.exec(text.trim());
  const value = match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  if (!(value > 0))
    throw new InvalidArgumentError("It must be a positive number, with k, M or G behind it if you like.");
  return value;
}
