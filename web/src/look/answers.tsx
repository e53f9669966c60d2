// What it says: the best answers with how sure they are.
import type { Looked } from "../looker.ts";
import { milliseconds, percent } from "../ui/numbers.ts";

export function Answers({ looked }: { readonly looked: Looked }) {
  const { predictions, unknown, seen } = looked;
  const [best] = predictions;
  if (best === undefined) return null;
  return (
    <div class="answers">
      <p class="answer-best">{unknown === true ? "None of its classes" : best.label}</p>
      <p class="soft small">{describe(looked)}</p>
      <ol class="answer-list" aria-label="Answers, best first">
        {predictions.map(({ label, index, score }) => (
          <li key={index}>
            <span class="answer-label">{label}</span>
            <span class="answer-score number">{percent(score)}</span>
            <span class="answer-bar" aria-hidden="true">
              <span style={{ width: `${100 * score}%` }} />
            </span>
          </li>
        ))}
      </ol>
      {seen < 0.995 && <p class="soft small">It saw {percent(seen)} of the picture, inside of the dashed frame.</p>}
    </div>
  );
}

function describe({ predictions, unknown, ms, steps, stopped }: Looked): string {
  const sure = unknown === true ? `nearest: ${predictions[0]!.label}` : `${percent(predictions[0]!.score)} sure`;
  const time = `${milliseconds(ms)} ms`;
  if (steps === undefined || stopped !== "confident") return `${sure}, after ${time}`;
  return `${sure}, after ${time}; sure enough after step ${steps.length}`;
}
