// What each model said of the picture, and where it looked; one slider moves all of them.
import { useState } from "preact/hooks";
import { GazeLayer } from "../gaze/gaze-layer.tsx";
import { models } from "../state/models.ts";
import type { Picture } from "../state/pictures.ts";
import { ProblemBox, Progress } from "../ui/controls.tsx";
import { milliseconds, percent } from "../ui/numbers.ts";
import type { Side } from "./comparing.ts";

interface SideBySideProps {
  readonly picture: Picture;
  readonly sides: ReadonlyMap<string, Side>;
}

const SHOWN_ANSWERS = 3;

export function SideBySide({ picture, sides }: SideBySideProps) {
  const most = Math.max(
    0,
    ...[...sides.values()].map((side) => (side.status === "done" ? side.looked.looks.length : 0)),
  );
  const [chosen, setAt] = useState<number>();
  const at = Math.min(chosen ?? most, most);
  return (
    <>
      <div class="sides">
        {[...sides].map(([id, side]) => (
          <OneSide
            key={id}
            name={models.value.find((model) => model.id === id)?.name ?? id}
            picture={picture}
            side={side}
            at={at}
          />
        ))}
      </div>
      {most > 0 && (
        <label class="sides-slider small">
          <span>{at === 0 ? "The picture" : `Look ${at}`}</span>
          <input
            type="range"
            min={0}
            max={most}
            step={1}
            value={at}
            onInput={({ currentTarget }) => setAt(Number(currentTarget.value))}
          />
        </label>
      )}
    </>
  );
}

interface OneSideProps {
  readonly name: string;
  readonly picture: Picture;
  readonly side: Side;
  readonly at: number;
}

function OneSide({ name, picture, side, at }: OneSideProps) {
  const looked = side.status === "done" ? side.looked : undefined;
  // A model with fewer looks stays at its last.
  const look = looked?.looks[Math.min(at, looked.looks.length) - 1];
  return (
    <section class="side" aria-label={name}>
      <div class="side-picture">
        <div class="gaze-frame">
          <img src={picture.url} alt={picture.name} />
          <GazeLayer look={look} frame={looked?.frame} />
        </div>
      </div>
      <h3>{name}</h3>
      {side.status === "waiting" && <Progress label="Looking" />}
      {side.status === "failed" && <ProblemBox problem={side.problem} />}
      {side.status === "done" && (
        <>
          <ol class="side-answers">
            {side.looked.predictions.slice(0, SHOWN_ANSWERS).map(({ index, label, score }) => (
              <li key={index}>
                <span>{label}</span>
                <span class="number">{percent(score)}</span>
              </li>
            ))}
          </ol>
          <p class="soft small">
            {milliseconds(side.ms)} ms a look
            {side.looked.looks.length === 0 ? ", at all of the picture" : ""}
          </p>
        </>
      )}
    </section>
  );
}
