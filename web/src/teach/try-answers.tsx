// What was learnt says of one picture.
import type { Recognition } from "../library.ts";

const SHOWN = 5;

export function Answers({ said }: { readonly said: Recognition }) {
  const none = said.unknown === true;
  return (
    <div class="teach-answers">
      <p class={none ? "teach-verdict is-none" : "teach-verdict"} data-testid="verdict">
        {none ? "None of these" : (said.predictions[0]?.label ?? "")}
      </p>
      <ol>
        {said.predictions.slice(0, SHOWN).map(({ label, score }) => (
          <li key={label}>
            <span>{label}</span>
            <meter min={0} max={1} value={score} aria-label={label} />
            <span class="number">{Math.round(100 * score)} %</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
