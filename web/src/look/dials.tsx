// The dials: how many pixels, how many tokens, how sure is sure enough; under each position what it costs here.
import { useSignalEffect } from "@preact/signals";
import type { ModelFacts } from "../library.ts";
import type { Setting } from "../looker.ts";
import { currentModel, factsOf } from "../state/models.ts";
import { currentPicture } from "../state/pictures.ts";
import { Button, Card } from "../ui/controls.tsx";
import { Dial, type DialStop } from "../ui/dial.tsx";
import {
  costOf,
  measureSettings,
  measureSteps,
  measuring,
  type StepCost,
  stepCosts,
  stepKey,
  stopMeasuring,
} from "./costs.ts";
import { looker, lookerState, setting, threshold } from "./looking.ts";

export function Dials() {
  const facts = currentModel.value.facts.value;
  useSignalEffect(() => {
    // The first answer comes first: what the dials need is read afterwards.
    if (lookerState.value.status === "ready") factsOf(currentModel.value).catch(() => undefined);
  });
  if (facts === undefined) return null;
  const resolutions = resolutionStops(facts);
  const tokens = tokenStops(facts);
  if (resolutions.length === 0 && tokens.length === 0 && facts.steps.length === 0) return null;
  return (
    <Card title="Dials">
      <div class="dials">
        {resolutions.length > 0 && <ResolutionDial stops={resolutions} />}
        {tokens.length > 0 && <TokenDial stops={tokens} />}
        {facts.steps.length > 1 && <ThresholdDial />}
      </div>
      <p class="soft small dials-note">
        {currentPicture.value === undefined
          ? "With a picture on the screen, every position can be measured on this machine."
          : "Milliseconds for one look at this picture, here, without opening its file."}
      </p>
    </Card>
  );
}

const RESOLUTION_FACTORS = [0.5, 1, 2, 3, 4, 6, 8];
const SMALLEST = 32;
const LARGEST = 1792;
const TOKEN_FACTORS = [0.25, 0.5, 1, 1.5, 2, 4];

/** Settings of a dial; the model's own position is the one that changes nothing. */
export interface SettingStop {
  readonly value: number;
  readonly isOwn: boolean;
}

/** None for a model of one size. */
export function resolutionStops({ takesAnySize, size }: ModelFacts): SettingStop[] {
  if (!takesAnySize || size === undefined) return [];
  const own = Math.min(size.width, size.height);
  return RESOLUTION_FACTORS.map((factor) => ({ value: Math.round(own * factor), isOwn: factor === 1 })).filter(
    ({ value, isOwn }) => isOwn || (value >= SMALLEST && value <= LARGEST),
  );
}

function tokenStops({ tokens }: ModelFacts): SettingStop[] {
  if (tokens === undefined || !tokens.canChange) return [];
  return TOKEN_FACTORS.map((factor) => ({
    value: Math.max(1, Math.round(tokens.count * factor)),
    isOwn: factor === 1,
  }));
}

function ResolutionDial({ stops }: { readonly stops: readonly SettingStop[] }) {
  const { resolution, tokens } = setting.value;
  const settingOf = ({ value, isOwn }: SettingStop): Setting => ({ resolution: isOwn ? undefined : value, tokens });
  return (
    <SettingDial
      legend="Resolution"
      hint="pixels of the shorter side that the model sees"
      stops={stops}
      unit="px"
      settingOf={settingOf}
      isChosen={({ value, isOwn }) => (resolution === undefined ? isOwn : value === resolution)}
    />
  );
}

function TokenDial({ stops }: { readonly stops: readonly SettingStop[] }) {
  const { resolution, tokens } = setting.value;
  const settingOf = ({ value, isOwn }: SettingStop): Setting => ({ resolution, tokens: isOwn ? undefined : value });
  return (
    <SettingDial
      legend="Tokens"
      hint="how many places it looks at"
      stops={stops}
      unit=""
      settingOf={settingOf}
      isChosen={({ value, isOwn }) => (tokens === undefined ? isOwn : value === tokens)}
    />
  );
}

interface SettingDialProps {
  readonly legend: string;
  readonly hint: string;
  readonly stops: readonly SettingStop[];
  readonly unit: string;
  readonly settingOf: (stop: SettingStop) => Setting;
  readonly isChosen: (stop: SettingStop) => boolean;
}

function SettingDial({ legend, hint, stops, unit, settingOf, isChosen }: SettingDialProps) {
  const model = currentModel.value;
  const device = looker.value?.device;
  const dialStops = stops.map(
    (stop): DialStop => ({
      key: String(stop.value),
      label: String(stop.value),
      unit,
      ms: device === undefined ? undefined : costOf(model, device, settingOf(stop)),
      isChosen: isChosen(stop),
    }),
  );
  const choose = (key: string) => {
    const stop = stops.find(({ value }) => String(value) === key);
    if (stop !== undefined) setting.value = settingOf(stop);
  };
  const isUnmeasured = dialStops.some(({ ms }) => ms === undefined);
  return (
    <Dial legend={legend} hint={hint} stops={dialStops} onChoose={choose}>
      {isUnmeasured && <MeasureButton dial={legend} onMeasure={() => measureSettings(legend, stops.map(settingOf))} />}
    </Dial>
  );
}

const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

function ThresholdDial() {
  const legend = "Stop early";
  const open = looker.value;
  const picture = currentPicture.value;
  const costs = stepCosts.value;
  const steps =
    open !== undefined && picture !== undefined && costs?.key === stepKey(open, picture.id) ? costs.steps : [];
  const stops = [...THRESHOLDS, undefined].map(
    (sure): DialStop => ({
      key: String(sure),
      label: sure === undefined ? "never" : `${Math.round(100 * sure)}`,
      unit: sure === undefined ? "" : "%",
      ms: steps.length === 0 ? undefined : steps[stepAt(steps, sure)]!.ms,
      isChosen: threshold.value === sure,
    }),
  );
  const choose = (key: string) => {
    threshold.value = THRESHOLDS.find((sure) => String(sure) === key);
  };
  return (
    <Dial legend={legend} hint="as soon as the answer is this sure" stops={stops} onChoose={choose}>
      {steps.length === 0 && <MeasureButton dial={legend} onMeasure={() => measureSteps(legend)} />}
    </Dial>
  );
}

/** The step at which a picture stops. */
function stepAt(steps: readonly StepCost[], sure: number | undefined): number {
  const first = sure === undefined ? -1 : steps.findIndex(({ confidence }) => confidence >= sure);
  return first < 0 ? steps.length - 1 : first;
}

function MeasureButton({ dial, onMeasure }: { readonly dial: string; readonly onMeasure: () => void }) {
  const running = measuring.value;
  if (running === dial)
    return (
      <Button kind="quiet" icon="stop" onClick={stopMeasuring}>
        Stop
      </Button>
    );
  const isReady = currentPicture.value !== undefined && looker.value !== undefined && running === undefined;
  return (
    <Button
      kind="quiet"
      icon="gauge"
      onClick={onMeasure}
      disabled={!isReady}
      title={`Measure what each position of ${dial} costs here`}
    >
      Measure
    </Button>
  );
}
