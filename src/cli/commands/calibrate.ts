// saccade calibrate: answers that are as sure as they are right.
import type { Command } from "commander";
import { nodeTrainingHost } from "../../platform/node/training-host.ts";
import { type CalibrateOptions, type CalibrationResult, calibrate } from "../../workflows/calibrate.ts";
import { addDeviceOptions, type DeviceOptions, integer, sessionOptions, share } from "../options.ts";
import { Progress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

interface CalibrateFlags extends DeviceOptions {
  split?: NonNullable<CalibrateOptions["split"]>;
  unknownBelow?: number;
  limit?: number;
  json?: boolean;
}

const EXAMPLES = `
MODEL is a model folder, which is changed: its last layers are multiplied by a
factor, so that of the answers that are 80 % sure, 80 % are right. Which answer
is the likeliest stays as it was. DATA are labelled pictures, as for saccade
eval, that the model was not trained on; a few hundred are enough.

--unknown-below says how sure an answer must be: less sure ones are called
unknown from then on. The table shows what that costs; look at it first.

Examples:
  $ saccade calibrate runs/flowers/best flowers/
  $ saccade calibrate runs/flowers/best flowers/ --unknown-below 0.3
`;

export function addCalibrate(program: Command, terminal: Terminal): void {
  const command = program
    .command("calibrate")
    .description("make a model's answers as sure as they are right, and say below which confidence they are unknown")
    .argument("<model>", "model folder")
    .argument("<data>", "folder, list or archive of labelled pictures that it was not trained on")
    .option("--unknown-below <share>", "answers that are less sure are called unknown", share)
    .option("--split <split>", "which part (default: validation, else test, else train)")
    .option("--limit <n>", "only this many pictures, spread over the data", integer(1))
    .option("--json", "one JSON object; shares are fractions from 0 to 1")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(command).action((model: string, data: string, flags: CalibrateFlags) =>
    runCalibrate(model, data, flags, terminal),
  );
}

async function runCalibrate(model: string, data: string, flags: CalibrateFlags, terminal: Terminal): Promise<void> {
  const { split, unknownBelow, limit, json } = flags;
  let progress: Progress | undefined;
  const result = await calibrate(nodeTrainingHost, model, data, {
    ...sessionOptions(flags, terminal),
    ...(split === undefined ? {} : { split }),
    ...(limit === undefined ? {} : { limit }),
    ...(unknownBelow === undefined ? {} : { unknownBelow }),
    onProgress(done, total) {
      progress ??= new Progress(terminal, "pictures", total);
      progress.reach(done);
    },
  }).finally(() => progress?.finish());
  terminal.out(json === true ? `${JSON.stringify({ model, data, ...result })}\n` : calibrationText(model, result));
}

function calibrationText(model: string, { pictures, scales, before, after, rates }: CalibrationResult): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const cells = rates.map(({ below, ...shares }) => [
    `${Math.round(100 * below)} %`,
    ...[shares.unknown, shares.rightLost, shares.wrongCaught, shares.rightOfRest].map(percent),
  ]);
  const table = [["below", "unknown", "right lost", "wrong caught", "right of rest"], ...cells].map((row) =>
    row.map((cell, column) => cell.padStart(column === 0 ? 7 : 14)).join(""),
  );
  return [
    `${model}: calibrated on ${pictures} pictures`,
    `  logits are multiplied by ${scales.answer.toFixed(3)}${scales.exits.length === 0 ? "" : `, those of early answers by ${scales.exits.map((scale) => scale.toFixed(3)).join(", ")}`}`,
    `  calibration error ${percent(before)} before, ${percent(after)} now`,
    "",
    "If answers below a confidence are called unknown (--unknown-below):",
    "",
    ...table,
    "",
  ].join("\n");
}
