// A dial with a few positions, each with what it costs: a row of bars that are radio buttons.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { milliseconds } from "./numbers.ts";

export interface DialStop {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  /** undefined where nobody has measured it yet. */
  readonly ms: number | undefined;
  readonly isChosen: boolean;
}

interface DialProps {
  readonly legend: string;
  readonly hint: string;
  readonly stops: readonly DialStop[];
  readonly onChoose: (key: string) => void;
  readonly children?: ComponentChildren;
}

export function Dial({ legend, hint, stops, onChoose, children }: DialProps) {
  const name = useId();
  const most = Math.max(...stops.map(({ ms = 0 }) => ms));
  return (
    <fieldset class="dial">
      <legend class="heard">{`${legend}: ${hint}`}</legend>
      <div class="dial-head" aria-hidden="true">
        <h3>{legend}</h3>
        <span class="soft small">{hint}</span>
      </div>
      <div class="dial-stops">
        {stops.map(({ key, label, unit, ms, isChosen }) => (
          <label key={key} class="dial-stop">
            <input type="radio" name={name} checked={isChosen} onChange={() => onChoose(key)} />
            <span class="dial-ms number">
              {ms === undefined ? "" : milliseconds(ms)}
              <span class="heard">{ms === undefined ? "" : " milliseconds,"}</span>
            </span>
            <span class="dial-track" aria-hidden="true">
              <span
                class={ms === undefined ? "dial-bar unknown" : "dial-bar"}
                style={{ height: `${ms === undefined ? 10 : Math.max(6, (100 * ms) / most)}%` }}
              />
            </span>
            <span class="dial-label number">
              {label}
              <span class="heard">{` ${unit}`}</span>
            </span>
          </label>
        ))}
      </div>
      <div class="dial-actions">{children}</div>
    </fieldset>
  );
}
